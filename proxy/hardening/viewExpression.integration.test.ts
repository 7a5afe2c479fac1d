import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDatabase, withPostgres } from '../../db/embedded/testing';
import type { MaskSpec } from '../../db/schema/shapes';
import { loadCatalog } from '../catalog/load';
import type { CatalogSnapshot } from '../catalog/types';
import { viewExpression } from './viewExpression';

let database: TestDatabase;
let client: pg.Client;
let catalog: CatalogSnapshot;
beforeAll(async () => {
  database = await withPostgres();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(`set timezone = 'UTC'; create domain short as varchar(20) check (length(value) > 4);
    create table key (inner_key bytea, outer_key bytea); insert into key values ('\\x01', '\\x02')`);
  catalog = await loadCatalog(client);
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

/** What a value of a type becomes, as text, and the type of what it became. */
async function masked(spec: MaskSpec, type: string, value: string | null): Promise<[string | null, string]> {
  const [row] = (await client.query<{ oid: number }>(`select '${type}'::regtype::oid as oid`)).rows;
  const expression = viewExpression(spec, row?.oid ?? 0, catalog.types, 't.v', 'key');
  const { rows } = await client.query<{ value: string | null; type: string }>(
    `select (${expression})::text as value, pg_typeof(${expression})::text as type
       from (select $1::text::${type} as v) as t`,
    [value],
  );
  return [rows[0]?.value ?? null, rows[0]?.type ?? ''];
}

const last4: MaskSpec = { type: 'partial', keepLast: 4 };

test.each<[MaskSpec, string, string | null, string | null, string]>([
  [{ type: 'redact' }, 'text', 'x', '***', 'text'],
  [{ type: 'redact' }, 'varchar(2)', 'xy', '***', 'character varying'],
  [{ type: 'redact' }, 'short', 'longer', '***', 'character varying'],
  [{ type: 'redact' }, 'uuid', '00000000-0000-0000-0000-000000000001', null, 'uuid'],
  [{ type: 'redact' }, 'jsonb', '{"a": 1}', '"***"', 'jsonb'],
  [{ type: 'redact' }, 'int4[]', '{1,2}', null, 'integer[]'],
  [{ type: 'redact' }, 'text', null, null, 'text'],
  [{ type: 'null' }, 'text', 'x', null, 'text'],
  [{ type: 'constant', value: "it's \\n" }, 'text', 'x', "it's \\n", 'text'],
  [{ type: 'constant', value: 'x' }, 'int4', '5', null, 'integer'],
  [last4, 'text', '078-05-1120', '***-**-1120', 'text'],
  [last4, 'text', '4111 1111 1111 1111', '**** **** **** 1111', 'text'],
  [last4, 'text', '1120', '***', 'text'],
  [last4, 'text', '11-20', '***', 'text'],
  [last4, 'text', '', '***', 'text'],
  [last4, 'text', null, null, 'text'],
  // What is no ASCII separator is hidden, whatever the collation takes for a letter.
  [last4, 'text', 'Zoë–Müller é 1120', '********** * 1120', 'text'],
  [{ type: 'partial', keepFirst: 2 }, 'text', 'GB29 NWBK', 'GB** ****', 'text'],
  [{ type: 'partial', keepFirst: 1, keepLast: 1 }, 'text', 'a.b.c.d', 'a.*.*.d', 'text'],
  [{ type: 'partial', keepFirst: 0, keepLast: 0 }, 'text', 'a-b', '*-*', 'text'],
  [{ type: 'partial', keepLast: 1000 }, 'text', 'abc', '***', 'text'],
  [{ type: 'email' }, 'text', 'ada@example.com', 'a***@example.com', 'text'],
  [{ type: 'email' }, 'text', 'no address', '***', 'text'],
  [{ type: 'email' }, 'text', 'two@at@signs', '***', 'text'],
  [{ type: 'email' }, 'text', 'line@break.com\nssn', '***', 'text'],
  [{ type: 'date', truncate: 'year' }, 'date', '1815-12-10', '1815-01-01', 'date'],
  [{ type: 'date', truncate: 'month' }, 'timestamptz', '2024-02-29 23:59:59+00', '2024-02-01 00:00:00+00', 'timestamp with time zone'],
  [{ type: 'date', truncate: 'day' }, 'timestamp', '2024-02-29 23:59:59', '2024-02-29 00:00:00', 'timestamp without time zone'],
  [{ type: 'date', truncate: 'year' }, 'text', '1815-12-10', null, 'text'],
  [{ type: 'number', bucket: 1000 }, 'numeric', '91234.56', '91000', 'numeric'],
  [{ type: 'number', bucket: 10 }, 'int4', '-1', '-10', 'integer'],
  [{ type: 'number', round: 10 }, 'int2', '15', '20', 'smallint'],
  [{ type: 'number', round: 10_000 }, 'int2', '32767', '30000', 'smallint'],
  [{ type: 'number', round: 30_000 }, 'int2', '32767', '30000', 'smallint'],
  [{ type: 'number', round: 40_000 }, 'int2', '32767', null, 'smallint'],
  [{ type: 'number', bucket: 10 }, 'int8', '-9223372036854775808', null, 'bigint'],
  [{ type: 'number', round: 0.5 }, 'float8', '1.3', '1.5', 'double precision'],
  [{ type: 'number', bucket: 10 }, 'float8', 'Infinity', null, 'double precision'],
  [{ type: 'number', bucket: 10 }, 'float4', 'NaN', null, 'real'],
  [{ type: 'number', bucket: 10 }, 'numeric', 'NaN', null, 'numeric'],
  [{ type: 'hash' }, 'int4', '5', null, 'integer'],
])('%j of %s %j', async (spec, type, value, expected, typeOf) => {
  expect(await masked(spec, type, value)).toEqual([expected, typeOf]);
});

test('pseudonyms: equal for equal values, different with the key', async () => {
  const one = await masked({ type: 'hash' }, 'text', 'ada');
  expect(one[0]).toMatch(/^h_[0-9a-f]{24}$/);
  expect(await masked({ type: 'hash' }, 'varchar', 'ada')).toEqual([one[0], 'character varying']);
  expect((await masked({ type: 'hash' }, 'text', 'bo'))[0]).not.toBe(one[0]);
  await client.query("update key set inner_key = '\\x03'");
  expect((await masked({ type: 'hash' }, 'text', 'ada'))[0]).not.toBe(one[0]);
});
