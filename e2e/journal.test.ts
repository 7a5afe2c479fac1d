import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { JournalEntry } from '../proxy/journal/entries';
import type { JournalDamage } from '../proxy/journal/read';
import { apiAsAdmin } from './api';
import { directSettings, eventually, failure, open, proxySettings } from './clients';
import { CopyClient } from './copyClient';
import { type Gateway, sharedGateway } from './gateway';
import { type LoneWorker, startLoneWorker } from './loneWorker';

const gateway = sharedGateway();
/** `JOURNAL_ROUNDS=500 npx vitest run --config e2e/vitest.config.ts journal` for a longer run. */
const ROUNDS = Number(process.env.JOURNAL_ROUNDS ?? 50);
const CLIENTS = 8;

let dataDir: string;
let direct: pg.Client;
const running: LoneWorker[] = [];
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'gatehouse-journal-'));
  direct = await open(directSettings(gateway));
  await direct.query('CREATE TABLE IF NOT EXISTS journal_numbers (n bigint, how text)');
  await direct.query('ALTER TABLE journal_numbers OWNER TO shop_app');
});
afterEach(async () => {
  for (const worker of running.splice(0)) await worker.kill();
});
afterAll(async () => {
  await direct.query('DROP TABLE IF EXISTS journal_numbers');
  await direct.end();
  rmSync(dataDir, { recursive: true, force: true });
});

async function start(folder: string, wrap?: string): Promise<LoneWorker> {
  const worker = await startLoneWorker(gateway, join(dataDir, folder), wrap);
  running.push(worker);
  return worker;
}

const at = ({ port }: LoneWorker, applicationName: string): pg.ClientConfig => ({
  connectionTimeoutMillis: 60_000,
  ...proxySettings({ ...gateway, proxyPort: port } as Gateway, { applicationName }),
});

/** All that the journals of a data directory hold, their writers being gone. */
function readJournals(folder: string): { entries: JournalEntry[]; damage: JournalDamage[] } {
  const printed = execFileSync(process.execPath, ['bench/journalDump.mjs', join(dataDir, folder)], { maxBuffer: 1024 * 1024 * 1024 });
  const all = { entries: [] as JournalEntry[], damage: [] as JournalDamage[] };
  for (const line of printed.toString('utf8').split('\n').slice(0, -1)) {
    const { entry, damage } = JSON.parse(line) as { entry?: JournalEntry; damage?: JournalDamage };
    if (entry !== undefined) all.entries.push(entry);
    if (damage !== undefined) all.damage.push(damage);
  }
  return all;
}

/** Inserts one number after the other until its connection is gone: every statement leaves its number in the table. */
async function load(settings: pg.ClientConfig, next: () => number): Promise<void> {
  const client = new pg.Client(settings);
  client.on('error', () => undefined);
  try {
    await client.connect();
    for (;;) {
      const [one, other] = [next(), next()];
      await client.query(`INSERT INTO journal_numbers VALUES (${one}, 'simple')`);
      await client.query({ name: 'insert', text: "INSERT INTO journal_numbers VALUES ($1, 'prepared')", values: [other] });
    }
  } catch {
    // Killed, as it should be.
  }
}

const numberOf = (entry: JournalEntry): number | null => {
  if (entry.type !== 'statement' || entry.kind !== 'INSERT') return null;
  return Number(entry.parameters[0]?.value ?? /\((\d+),/.exec(entry.sql)?.[1]);
};

describe('a worker killed at full load', () => {
  test(`${ROUNDS} times: every statement that PostgreSQL executed is in the journals`, { timeout: ROUNDS * 30_000 + 60_000 }, async () => {
    let last = 0;
    const next = () => ++last;
    // The next one starts while this one is under load: a start takes longer than a round.
    let coming = start('killed');
    for (let round = 0; round < ROUNDS; round++) {
      const worker = await coming;
      coming = round + 1 < ROUNDS ? start('killed') : Promise.resolve(worker);
      const before = last;
      const clients = Array.from({ length: CLIENTS }, () => load(at(worker, 'journal-load'), next));
      await eventually('the load', async () => last > before + 40 * CLIENTS, 60_000);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 100));
      running.splice(running.indexOf(worker), 1);
      await worker.kill();
      await Promise.all(clients);
    }
    // What the server had got it still executes.
    await eventually('the sessions to end', async () => {
      const { rows } = await direct.query("SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'journal-load'");
      return rows[0].n === 0;
    });
    const { rows } = await direct.query<{ n: string }>('SELECT n FROM journal_numbers');
    const { entries, damage } = readJournals('killed');
    const recorded = new Set(entries.flatMap((entry) => numberOf(entry) ?? []));
    const missing = rows.filter(({ n }) => !recorded.has(Number(n)));
    console.log(`${ROUNDS} kills: ${rows.length} statements executed, ${recorded.size} recorded, ${missing.length} missing`);
    expect(rows.length).toBeGreaterThan(ROUNDS * 10 * CLIENTS);
    expect(missing).toEqual([]);
    // Torn tails are cut, and are no damage.
    expect(damage).toEqual([]);
    // Outcomes are written in their own turn: only what ran when the worker died has none.
    const ended = new Set(entries.flatMap((entry) => (entry.type === 'outcome' && entry.status === 'done' ? [entry.id] : [])));
    const open = entries.filter((entry) => numberOf(entry) !== null && entry.type === 'statement' && !ended.has(entry.id));
    expect(open.length).toBeLessThanOrEqual(ROUNDS * CLIENTS);
  });
});

// Its disk is a limit on its files, which prlimit raises.
describe.skipIf(process.platform !== 'linux')('a full disk', () => {
  test('refuses statements with 58000, leaves the session and everybody else alone, and recovers', { timeout: 120_000 }, async () => {
    // Files of this worker may have 4 MiB (blocks of 512 bytes); it is told so by an error and not by a signal.
    const worker = await start('full', "trap '' XFSZ; ulimit -S -f 8192;");
    const session = await open(at(worker, 'journal-full'));
    const other = await open(at(worker, 'journal-full'));
    const text = `SELECT 1 /* ${'x'.repeat(100_000)} */`;
    let ran = 0;
    let refused: pg.DatabaseError | undefined;
    while (refused === undefined && ran < 1_000) {
      try {
        await session.query(`${text} -- ${ran}`);
        ran++;
      } catch (error) {
        refused = error as pg.DatabaseError;
      }
    }
    expect(ran).toBeGreaterThan(10);
    expect(refused).toMatchObject({ code: '58000', severity: 'ERROR', message: 'statement not executed because it could not be recorded' });
    expect(refused?.detail).toBe('The journal refused: EFBIG.');
    expect(await failure(other.query(`INSERT INTO journal_numbers VALUES (-1, '${'x'.repeat(100_000)}')`))).toMatchObject({
      code: '58000',
    });
    expect((await direct.query('SELECT FROM journal_numbers WHERE n = -1')).rowCount).toBe(0);
    raiseLimit(worker.pid);
    expect((await session.query(text)).rows).toHaveLength(1);
    await other.query("INSERT INTO journal_numbers VALUES (-2, 'again')");
    await session.end();
    await other.end();
    running.pop();
    await worker.kill();
    const { entries, damage } = readJournals('full');
    expect(damage).toEqual([]);
    expect(entries.filter((entry) => entry.type === 'statement').length).toBe(ran + 2);
    // What ran has its end, the last one before the disk was full too.
    expect(entries.filter((entry) => entry.type === 'outcome' && entry.status === 'done').length).toBe(ran + 2);
    expect(entries.some((entry) => numberOf(entry) === -1)).toBe(false);
  });
});

describe('what is recorded besides statements', () => {
  test('sessions, who did not get in, transactions; never what was given as password', { timeout: 120_000 }, async () => {
    const worker = await start('entries');
    const wrong = 'canary-wrong-password-2290';
    await failure(open({ ...at(worker, 'wrong'), password: wrong }));
    await failure(open({ ...at(worker, 'nowhere'), database: 'nowhere' }));
    const session = await open(at(worker, 'journal-entries'));
    await session.query('BEGIN');
    await session.query("INSERT INTO journal_numbers (n, how) VALUES (-3, 'in a block')");
    await session.query('ROLLBACK');
    await session.query('SELECT $1::int AS n, $2::text AS t', [7, null]);
    await session.end();
    await new Promise((resolve) => setTimeout(resolve, 200));
    running.pop();
    await worker.kill();
    const { entries } = readJournals('entries');
    const of = <T extends JournalEntry['type']>(type: T) =>
      entries.filter((entry): entry is Extract<JournalEntry, { type: T }> => entry.type === type);
    expect(of('signInFailed')).toMatchObject([
      {
        principalName: 'support-bot',
        connectionName: 'shop',
        sqlstate: '28P01',
        clientAddress: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      },
      { principalName: 'support-bot', connectionName: 'nowhere', sqlstate: expect.stringMatching(/^(3D000|42501|28000)$/) },
    ]);
    const [opened] = of('sessionOpen');
    expect(opened).toMatchObject({
      principalName: 'support-bot',
      connectionName: 'shop',
      applicationName: 'journal-entries',
      encrypted: false,
      method: expect.stringMatching(/SCRAM|password/),
    });
    expect(of('sessionClose')).toMatchObject([
      { id: opened?.id, reason: 'client closed the connection', statements: 4, bytesIn: expect.any(Number) },
    ]);
    const [block] = of('transaction');
    expect(block).toMatchObject({ outcome: 'rolledBack', statements: 3, sessionId: opened?.id });
    const statements = of('statement');
    expect(statements.map(({ transactionId }) => transactionId)).toEqual([block?.id, block?.id, block?.id, null]);
    expect(statements[1]).toMatchObject({
      shape: 'INSERT INTO journal_numbers (n, how) VALUES (-?, ?)',
      touchedColumns: expect.arrayContaining(['public.journal_numbers.n']),
    });
    expect(statements[3]?.parameters.map(({ value }) => value)).toEqual(['7', null]);
    expect(of('outcome').at(-1)).toMatchObject({ status: 'done', upstreamMs: expect.any(Number), atMs: expect.any(Number) });
    expect(JSON.stringify(entries)).not.toContain(wrong);
  });
});

describe('recorded results', () => {
  const admin = apiAsAdmin(gateway);
  const setRecord = async (record: { results: 'off' | 'masked' }) => {
    const row = (await admin.connections.list.query()).find(({ name }) => name === 'shop');
    if (row === undefined) throw new Error('there is no demo connection');
    await admin.connections.save.mutate({ ...row, record });
  };
  afterAll(() => setRecord({ results: 'off' }));

  test('are the rows as they left: no value behind a mask, by whatever way it was asked for', { timeout: 120_000 }, async () => {
    await setRecord({ results: 'masked' });
    const { rows } = await direct.query<{ ssn: string; email: string; card: string; name: string }>(
      'SELECT c.ssn, c.email, c.name, k.card_number AS card FROM customers c JOIN cards k ON k.customer_id = c.id ORDER BY c.id LIMIT 50',
    );
    const worker = await start('results');
    const session = await open(at(worker, 'journal-results'));
    await session.query('SELECT id, name, ssn, email FROM customers ORDER BY id');
    await session.query({ text: 'SELECT ssn, email, id FROM customers WHERE id < $1', values: [60], binary: true } as { text: string });
    await session.query('SELECT card_number FROM cards');
    await session.query('BEGIN');
    await session.query('DECLARE c CURSOR FOR SELECT ssn FROM customers');
    await session.query('FETCH 5 FROM c');
    await session.query('ROLLBACK');
    await session.end();
    const copy = await CopyClient.open(at(worker, 'journal-results'));
    await copy.out('COPY (SELECT id, name, ssn, email FROM customers ORDER BY id) TO STDOUT');
    await copy.close();
    running.pop();
    await worker.kill();
    const { entries } = readJournals('results');
    const results = entries.filter((entry) => entry.type === 'result');
    const kinds = new Map(entries.flatMap((entry) => (entry.type === 'statement' ? [[entry.id, entry.kind] as const] : [])));
    expect(new Set(results.map(({ id }) => kinds.get(id)))).toEqual(new Set(['SELECT', 'FETCH', 'COPY TO']));
    // What is not masked is there, so that the test looks at rows and not at nothing.
    const text = JSON.stringify(results);
    for (const row of rows.slice(0, 20)) expect(text).toContain(row.name);
    for (const row of rows) for (const secret of [row.ssn, row.email, row.card]) expect(text).not.toContain(secret);
    expect(results.find(({ columns }) => columns?.length === 4)).toMatchObject({
      columns: [{ name: 'id', typeOid: 23 }, { name: 'name' }, { name: 'ssn' }, { name: 'email' }],
    });
    for (const [id, kind] of kinds)
      if (kind === 'SELECT') expect(results.filter((one) => one.id === id).flatMap((one) => one.rows).length).toBeLessThanOrEqual(200);
  });
});

/** As somebody who makes room on a disk. */
function raiseLimit(pid: number): void {
  execFileSync('prlimit', ['--pid', String(pid), '--fsize=unlimited:']);
}
