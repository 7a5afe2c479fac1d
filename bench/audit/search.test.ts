import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withPostgres } from '../../db/embedded/testing';
import { migrateStore } from '../../db/migrate';
import { type OpenStore, openStore } from '../../db/store';
import { createKeyring } from '../../proxy/record/valueKeys';
import { searchStatements } from '../../server/audit/search';
import { systemActor } from '../../server/identity/actor';
import { fillStore } from './fill';

let client: pg.Client;
let opened: OpenStore;
let stop: () => Promise<void>;
const secretKey = Buffer.alloc(32, 3);

beforeAll(async () => {
  const database = await withPostgres();
  await migrateStore(database.url);
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  opened = openStore(database.url, { max: 2, applicationName: 'search test' });
  const { id } = await createKeyring({ store: opened.store, secretKey }).keyFor('bench', '2026-11-25');
  const filling = { count: 200_000, days: 4, lastDay: '2026-11-25', keyId: id, box: Buffer.alloc(0), words: ['7', '8'], rareWord: '9' };
  await fillStore(client, filling, () => undefined);
  stop = async () => {
    await client.end();
    await opened.close();
    await database.drop();
  };
}, 300_000);
afterAll(() => stop());

/** Rows of days' partitions that were read one after the other since the server counts. */
async function readInSequence(): Promise<number> {
  // The pool's sessions tell what they did when they are idle for a moment; a session that ends tells at once.
  await client.query('select pg_stat_force_next_flush()');
  const { rows } = await client.query<{ n: string }>(
    "select coalesce(sum(seq_tup_read), 0) as n from pg_stat_user_tables where relname ~ '^statement(s|_values)_\\d+$'",
  );
  return Number(rows[0]?.n ?? 0);
}

test('a day that is read from end to end is seen', async () => {
  const before = await readInSequence();
  await client.query('select count(*) from statements where policy_version = 99');
  expect((await readInSequence()) - before).toBe(200_000);
});

test.each([
  'who:rare-agent',
  'owner:rare-person',
  'connection:archive',
  'address:192.168.*',
  'kind:TRUNCATE',
  'table:quarterly_report',
  'column:quarterly_report.total',
  'fingerprint:feedfacefeedface',
  'verdict:denied',
  'verdict:held',
  'rule:rule-3',
  'status:failed',
  'sqlstate:XX001',
  'sqlstate:99999',
  'session:ses_00000000000000100042',
  'request:req_1234',
  'rows:>2990',
  'rows:>100000',
  'bytes:>100000',
  'duration:>10s',
  'who:agent-3 table:ledger',
  'who:agent-1 sqlstate:XX001',
])('%s reads no day from end to end', async (q) => {
  const before = await readInSequence();
  await searchStatements({ store: opened.store, secretKey, actor: systemActor }, { q });
  // What a session did is told to the statistics within a second of its being idle.
  await opened.store.execute('select pg_stat_force_next_flush()');
  await opened.store.execute('select 1');
  expect((await readInSequence()) - before).toBe(0);
});
