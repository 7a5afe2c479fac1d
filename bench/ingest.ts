import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { startEmbedded } from '../db/embedded/start';
import { migrateStore } from '../db/migrate';
import { nodes } from '../db/schema/record';
import { openStore } from '../db/store';
import { journalDirectory } from '../proxy/journal/places';
import { openAppendLog } from '../proxy/record/appendLog';
import { openCheckpointKey } from '../proxy/record/checkpointFile';
import { createRandomPool } from '../proxy/record/randomPool';
import { startRecorder } from '../proxy/record/recorder';
import { recordDirectory } from '../proxy/record/segments';
import { Sequencer } from '../proxy/record/sequencer';
import { Ledger } from '../proxy/record/state';
import { createKeyring } from '../proxy/record/valueKeys';
import { wordKey } from '../proxy/record/words';
import { createShipper } from '../proxy/ship/ship';
import { serverCpuSeconds } from './audit/serverCpu';
import { writeJournal } from './audit/writeJournal';

/**
 * How many statements with their outcomes a second go from a worker's journal into a fresh embedded PostgreSQL with the settings of a real
 * one (fsync on): first the two halves alone (journal to log, log to store), then the recorder itself, which does both at once. Every text
 * is new, and PostgreSQL runs on the same cores. It is so many that what grows with a day is seen, and that of the time it takes the first
 * seconds, in which our code is compiled, are not the most.
 */
const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '600000' },
    json: { type: 'boolean', default: false },
    tables: { type: 'boolean', default: false },
  },
});
const TABLES = `select relname as name, pg_size_pretty(pg_relation_size(oid)) as size from pg_class
  where relnamespace = 'public'::regnamespace and relkind in ('r', 'i') and pg_relation_size(oid) > 1000000 order by pg_relation_size(oid) desc limit 30`;
const count = Number(values.count);
// Seconds before midnight, so that a day ends on the way. The second run is a day later: time goes on, and the store is not empty.
const [firstMs, secondMs] = [Date.parse('2026-11-20T23:59:55Z'), Date.parse('2026-11-21T23:59:55Z')];
const secretKey = randomBytes(32);
const say = (line: string) => values.json || console.log(line);
const directory = () => {
  const path = mkdtempSync(join(tmpdir(), 'gatehouse-ingest-'));
  if (process.getuid?.() === 0) chmodSync(path, 0o711);
  return path;
};
const [clusterDir, halvesDir, wholeDir] = [directory(), directory(), directory()];
const cluster = await startEmbedded({ dataDir: clusterDir });
const storeUrl = cluster.adminUrl('gatehouse');
await migrateStore(storeUrl);
const { store, close } = openStore(storeUrl, { max: 6, applicationName: 'bench' });
const client = new pg.Client({ connectionString: storeUrl });
await client.connect();
const one = async (text: string) => Number((await client.query(text)).rows[0].n ?? 0);

interface Cost {
  perSecond: number;
  ownCpuMicroseconds: number;
  serverCpuMicroseconds: number | null;
}

async function measure(work: () => Promise<void>): Promise<Cost> {
  const cpuBefore = process.cpuUsage();
  const serverBefore = serverCpuSeconds(cluster.pid);
  const begun = performance.now();
  await work();
  const seconds = (performance.now() - begun) / 1_000;
  const cpu = process.cpuUsage(cpuBefore);
  const serverAfter = serverCpuSeconds(cluster.pid);
  return {
    perSecond: Math.round(count / seconds),
    ownCpuMicroseconds: Number(((cpu.user + cpu.system) / count).toFixed(1)),
    serverCpuMicroseconds:
      serverBefore === null || serverAfter === null ? null : Number((((serverAfter - serverBefore) * 1e6) / count).toFixed(1)),
  };
}

/** Every statement is in the store, once, with its outcome. */
async function check(runs: number): Promise<void> {
  const stored = await one('select count(*) as n from statements');
  const counted = await one('select sum(statements) as n from statement_hours where form_id <> 0');
  const open = await one("select count(*) as n from statements where status = 'running'");
  if (stored !== runs * count || counted !== stored || open !== 0)
    throw new Error(`${stored} stored, ${counted} counted, ${open} without outcome, of ${runs * count}`);
}

async function halves(): Promise<{ journalToLog: Cost; logToStore: Cost }> {
  await writeJournal(halvesDir, 'bench', count, firstMs);
  const log = openAppendLog(halvesDir);
  const sequencer = new Sequencer({
    ...{ store, ledger: new Ledger(log), dataDir: halvesDir, node: 'halves', now: Date.now, random: createRandomPool() },
    ...{ keyring: createKeyring({ store, secretKey }), wordKey: wordKey(secretKey), isDead: () => false },
  });
  const journalToLog = await measure(async () => {
    while ((await sequencer.round()) > 0);
  });
  const shipper = createShipper({ storeUrl, log, node: 'halves', onRefused: (error) => console.error('refused:', error) });
  const logToStore = await measure(async () => {
    await shipper.round();
  });
  await shipper.close();
  log.close();
  await check(1);
  return { journalToLog, logToStore };
}

async function whole(): Promise<Cost> {
  const journal = `bench-1-${process.pid}`;
  await writeJournal(wholeDir, journal, count, secondMs);
  // It is put in place when the recorder stands ready, as the journal of a worker that was busy for a while.
  const aside = join(wholeDir, 'aside');
  const place = join(journalDirectory(wholeDir), journal);
  renameSync(place, aside);
  mkdirSync(journalDirectory(wholeDir), { recursive: true });
  mkdirSync(recordDirectory(wholeDir), { recursive: true });
  const signer = openCheckpointKey(wholeDir, 'whole', secretKey);
  await store.insert(nodes).values({ name: 'whole', gatewayId: 'gw_whole', publicKey: signer.text });
  const recorder = await startRecorder({
    ...{ store, storeUrl, secretKey, dataDir: wholeDir, gatewayId: 'gw_whole', node: 'whole', signer, first: false },
    ...{ now: Date.now, random: createRandomPool(), shipThread: join(import.meta.dirname, 'bench-shipper.js') },
    ...{ onTrouble: console.error, onSinkTrouble: console.error },
  });
  await recorder.ready;
  const cost = await measure(async () => {
    renameSync(aside, place);
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      if (!existsSync(place) && recorder.status().shipLagEntries === 0) return;
    }
  });
  await recorder.drain(10_000);
  await check(2);
  return cost;
}

const lineOf = (name: string, { perSecond, ownCpuMicroseconds, serverCpuMicroseconds }: Cost) =>
  `  ${name.padEnd(16)} ${String(perSecond).padStart(6)} statements/s (CPU a statement: ${ownCpuMicroseconds} µs of ours, ${serverCpuMicroseconds ?? '?'} µs of PostgreSQL)`;

try {
  const { journalToLog, logToStore } = await halves();
  say(`${count} statements and their outcomes, every text new`);
  say(lineOf('journal → log', journalToLog));
  say(lineOf('log → store', logToStore));
  const journalToStore = await whole();
  say(lineOf('journal → store', journalToStore));
  const size = await one(
    `select sum(pg_total_relation_size(inhrelid)) as n from pg_inherits where inhparent in ('statements'::regclass, 'statement_values'::regclass)`,
  );
  const bytesPerStatement = Math.round(size / (2 * count));
  say(`${bytesPerStatement} bytes a statement in the store, with indexes and sealed values`);
  if (values.tables) for (const row of (await client.query(TABLES)).rows) say(`  ${row.name}: ${row.size}`);
  if (values.json) console.log(JSON.stringify({ statements: count, journalToLog, logToStore, journalToStore, bytesPerStatement }));
} finally {
  await client.end();
  await close();
  await cluster.stop();
  for (const path of [clusterDir, halvesDir, wholeDir]) rmSync(path, { recursive: true, force: true });
}
