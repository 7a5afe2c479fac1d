import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withPostgres } from '../../db/embedded/testing';
import { newId } from '../../db/ids';
import { migrateStore } from '../../db/migrate';
import { openAppendLog } from '../record/appendLog';
import { LeafGroup } from '../record/group';
import { sealEntry } from '../record/seal';
import { logDirectory } from '../record/segments';
import { createShipper } from './ship';
import { createShipThread } from './shipThread';
import { TEST_NOON, testIntent, testOutcome, testSeal } from './testing';

const FILE = join(process.cwd(), 'dist', 'ship-thread-test.js');
const dataDir = mkdtempSync(join(tmpdir(), 'gatehouse-thread-'));
// Small files, so that the log goes on in another one while the thread reads.
const log = openAppendLog(dataDir, 256 * 1024);
const seal = testSeal('thread');
let database: Awaited<ReturnType<typeof withPostgres>>;
let client: pg.Client;
let made = 0;

beforeAll(async () => {
  mkdirSync('dist', { recursive: true });
  await build({
    ...{ entryPoints: ['proxy/ship/main.ts'], outfile: FILE, bundle: true, logLevel: 'error' },
    ...{ platform: 'node', format: 'esm', target: 'node20', packages: 'external' },
  });
  database = await withPostgres();
  await migrateStore(database.url);
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  log.close();
  rmSync(dataDir, { recursive: true });
  await database.drop();
});

async function grow(count: number): Promise<void> {
  const ids = Array.from({ length: count }, () => newId('stm', TEST_NOON + made++));
  const entries = ids.flatMap((id) => [testIntent(id), testOutcome(id)]);
  await log.append(
    LeafGroup.of(entries.map((entry) => sealEntry(entry, { ...seal, journal: { name: 'w1', seq: null }, random: randomBytes }))),
    '',
  );
}
const thread = (more: { file?: string; storeUrl?: string } = {}) =>
  createShipThread({
    ...{ file: FILE, storeUrl: database.url, directory: logDirectory(dataDir), node: 'thread', place: () => log.place },
    ...{ onRefused: (error: Error) => expect.unreachable(String(error)), ...more },
  });
const stored = async () => {
  const { rows } = await client.query("select count(*)::int as n, count(*) filter (where status = 'done')::int as done from statements");
  return rows[0];
};

test('a thread copies what the log has, as it grows, and says how far it is', async () => {
  const shipper = thread();
  expect(shipper.lag()).toBeNull();
  await grow(300);
  expect(await shipper.round()).toBe(600);
  expect(shipper.lag()).toBe(0);
  for (let step = 0; step < 5; step++) {
    await grow(200);
    expect(shipper.lag()).toBe(400);
    expect(await shipper.round()).toBe(400);
  }
  expect(await shipper.round()).toBe(0);
  await shipper.close();
  expect(await stored()).toEqual({ n: made, done: made });
});

test('where another process copies the same log, each entry is copied once', async () => {
  await grow(3_000);
  const shippers = [thread(), createShipper({ storeUrl: database.url, log, node: 'thread' })];
  await Promise.allSettled(shippers.map((one) => one.round()));
  for (const one of shippers) {
    // The one that came second has to ask the store again.
    await one.round().catch(() => one.round());
    await one.close();
  }
  expect(await stored()).toEqual({ n: made, done: made });
});

test('a store that does not answer, or a thread that dies, fails the round alone; the next one begins anew', async () => {
  const away = thread({ storeUrl: 'postgres://nobody@127.0.0.1:1/none' });
  await expect(away.round()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await expect(away.round()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect(away.lag()).toBeNull();
  await away.close();
  const dead = thread({ file: join(dataDir, 'missing.js') });
  await expect(dead.round()).rejects.toMatchObject({ code: 'thread ended' });
  await expect(dead.round()).rejects.toMatchObject({ code: 'thread ended' });
  await dead.close();
});
