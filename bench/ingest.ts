import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { startEmbedded } from '../db/embedded/start';
import { migrateStore } from '../db/migrate';
import type { Leaf, LogReader, LogRecord } from '../proxy/record/leaf';
import { createShipper } from '../proxy/ship/ship';
import { recordOf, testSeal } from '../proxy/ship/testing';
import { traffic } from './audit/traffic';

/**
 * Ships statements and their outcomes out of a log into a fresh embedded PostgreSQL with the settings of a real one (fsync on), and says
 * how many a second. The log is in memory, but its entries are decoded as they are read, as from disk. PostgreSQL runs on the same cores.
 */
const { values } = parseArgs({ options: { count: { type: 'string', default: '200000' }, json: { type: 'boolean', default: false } } });
const count = Number(values.count);
const dataDir = mkdtempSync(join(tmpdir(), 'gatehouse-ingest-'));
if (process.getuid?.() === 0) chmodSync(dataDir, 0o711);
const say = (line: string) => values.json || console.log(line);

const encoded: { bytes: Buffer; record: LogRecord }[] = [];
const seal = testSeal('bench');
// An hour before midnight, so that a day ends on the way.
const startMs = Date.parse('2026-11-20T23:59:55Z');
for (const entry of traffic(count, startMs, 20_000)) {
  const record = recordOf(encoded.length, entry, seal);
  encoded.push({ bytes: record.bytes, record });
}
say(
  `${count} statements are ${encoded.length} entries of the log, ${(encoded.reduce((sum, one) => sum + one.bytes.length, 0) / 1e6).toFixed(0)} MB`,
);

const log: Pick<LogReader, 'first' | 'size' | 'read'> = {
  first: 0,
  size: encoded.length,
  read: (from, limit) =>
    encoded
      .slice(from, from + Math.min(limit, 4_000))
      .map(({ bytes, record }) => ({ ...record, leaf: JSON.parse(bytes.toString()) as Leaf })),
};

const cluster = await startEmbedded({ dataDir });
try {
  const storeUrl = cluster.adminUrl('gatehouse');
  await migrateStore(storeUrl);
  const shipper = createShipper({ storeUrl, log, node: 'bench', onRefused: (error) => console.error('refused:', error) });
  const cpuBefore = process.cpuUsage();
  const begun = performance.now();
  await shipper.round();
  const seconds = (performance.now() - begun) / 1_000;
  const cpu = process.cpuUsage(cpuBefore);
  await shipper.close();
  const client = new pg.Client({ connectionString: storeUrl });
  await client.connect();
  const one = async (text: string) => Number((await client.query(text)).rows[0].n);
  const stored = await one('select count(*) as n from statements');
  const counted = await one('select sum(statements) as n from statement_hours');
  const open = await one("select count(*) as n from statements where status = 'running'");
  const size = await one(
    `select sum(pg_total_relation_size(inhrelid)) as n from pg_inherits where inhparent in ('statements'::regclass, 'statement_values'::regclass)`,
  );
  await client.end();
  const perSecond = Math.round(stored / seconds);
  const figures = {
    statements: stored,
    entries: encoded.length,
    seconds: Number(seconds.toFixed(2)),
    perSecond,
    shipperCpuMicrosecondsPerStatement: Number(((cpu.user + cpu.system) / stored).toFixed(1)),
    bytesPerStatement: Math.round(size / stored),
  };
  if (stored !== count || counted !== count || open !== 0)
    throw new Error(`${stored} stored, ${counted} counted, ${open} without outcome, of ${count}`);
  if (values.json) console.log(JSON.stringify(figures));
  else
    say(
      `${perSecond} statements/s into the store (${figures.seconds} s; the shipper's own CPU ${figures.shipperCpuMicrosecondsPerStatement} µs a statement; ${figures.bytesPerStatement} bytes a statement with indexes and sealed values)`,
    );
} finally {
  await cluster.stop();
  rmSync(dataDir, { recursive: true, force: true });
}
