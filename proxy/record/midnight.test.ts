import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withPostgres } from '../../db/embedded/testing';
import { newId } from '../../db/ids';
import { migrateStore } from '../../db/migrate';
import { nodes } from '../../db/schema/record';
import { type OpenStore, openStore } from '../../db/store';
import { openJournal } from '../journal/write';
import { testIntent } from '../ship/testing';
import { openCheckpointKey } from './checkpointFile';
import { type Recorder, startRecorder } from './recorder';

/** A real store behind a door that can be shut, over midnight UTC. */

const MINUTE_MS = 60_000;
const MIDNIGHT = Date.parse('2026-11-21T00:00:00Z');
const secretKey = randomBytes(32);
let direct: pg.Client;
let drop: () => Promise<void>;
let opened: OpenStore;
let door: Door;
let dir: string;
let recorder: Recorder;
let clockMs = MIDNIGHT - MINUTE_MS;

interface Door {
  url: string;
  shut(): Promise<void>;
  open(): Promise<void>;
}

async function doorTo(url: string): Promise<Door> {
  const to = new URL(url);
  const through = new Set<net.Socket>();
  const server = net.createServer((client) => {
    const store = net.connect(Number(to.port), to.hostname);
    for (const [one, other] of [[client, store] as const, [store, client] as const]) {
      through.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        through.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  await listen(0);
  const { port } = server.address() as net.AddressInfo;
  const by = new URL(url);
  by.hostname = '127.0.0.1';
  by.port = String(port);
  return {
    url: by.href,
    shut: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of through) socket.destroy();
      }),
    open: () => listen(port),
  };
}

beforeAll(async () => {
  const database = await withPostgres();
  drop = database.drop;
  await migrateStore(database.url);
  direct = new pg.Client({ connectionString: database.url });
  await direct.connect();
  door = await doorTo(database.url);
  opened = openStore(door.url, { max: 5, applicationName: 'midnight test' });
  dir = mkdtempSync(join(tmpdir(), 'gatehouse-midnight-'));
  mkdirSync(join(dir, 'record'));
  const signer = openCheckpointKey(dir, 'night', secretKey);
  await opened.store.insert(nodes).values({ name: 'night', gatewayId: 'gw_1', publicKey: signer.text });
  recorder = await startRecorder({
    ...{ store: opened.store, storeUrl: door.url, secretKey, dataDir: dir, gatewayId: 'gw_1', node: 'night', signer, first: true },
    now: () => clockMs,
    random: randomBytes,
    onSinkTrouble: () => undefined,
    onTrouble: () => undefined,
  });
  await recorder.ready;
});
afterAll(async () => {
  await recorder.drain(5_000);
  await opened.close();
  await direct.end();
  await drop();
  rmSync(dir, { recursive: true, force: true });
});

/** Of workers of one process that lives: a later start would say that the earlier one is gone. */
const journalOf = (worker: string) => openJournal(dir, `gw_1-${worker}-1-${process.pid}`);
const inLog = () => {
  const found: string[] = [];
  while (found.length < recorder.log.size) {
    const records = recorder.log.read(found.length, 1_000);
    found.push(...records.map(({ leaf }) => String(leaf.entry.id ?? '')));
  }
  return found;
};
const inStore = async () =>
  (await direct.query<{ id: string }>('select id from statements where at >= $1', [new Date(MIDNIGHT)])).rows.map(({ id }) => id);

test('the new day is in the log while the store is away, and in the store as soon as it is back', { timeout: 60_000 }, async () => {
  const journal = journalOf('w1');
  const other = journalOf('w2');
  const before = newId('stm', clockMs);
  journal.append(testIntent(before, { atMs: clockMs }));
  await expect.poll(inLog).toContain(before);
  await expect
    .poll(async () => (await direct.query("select 1 from value_keys where day = '2026-11-21'")).rowCount, { timeout: 10_000 })
    .toBe(1);
  // Made, and not read yet: what the recorder has not read it does not know while the store is away.
  await sleep(1_000);

  await door.shut();
  clockMs = MIDNIGHT + MINUTE_MS;
  const known = newId('stm', clockMs);
  const stranger = newId('stm', clockMs);
  other.append(testIntent(stranger, { atMs: clockMs, principalName: 'nobody knows' }));
  journal.append(testIntent(known, { atMs: clockMs }));
  await expect.poll(inLog, { timeout: 10_000 }).toContain(known);
  // Whoever had no key the day before has none to be sealed with: it stays in its journal, and holds up no other.
  expect(inLog()).not.toContain(stranger);
  expect(recorder.status().trouble).not.toBeNull();
  expect(await inStore()).toEqual([]);

  await door.open();
  const backMs = performance.now();
  await expect.poll(inStore, { timeout: 10_000, interval: 20 }).toContain(known);
  await expect.poll(inLog).toContain(stranger);
  await expect.poll(inStore, { timeout: 10_000, interval: 20 }).toContain(stranger);
  expect(performance.now() - backMs).toBeLessThan(4_000);
  journal.close();
  other.close();
});
