import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { archives } from '../../db/schema/audit';
import type { ArchiveTarget } from '../../db/schema/auditShapes';
import { createShipper } from '../../proxy/ship/ship';
import { type TestStore, withStore } from '../testing';
import { verifyText } from './proof/sampleExport';
import { SampleLog } from './proof/sampleLog';
import { keepRetention } from './retention';
import { searchStatements } from './search';
import { recordStatements } from './testing';

let db: TestStore;
const stores: TestStore[] = [];
const directory = mkdtempSync(join(tmpdir(), 'gatehouse-archive-'));
afterAll(async () => {
  for (const store of stores) await store.close();
  rmSync(directory, { recursive: true });
});

const DAYS = ['2026-11-01', '2026-11-02', '2026-11-03', '2026-11-20'];
const noon = (day: string) => Date.parse(`${day}T12:00:00Z`);
const nowMs = noon('2026-11-20');

/** Ten statements a day, a checkpoint after each five, shipped as node `gw_1`. */
async function shippedLog(): Promise<SampleLog> {
  const log = new SampleLog();
  log.append({ type: 'start', atMs: noon('2026-11-01'), gatewayId: 'gw_1' });
  for (const day of DAYS)
    for (let n = 0; n < 10; n++) {
      const atMs = noon(day) + n * 600_000;
      const journal = 'w1';
      const entry = { type: 'statement' as const, id: `stm_${day}_${n}`, sessionId: 'ses_1', principalName: 'bot', atMs, kind: 'SELECT' };
      log.append({ ...entry, verdict: 'allow', status: 'running' }, { journal, values: { sql: `select ${n}` } });
      log.append({ type: 'outcome', id: entry.id, status: 'done', rows: n }, { journal });
      if (n % 5 === 4) log.sign([], atMs + 120_000);
    }
  const shipper = createShipper({ storeUrl: db.url, log, node: 'gw_1' });
  await shipper.round();
  await shipper.close();
  return log;
}

beforeEach(async () => {
  db = await withStore();
  stores.push(db);
});

const keep = (log: SampleLog, archive: ArchiveTarget | null) =>
  keepRetention({ store: db.store, log, node: 'gw_1', settings: { retention: { days: 10, archive } }, env: {}, nowMs });
const days = async () => {
  const { rows } = await db.store.execute<{ day: string }>(
    'select distinct (at at time zone $$UTC$$)::date::text as day from statements order by 1',
  );
  return rows.map((row) => row.day);
};
const found = async () => (await searchStatements(await db.as('auditor'), { q: 'who:bot' })).count.value;

test('old days go whole, after their entries are in the archive in files that prove themselves', async () => {
  const log = await shippedLog();
  const path = join(directory, 'first');
  const run = await keep(log, { type: 'file', path });
  expect(run).toEqual({ dropped: DAYS.slice(0, 3), archived: DAYS.slice(0, 3), kept: null });
  expect(await days()).toEqual(['2026-11-20']);
  expect(await found()).toBe(10);
  const files = readdirSync(join(path, 'gw_1')).sort();
  const entries = files.filter((name) => !name.includes('values'));
  expect(entries).toHaveLength(3);
  let next = 0;
  for (const name of entries) {
    const text = gunzipSync(readFileSync(join(path, 'gw_1', name))).toString();
    const report = verifyText(text);
    expect([name, report.findings]).toEqual([name, []]);
    // One begins where the one before it ends: together they are the log.
    const indexes = text
      .split('\n')
      .flatMap((line) => (/^\{"type":"entry","index":(\d+)|^\{"index":(\d+)/.exec(line) ?? []).slice(1, 3).filter(Boolean).map(Number));
    expect(indexes.length).toBeGreaterThan(15);
    expect(indexes[0]).toBe(next);
    next += indexes.length;
    expect(text).not.toContain('select 3');
  }
  const rows = await db.store.select().from(archives);
  expect(rows.map((row) => row.closesDay)).toEqual([true, true, true]);
  // What is left of the log is not needed by the archive, and nothing is done twice.
  expect(await keep(log, { type: 'file', path })).toEqual({ dropped: [], archived: [], kept: null });
});

test('a day that cannot be archived stays, and says why', async () => {
  const log = await shippedLog();
  const blocked = join(directory, 'blocked');
  writeFileSync(blocked, 'a file where a directory belongs');
  const run = await keep(log, { type: 'file', path: blocked });
  expect(run).toEqual({ dropped: [], archived: [], kept: { day: '2026-11-01', why: expect.stringMatching(/ENOTDIR|EEXIST/) } });
  expect(await days()).toEqual(DAYS);
  rmSync(blocked);
  expect((await keep(log, { type: 'file', path: blocked })).dropped).toEqual(DAYS.slice(0, 3));
});

test('a day in which another gateway has statements waits for its archive', async () => {
  const log = await shippedLog();
  await recordStatements(db, [{ at: new Date(noon('2026-11-02')) }]);
  const run = await keep(log, { type: 'file', path: join(directory, 'two') });
  expect(run.dropped).toEqual(['2026-11-01']);
  expect(run.kept).toEqual({ day: '2026-11-02', why: expect.stringMatching(/^not archived yet by test\d+$/) });
  expect(await days()).toContain('2026-11-02');
});

test('without an archive old days go, and the log may be let go as far', async () => {
  const log = await shippedLog();
  expect(await keep(log, null)).toEqual({ dropped: DAYS.slice(0, 3), archived: [], kept: null });
  const rows = await db.store.select().from(archives);
  expect(Math.max(...rows.map((row) => row.fromIndex + row.entries))).toBeGreaterThan(60);
  expect(rows.every((row) => row.place === '')).toBe(true);
});
