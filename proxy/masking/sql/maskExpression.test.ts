import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, withPostgres } from '../../../db/embedded/testing';
import type { MaskSpec } from '../../../db/schema/shapes';
import { loadCatalog } from '../../catalog/load';
import { CellOut } from '../cellOut';
import { cellMaskFor } from '../transforms/cellMaskFor';
import type { Types } from '../transforms/family';
import { maskExpression } from './maskExpression';

let database: TestDatabase;
let client: pg.Client;
let types: Types;

const SETUP = `
set timezone = 'Asia/Kolkata';
create type mood as enum ('sad', 'happy');
create domain short as varchar(12) check (length(value) > 4);
create domain tall as int4 check (value > 100);
create extension if not exists citext;
-- What a search_path could put in the way.
create schema evil;
create function evil.left(text, int) returns text language sql as $$ select 'evil' $$;
create function evil.floor(numeric) returns numeric language sql as $$ select 666::numeric $$;
create function evil.evil_less(int4, int4) returns bool language sql as $$ select true $$;
create operator evil.<= (leftarg = int4, rightarg = int4, function = evil.evil_less);
set search_path = evil, pg_catalog, public;
`;

/** Values of each type as text. */
const VALUES: readonly (readonly [type: string, ...values: string[]])[] = [
  [
    'text',
    ...[
      '',
      'a',
      '078-05-1120',
      '4111 1111 1111 1111',
      'Zoë–Müller é 1120',
      '(555) 867-5309',
      'line\none@b.c',
      'tab\t@b.c',
      '日本語テスト',
      ' - ',
    ],
    ...[
      'ada@example.com',
      'a@b.c',
      'é@ümlaut.de',
      'ab@c',
      'a@b@c.d',
      '@b.c',
      'a@.b.c',
      'a@b..c',
      'a@b.c.',
      'a@b_c.d',
      'a b@c.d',
      'x@日本.jp',
    ],
    ...["o'brien\\n%s$1@x.y", 'a@b.c\u007f', 'a@b.c\n', '😀😀😀@x.yz', '\u00a0a@b.c', '***', '...', '1234', '12-34'],
  ],
  ['varchar(20)', '4111-1111-1111-1111', 'ada@example.com'],
  ['char(12)', 'secret', 'a@b.c'],
  ['name', 'pg_something', 'ada@example.com'],
  ['citext', 'Ana@Example.com', 'B@x.y'],
  ['short', 'ada@ex.com', '12345'],
  ['"char"', 'x'],
  ['xml', '<ssn>123</ssn>'],
  ['json', '{"ssn": 1}'],
  ['jsonb', '{"ssn": 1}'],
  ['bool', 't'],
  ['mood', 'sad'],
  ['uuid', '6f9619ff-8b86-d011-b42d-00cf4fc964ff'],
  ['bytea', '\\x00ff'],
  ['int2', '-32768', '-32767', '32767', '5', '-5', '0', '15', '14', '-15'],
  ['int4', '-2147483648', '2147483647', '123456789', '-7', '5', '-5', '0'],
  ['tall', '123456', '105'],
  ['int8', '-9223372036854775808', '9223372036854775807', '1234567890123456785', '45', '-45', '44'],
  ['oid', '0', '4294967295', '17'],
  [
    'numeric',
    '12345.6789',
    '-0.000123',
    '98765432109876543210.5',
    '100005',
    'NaN',
    'Infinity',
    '-Infinity',
    '-5',
    '5',
    '2.5',
    '0.005',
    '-0.015',
  ],
  ['numeric(12,2)', '-1234567.89', '45', '1005'],
  [
    'float8',
    '-12345.6789',
    '1e-300',
    '-1e-300',
    '0.3',
    '2.675',
    '-2.675',
    '5',
    '-5',
    '0',
    '-0',
    'NaN',
    'Infinity',
    '4503599627370497',
    '15',
  ],
  ['float4', '1234.56', '-7', '0.7', '0.3', '-0.7', '1e-40', 'NaN', '-Infinity'],
  ['money', '12.30'],
  [
    'date',
    '2020-05-17',
    '0044-03-15 BC',
    '10000-07-08',
    'infinity',
    '-infinity',
    '4714-11-24 BC',
    '4714-12-05 BC',
    '4713-01-01 BC',
    '5874897-12-31',
  ],
  [
    'timestamp',
    '2020-05-17 10:11:12.123456',
    '1999-12-31 23:59:59',
    'infinity',
    '4714-12-24 00:00:00 BC',
    '4714-11-30 00:00:00 BC',
    '294276-12-31',
  ],
  [
    'timestamptz',
    '2020-07-17 23:11:12.5+02',
    '2020-01-01 00:30:00+02',
    '2019-12-31 22:00:00+00',
    '0044-03-15 10:00:00+00 BC',
    'infinity',
    '-infinity',
  ],
  ['interval', '1 day'],
  ['inet', '192.168.7.8/24'],
  ['int4range', '[1,5)'],
  ['text[]', '{a,b}'],
];

const SPECS: readonly MaskSpec[] = [
  { type: 'redact' },
  { type: 'null' },
  ...[{}, { keepFirst: 1 }, { keepLast: 4 }, { keepFirst: 2, keepLast: 2 }, { keepLast: 255 }].map(
    (keep): MaskSpec => ({ type: 'partial', ...keep }),
  ),
  { type: 'email' },
  ...(['year', 'month', 'day'] as const).map((truncate): MaskSpec => ({ type: 'date', truncate })),
  ...[2, 10, 1000, 30_000, 2.5, 0.01, 0.1, 3].flatMap((step): MaskSpec[] => [
    { type: 'number', round: step },
    { type: 'number', bucket: step },
  ]),
  { type: 'hash' },
  ...["it's \\n", '"x"', '7', 'true', 'happy', '1970-01-01', '\\x00ff', '00000000-0000-0000-0000-000000000000', 'z', '-1.50'].map(
    (value): MaskSpec => ({ type: 'constant', value }),
  ),
];

/** What SQL cannot say, and the gateway then treats as closed. */
const UNSAID: Readonly<Record<string, string>> = {
  hash: 'text, varchar(20), char(12), name, citext, short, json, jsonb, uuid, bytea, int2, int4, tall, int8, oid, numeric, numeric(12,2), text[]',
  partial: 'text[]',
  email: 'text[]',
  constant: 'text[]',
  date: 'int4range',
  number: 'int4range',
};

beforeAll(async () => {
  database = await withPostgres();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(SETUP);
  types = (await loadCatalog(client)).types;
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

const RAW = { getTypeParser: () => (cell: unknown) => cell };

describe('the server’s mask of a value is the gateway’s', () => {
  test.each(VALUES)('%s', async (type, ...values) => {
    const { rows: known } = await client.query<{ oid: number }>('select $1::regtype::oid as oid', [type.replace(/\(\d.*\)/, '')]);
    const typeOid = known[0]?.oid ?? 0;
    const base = types.get(typeOid)?.baseOid || typeOid;
    await client.query(`drop table if exists public.held; create table public.held (n int, v ${type})`);
    await client.query(`insert into public.held select n, t::${type} from unnest($1::text[]) with ordinality as u (t, n)`, [
      [...values, null],
    ]);
    const cells = (await client.query<{ v: string | null }>({ text: 'select v::text as v from public.held order by n', types: RAW })).rows;
    for (const spec of SPECS) {
      const what = JSON.stringify(spec);
      const expression = maskExpression(spec, typeOid, types, '"v"');
      if (expression === null) {
        expect(UNSAID[spec.type]?.split(', '), what).toContain(type);
        continue;
      }
      const { rows } = await client.query<{ masked: string | null; type: number }>({
        text: `select masked::text, pg_typeof(masked)::oid as type from (select n, ${expression} as masked from public.held) as t order by n`,
      });
      const mask = cellMaskFor({ spec, typeOid, format: 0, types, hashKey: Buffer.alloc(32) });
      const expected = cells.map(({ v }) => {
        if (v === null) return null;
        const out = new CellOut(16);
        // Of character the server's own text has its blanks, which a cast to text drops.
        const cell = Buffer.from(type === 'char(12)' ? v.padEnd(12) : v);
        return mask(cell, 0, cell.length, out) ? out.bytes.toString('utf8', 0, out.length) : null;
      });
      const spelled = await client.query<{ v: string | null }>({
        text: `select v::${types.get(base)?.schema}."${types.get(base)?.name}"::text as v from unnest($1::text[]) with ordinality as u (v, n) order by n`,
        values: [expected],
      });
      expect(
        rows.map((row) => row.masked),
        what,
      ).toEqual(spelled.rows.map((row) => row.v));
      expect(new Set(rows.map((row) => row.type)), what).toEqual(new Set([base]));
    }
  });
});
