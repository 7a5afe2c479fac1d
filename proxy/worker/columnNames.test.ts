import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDatabase, withPostgres } from '../../db/embedded/testing';
import { migrateStore } from '../../db/migrate';
import { connections } from '../../db/schema/policy';
import { openStore } from '../../db/store';
import { withFormerNames } from '../catalog/formerNames';
import { loadCatalog } from '../catalog/load';
import { maskedColumnsFor } from '../masking/columns';
import type { ConnectionPolicy, MaskingRule } from '../policy/types';
import { loadParser } from '../sql/parse';
import { keepColumnNames, readColumnNames } from './columnNames';

let database: TestDatabase;
let client: pg.Client;
let opened: ReturnType<typeof openStore>;
beforeAll(async () => {
  await loadParser();
  database = await withPostgres();
  await migrateStore(database.url);
  opened = openStore(database.url, { max: 2, applicationName: 'column names test' });
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
}, 60_000);
afterAll(async () => {
  await client.end();
  await opened.close();
  await database.drop();
});

test('a column renamed while no gateway ran is masked by the next one', async () => {
  const row = { id: 'con_1', name: 'shop', host: 'h', port: 1, database: 'd', username: 'u' };
  await opened.store.insert(connections).values(row);
  const connection = { ...row, default: 'allow', opaque: 'hold' } as unknown as ConnectionPolicy;
  const rule: MaskingRule = {
    ...{ name: 'pii', connections: ['*'], columns: ['crm.people.ssn'], detect: [], mask: { type: 'redact' } },
    ...{ inference: 'guarded', exceptGroups: [], mode: 'enforce' },
  };
  await client.query('create schema crm; create table crm.people (id int, ssn text)');
  const scope = { masking: [rule], connection, catalog: await loadCatalog(client) };
  await keepColumnNames(opened.store, scope);
  await keepColumnNames(opened.store, scope);
  await client.query(
    'alter table crm.people rename ssn to harmless; alter table crm.people rename to folk; alter schema crm rename to later',
  );

  const found = async (kept: Awaited<ReturnType<typeof readColumnNames>>) => {
    const catalog = withFormerNames(await loadCatalog(client), null, kept);
    return maskedColumnsFor({ masking: [rule], connection, principal: { groups: [] }, catalog }).all.map((mask) => mask.column);
  };
  expect(await found(new Map())).toEqual([]);
  expect(await found(await readColumnNames(opened.store, 'con_1'))).toEqual(['later.folk.harmless']);
});
