import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { startEmbedded } from '../db/embedded/start';
import { migrateStore } from '../db/migrate';
import { type NewLeaf, openAppendLog } from '../proxy/record/appendLog';
import { sealEntry } from '../proxy/record/seal';
import { createShipper } from '../proxy/ship/ship';
import { testSeal } from '../proxy/ship/testing';
import { serverCpuSeconds } from './audit/serverCpu';
import { traffic } from './audit/traffic';

/**
 * Ships statements and their outcomes out of a log into a fresh embedded PostgreSQL with the settings of a real one (fsync on), and says
 * how many a second. The log is on disk, written as the recorder writes it. PostgreSQL runs on the same cores.
 */
const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '200000' },
    json: { type: 'boolean', default: false },
    tables: { type: 'boolean', default: false },
  },
});
const TABLES = `select relname as name, pg_size_pretty(pg_relation_size(oid)) as size from pg_class
  where relnamespace = 'public'::regnamespace and relkind in ('r', 'i') and pg_relation_size(oid) > 1000000 order by pg_relation_size(oid) desc limit 30`;
const count = Number(values.count);
const dataDir = mkdtempSync(join(tmpdir(), 'gatehouse-ingest-'));
if (process.getuid?.() === 0) chmodSync(dataDir, 0o711);
const say = (line: string) => values.json || console.log(line);

const log = openAppendLog(dataDir);
const seal = testSeal('bench');
// Seconds before midnight, so that a day ends on the way.
const startMs = Date.parse('2026-11-20T23:59:55Z');
let group: NewLeaf[] = [];
const append = () => {
  if (group.length > 0) log.append(group, '');
  group = [];
};
for (const entry of traffic(count, startMs, 20_000)) {
  group.push(sealEntry(entry, { ...seal, journal: { name: 'w1', seq: null }, random: randomBytes }));
  if (group.length === 500) append();
}
append();
say(`${count} statements are ${log.size} entries of the log`);

const cluster = await startEmbedded({ dataDir });
try {
  const storeUrl = cluster.adminUrl('gatehouse');
  await migrateStore(storeUrl);
  const shipper = createShipper({ storeUrl, log, node: 'bench', onRefused: (error) => console.error('refused:', error) });
  const cpuBefore = process.cpuUsage();
  const serverBefore = serverCpuSeconds(cluster.pid);
  const begun = performance.now();
  await shipper.round();
  const seconds = (performance.now() - begun) / 1_000;
  const cpu = process.cpuUsage(cpuBefore);
  const serverAfter = serverCpuSeconds(cluster.pid);
  await shipper.close();
  const client = new pg.Client({ connectionString: storeUrl });
  await client.connect();
  const one = async (text: string) => Number((await client.query(text)).rows[0].n);
  const stored = await one('select count(*) as n from statements');
  const counted = await one('select sum(statements) as n from statement_hours where form_id <> 0');
  const open = await one("select count(*) as n from statements where status = 'running'");
  const size = await one(
    `select sum(pg_total_relation_size(inhrelid)) as n from pg_inherits where inhparent in ('statements'::regclass, 'statement_values'::regclass)`,
  );
  if (values.tables) for (const row of (await client.query(TABLES)).rows) say(`  ${row.name}: ${row.size}`);
  await client.end();
  const perSecond = Math.round(stored / seconds);
  const figures = {
    statements: stored,
    entries: log.size,
    seconds: Number(seconds.toFixed(2)),
    perSecond,
    shipperCpuMicrosecondsPerStatement: Number(((cpu.user + cpu.system) / stored).toFixed(1)),
    serverCpuMicrosecondsPerStatement:
      serverBefore === null || serverAfter === null ? null : Number((((serverAfter - serverBefore) * 1e6) / stored).toFixed(1)),
    bytesPerStatement: Math.round(size / stored),
  };
  if (stored !== count || counted !== count || open !== 0)
    throw new Error(`${stored} stored, ${counted} counted, ${open} without outcome, of ${count}`);
  if (values.json) console.log(JSON.stringify(figures));
  else
    say(
      `${perSecond} statements/s into the store (${figures.seconds} s; the shipper's own CPU ${figures.shipperCpuMicrosecondsPerStatement} µs a statement, PostgreSQL's ${figures.serverCpuMicrosecondsPerStatement ?? '?'} µs; ${figures.bytesPerStatement} bytes a statement with indexes and sealed values)`,
    );
} finally {
  log.close();
  await cluster.stop();
  rmSync(dataDir, { recursive: true, force: true });
}
