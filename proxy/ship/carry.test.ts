import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withPostgres } from '../../db/embedded/testing';
import { migrateStore } from '../../db/migrate';
import { openStore } from '../../db/store';
import { createKeyring, createValueOpener } from '../record/valueKeys';
import { wordKey } from '../record/words';
import { carryEarlier } from './carry';

let client: pg.Client;
let url: string;
let stop: () => Promise<void>;
const secretKey = randomBytes(32);

beforeAll(async () => {
  const database = await withPostgres();
  url = database.url;
  await migrateStore(url);
  client = new pg.Client({ connectionString: url });
  await client.connect();
  stop = async () => {
    await client.end();
    await database.drop();
  };
});
afterAll(() => stop());

test('what an earlier version recorded is sealed row by row, and its table and its clear text are gone', async () => {
  await client.query(`insert into statements_before (id, session_id, principal_name, connection_name, client_address, at, kind, sql, fingerprint,
      protocol, parameters, relations, effects, verdict, tried, policy_version, status, rows, masked_columns, duration_ms, break_glass)
    select 'stm_' || n, 'ses_1', 'bot', 'shop', '127.0.0.1:5', '2026-10-01'::timestamptz + n * interval '1 minute', 'SELECT',
      format('select %L', 'canary-' || n), 'f', 'simple', '[{"typeOid": 25, "value": "canary"}]', '[{"name": "public.t", "access": "read"}]',
      '["read"]', 'allow', '[]', 3, 'done', n, '["public.t.ssn"]', 1.5, case when n = 7 then 'canary reason' end from generate_series(1, 1800) n`);
  const { store, close } = openStore(url, { max: 3, applicationName: 'carry test' });
  const keyring = createKeyring({ store, secretKey });
  const options = { storeUrl: url, keyring, wordKey: wordKey(secretKey) };
  let steps = 0;
  // It is stopped in the middle, and goes on where it was.
  expect(await carryEarlier({ ...options, stopped: () => ++steps > 1 })).toBe(500);
  // Of two gateways at once, one carries each row; the other is told, and tries again.
  await Promise.allSettled([0, 1].map(() => carryEarlier({ ...options, stopped: () => false })));
  await carryEarlier({ ...options, stopped: () => false });

  expect((await client.query("select to_regclass('statements_before') as t")).rows).toEqual([{ t: null }]);
  const { rows } = await client.query(
    `select s.id, s.rows::int, s.broke_glass, s.log_index, f.shape, m.columns, v.key_id, v.box from statements s join statement_forms f on f.id = s.form_id
     join statement_masks m on m.id = s.mask_id join statement_values v on v.id = s.id and v.at = s.at order by s.at`,
  );
  expect(rows).toHaveLength(1_800);
  expect(rows[6]).toMatchObject({ id: 'stm_7', rows: 7, broke_glass: true, log_index: null, shape: 'select ?', columns: ['public.t.ssn'] });
  const opened = await createValueOpener({ store, secretKey }).open({ keyId: rows[6].key_id, box: rows[6].box });
  expect(opened).toMatchObject({ sql: [expect.any(String), "select 'canary-7'"], breakGlass: [expect.any(String), 'canary reason'] });
  for (const table of ['statements', 'statement_values', 'statement_forms', 'statement_sources'])
    expect((await client.query(`select 1 from ${table} t where t::text like '%canary%'`)).rows).toEqual([]);
  await close();
});
