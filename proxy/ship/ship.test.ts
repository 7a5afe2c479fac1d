import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withPostgres } from '../../db/embedded/testing';
import { newId } from '../../db/ids';
import { migrateStore } from '../../db/migrate';
import type { RecordEntry } from '../record/leaf';
import { LogDamagedError } from '../record/readLog';
import { wordOf } from '../record/words';
import { createShipper, type Shipper } from './ship';
import { ArrayLog, TEST_DETECTED as DETECTED, recordOf, TEST_NOON, testIntent, testOutcome, testSeal } from './testing';

let storeUrl: string;
let client: pg.Client;
let stop: () => Promise<void>;

beforeAll(async () => {
  const database = await withPostgres();
  storeUrl = database.url;
  await migrateStore(storeUrl);
  client = new pg.Client({ connectionString: storeUrl });
  await client.connect();
  stop = async () => {
    await client.end();
    await database.drop();
  };
});
afterAll(() => stop());

const NOON = TEST_NOON;
const intent = testIntent;
const outcome = testOutcome;

async function shipOnce(shipper: Shipper): Promise<number> {
  try {
    return await shipper.round();
  } finally {
    await shipper.close();
  }
}

/** Of `secret` and 42, as PostgreSQL has them: signed. */
const WORDS = ['42', 'secret'].map((value) => String(wordOf(testSeal('').wordKey, value)));

/** A log of its own node, and what ships it. */
function newLog(node: string) {
  const log = new ArrayLog();
  const seal = testSeal(node);
  return {
    log,
    node,
    add: (...entries: RecordEntry[]) => {
      for (const entry of entries) log.records.push(recordOf(log.size, entry, seal));
    },
    ship: (onRefused: (error: unknown) => void = () => undefined) => shipOnce(createShipper({ storeUrl, log, node, onRefused })),
  };
}

const rowsOf = async (node: string) =>
  (
    await client.query(
      `select s.*, f.shape, f.tables, f.columns, o.principal_name, o.owner_name, o.client_host, o.application_name, m.columns as masked, v.key_id, v.box
       from statements s join statement_sources o on o.id = s.source_id join statement_forms f on f.id = s.form_id
       left join statement_masks m on m.id = s.mask_id left join statement_values v on v.id = s.id and v.at = s.at
       where o.node = $1 order by s.id`,
      [node],
    )
  ).rows;

/** The hours' counts of a node as `verdict status masked: statements/rows`, without those that moved away. */
const hoursOf = async (node: string) =>
  (
    await client.query<{ line: string }>(
      `select h.verdict || ' ' || h.status || ' ' || h.masked || ': ' || h.statements || '/' || h.rows as line
       from statement_hours h join statement_sources o on o.id = h.source_id where o.node = $1 and h.statements <> 0 and h.form_id = 0 order by 1`,
      [node],
    )
  ).rows.map((row) => row.line);

describe('shipper', () => {
  test('an intent and its outcome are one row, whichever round they come in, and the hours count it once', async () => {
    const { add, ship } = newLog('rounds');
    const [together, later, held] = [newId('stm', NOON), newId('stm', NOON), newId('stm', NOON)];
    add(intent(together), outcome(together), intent(later), intent(held, { verdict: 'hold', rule: 'r', status: 'held' }));
    expect(await ship()).toBe(4);
    expect((await rowsOf('rounds')).map((row) => row.status)).toEqual(['done', 'running', 'held']);
    expect(await hoursOf('rounds')).toEqual(['allow done true: 1/2', 'allow running false: 1/0', 'hold held false: 1/0']);

    add(
      outcome(later),
      outcome(held, { status: 'running', requestId: 'req_1', reviewers: [{ name: 'bo', decision: 'approve', passkey: 'psk_1' }] }),
      outcome(held, { status: 'failed', sqlstate: '22012', rows: 0 }),
    );
    expect(await ship()).toBe(3);
    expect(await ship()).toBe(0);
    const stored = await rowsOf('rounds');
    expect(stored.map((row) => row.id)).toEqual([together, later, held]);
    for (const row of stored.slice(0, 2))
      expect(row).toMatchObject({
        ...{ status: 'done', rows: '2', bytes: '9', duration_ms: 1.5, upstream_ms: 1.25, analysis_ms: 0.25 },
        ...{ masked: ['public.t.ssn'], detected: DETECTED, owner_name: 'ana', client_host: '127.0.0.1', client_port: 5, key_id: 'vky_1' },
        ...{ tables: ['public.t'], columns: ['public.t.a'], shape: 'select * from t where a = ?', words: WORDS },
      });
    expect(stored[2]).toMatchObject({ status: 'failed', sqlstate: '22012', request_id: 'req_1', rule: 'r', outcome_index: '6' });
    expect(stored.map((row) => row.reviewers)).toEqual([null, null, [{ name: 'bo', decision: 'approve', passkey: 'psk_1' }]]);
    expect(await hoursOf('rounds')).toEqual(['allow done true: 2/4', 'hold failed true: 1/0']);
  });

  test('what was sent is in the store sealed, and nowhere else', async () => {
    const { add, ship } = newLog('sealed');
    add(
      intent(newId('stm', NOON), {
        sql: "select 'canary-4711'",
        parameters: [{ typeOid: 25, value: 'canary-4711' }],
        breakGlass: 'canary-4711',
      }),
    );
    await ship();
    const [row] = await rowsOf('sealed');
    expect(row?.broke_glass).toBe(true);
    expect(row?.box.length).toBeGreaterThan(100);
    for (const table of ['statements', 'statement_values', 'statement_forms', 'statement_sources']) {
      const { rows } = await client.query(`select 1 from ${table} t where t::text like '%canary-4711%'`);
      expect([table, rows.length]).toEqual([table, 0]);
    }
  });

  test('outcomes find their statement after a restart, days later, and by an id that tells no time', async () => {
    const { add, ship } = newLog('restart');
    const [known, odd] = [newId('stm', NOON), 'stm_odd'];
    add(intent(known), intent(odd, { atMs: NOON - 5 * 86_400_000 }));
    await ship();
    add(outcome(known, { atMs: NOON + 3 * 86_400_000 }), outcome(odd));
    await ship();
    expect((await rowsOf('restart')).map((row) => row.status)).toEqual(['done', 'done']);
  });

  test('outcomes that come later do not read a whole day, though PostgreSQL had no statistics of it', async () => {
    const { add, ship } = newLog('planned');
    // A day that no other test writes to.
    const at = Date.parse('2026-11-03T12:00:00Z');
    const ids = Array.from({ length: 25_000 }, (_, i) => newId('stm', at + i));
    for (const [i, id] of ids.entries()) add(intent(id, { atMs: at + i }));
    await ship();
    const rowsRead = async () => {
      // What a connection that ended has read is counted a moment later.
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const { rows } = await client.query<{ n: string }>(
        "select seq_tup_read as n from pg_stat_user_tables where relname = 'statements_20261103'",
      );
      return Number(rows[0]?.n);
    };
    const before = await rowsRead();
    for (const id of ids.slice(0, 40)) add(outcome(id));
    await ship();
    expect((await rowsRead()) - before).toBe(0);
    expect((await client.query("select count(*)::int as n from statements_20261103 where status = 'done'")).rows).toEqual([{ n: 40 }]);
  });

  test('sessions, transactions, results, failed sign-ins and damage have their places', async () => {
    const { add, ship } = newLog('others');
    const session = newId('ses');
    add(
      {
        type: 'sessionOpen',
        id: session,
        atMs: NOON,
        principalName: 'bot',
        ownerName: null,
        connectionName: 'shop',
        clientAddress: '::1',
        applicationName: 'psql',
        method: 'scram',
        encrypted: true,
      },
      { type: 'transaction', id: 'txn_1', sessionId: session, atMs: NOON, outcome: 'rolledBack', statements: 2 },
      {
        type: 'result',
        id: 'stm_r',
        principalName: 'bot',
        atMs: NOON,
        columns: [{ name: 'a', typeOid: 23 }],
        rows: [['1']],
        truncated: true,
      },
      {
        type: 'signInFailed',
        atMs: NOON,
        principalName: 'x\0y',
        connectionName: 'shop',
        clientAddress: '',
        sqlstate: '28P01',
        reason: 'token',
      },
      { type: 'damage', atMs: NOON, journal: 'w1', segment: 3, fromByte: 10, toByte: 20, why: 'checksum' },
      { type: 'sessionClose', id: session, atMs: NOON + 1, reason: 'client left', statements: 4, bytesIn: 5, bytesOut: 6 },
    );
    expect(await ship()).toBe(6);
    const one = async (text: string) => (await client.query(text)).rows[0];
    expect(await one(`select * from sessions where id = '${session}'`)).toMatchObject({
      ...{
        method: 'scram',
        encrypted: true,
        statements_run: '4',
        bytes_out: '6',
        end_reason: 'client left',
        open_index: '0',
        close_index: '5',
      },
    });
    expect(await one("select * from transactions where id = 'txn_1'")).toMatchObject({ outcome: 'rolledBack', statements: 2 });
    expect(await one("select * from recorded_results where statement_id = 'stm_r'")).toMatchObject({ truncated: true, key_id: 'vky_1' });
    expect(await one("select * from sign_in_failures where node = 'others'")).toMatchObject({
      principal_name: 'x\u2400y',
      sqlstate: '28P01',
    });
    expect(await one("select * from record_gaps where node = 'others'")).toMatchObject({
      kind: 'damage',
      why: expect.stringContaining('checksum'),
    });
  });

  test('U+0000 in a text does not stop the log', async () => {
    const { add, ship } = newLog('zero');
    const relations = [{ name: 'public.\0', access: 'read' as const }];
    add(intent(newId('stm', NOON), { shape: 'select \0', applicationName: 'a\0b', relations, sqlstate: '0\0' }));
    await ship();
    expect((await rowsOf('zero'))[0]).toMatchObject({ shape: 'select \u2400', application_name: 'a\u2400b', tables: ['public.\u2400'] });
  });

  test('an entry that the store does not take is named, and those around it are copied', async () => {
    const { add, ship } = newLog('refused');
    const ids = Array.from({ length: 9 }, (_, i) => newId('stm', NOON + i));
    for (const id of ids.slice(0, 5)) add(intent(id));
    // Longer than an index takes, and a time that is none.
    add(intent('stm_long', { sessionId: randomBytes(9_000).toString('hex') }), intent('stm_far', { atMs: 9e15 }));
    add(...ids.slice(5).map((id) => intent(id)));
    const errors: unknown[] = [];
    expect(await ship((error) => errors.push(error))).toBe(11);
    expect(errors).toHaveLength(1);
    expect((await rowsOf('refused')).map((row) => row.id)).toEqual(ids);
    expect((await client.query("select log_index, why from record_gaps where node = 'refused' order by 1")).rows).toEqual([
      { log_index: '5', why: 'the store said 54000' },
      { log_index: '6', why: 'a statement without a time' },
    ]);
  });

  test('two processes that copy one log copy each entry once', async () => {
    const { add, log, node, ship } = newLog('twice');
    const ids = Array.from({ length: 3_000 }, (_, i) => newId('stm', NOON + i));
    let done = false;
    const shippers = [0, 1].map(async () => {
      const shipper = createShipper({ storeUrl, log, node });
      // The one that comes too late is told (MovedError), and begins anew.
      while (!done) await shipper.round().catch(() => undefined);
      await shipper.close();
    });
    for (const id of ids) {
      add(intent(id), outcome(id));
      if (log.size % 500 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    done = true;
    await Promise.all(shippers);
    await ship();
    expect((await rowsOf('twice')).map((row) => row.id)).toEqual(ids);
    expect(await hoursOf('twice')).toEqual(['allow done true: 3000/6000']);
  });

  test('what is damaged on disk is passed over and named', async () => {
    const { add, log, node, ship } = newLog('damaged');
    const ids = Array.from({ length: 6 }, (_, i) => newId('stm', NOON + i));
    for (const id of ids) add(intent(id));
    const read = log.read.bind(log);
    log.read = (from, limit) => {
      if (from === 2 || from === 3) throw new LogDamagedError(2, 4, 'a file');
      return read(from, from < 2 ? Math.min(limit, 2 - from) : limit);
    };
    expect(await ship()).toBe(6);
    expect((await rowsOf(node)).map((row) => row.id)).toEqual(ids.filter((_, i) => i !== 2 && i !== 3));
    expect((await client.query("select log_index, why from record_gaps where node = 'damaged'")).rows).toEqual([
      { log_index: '2', why: 'entries 2 to 3 of the log on disk are not as they were written' },
    ]);
  });

  test('a log that is shorter than what was copied is refused, not copied over', async () => {
    const { add, ship, log } = newLog('shorter');
    add(intent(newId('stm', NOON)), intent(newId('stm', NOON)));
    await ship();
    log.records.pop();
    await expect(ship()).rejects.toThrow('entries of it are missing');
  });

  test('the lag is told', async () => {
    const { add, log, node } = newLog('lag');
    const shipper = createShipper({ storeUrl, log, node });
    expect(shipper.lag()).toBe(null);
    await shipper.round();
    add(intent(newId('stm', NOON)));
    expect(shipper.lag()).toBe(1);
    await shipper.round();
    expect(shipper.lag()).toBe(0);
    await shipper.close();
  });
});

test('a transaction holds so many bytes of the log and not more: large statements do not fill the memory', async () => {
  const { log, node, add } = newLog('large');
  add(...Array.from({ length: 150 }, () => intent(newId('stm', NOON), { sql: 'x'.repeat(700_000) })));
  const moves: number[] = [];
  expect(await shipOnce(createShipper({ storeUrl, log, node, onMoved: (next) => moves.push(next) }))).toBe(150);
  // It is asked how many there are after each reading of a hundred.
  expect(moves).toEqual([0, 100, 150]);
  expect((await rowsOf(node)).length).toBe(150);
});
