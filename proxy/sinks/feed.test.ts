import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { answering } from '../../db/notifications/standIns/http';
import type { LogRecord } from '../record/leaf';
import { type Feed, startFeed } from './feed';
import { type Gap, type Sink, SinkError } from './sink';
import { growingLog, outcomeEntry } from './testing';
import { createWebhook } from './webhook';

let dir: string;
const feeds: Feed[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'gatehouse-feed-'));
});
afterEach(async () => {
  for (const feed of feeds.splice(0)) await feed.stop();
  rmSync(dir, { recursive: true });
});

/** Takes what it may, and remembers. */
function remembering(may: (records: readonly LogRecord[]) => SinkError | null = () => null, batch = 10) {
  const taken: number[] = [];
  const gaps: Gap[] = [];
  const sink: Sink = {
    batch,
    send(records, gap) {
      const refused = may(records);
      if (refused !== null && refused.kind !== 'partial') return Promise.reject(refused);
      if (gap !== null) gaps.push(gap);
      taken.push(...records.map(({ index }) => index));
      return refused === null ? Promise.resolve() : Promise.reject(refused);
    },
    close: () => Promise.resolve(),
  };
  return { sink, taken, gaps };
}
const start = (sink: Sink, log: ReturnType<typeof growingLog>, change: { budgetBytes?: number; said?: string[] } = {}) => {
  const feed = startFeed({
    name: 'a',
    sink,
    log,
    directory: dir,
    budgetBytes: change.budgetBytes ?? 1_000_000,
    random: () => 0,
    onTrouble: (words) => change.said?.push(words),
  });
  feeds.push(feed);
  return feed;
};
const grow = (log: ReturnType<typeof growingLog>, count: number) =>
  log.grow(Array.from({ length: count }, (_, n) => outcomeEntry(`stm_${log.size + n}`)));
const upTo = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);
const until = async (condition: () => boolean) => {
  for (let i = 0; i < 400 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(condition()).toBe(true);
};

describe('a sink', () => {
  test('gets everything from when it was named, in order, once; and on the next start goes on where it was', async () => {
    const log = growingLog();
    grow(log, 5);
    const first = remembering();
    const feed = start(first.sink, log);
    grow(log, 95);
    feed.wake();
    await until(() => first.taken.length === 95);
    await feed.stop();
    grow(log, 20);
    const second = remembering();
    start(second.sink, log);
    await until(() => second.taken.length === 20);
    expect([...first.taken, ...second.taken]).toEqual(upTo(5, 120));
  });

  test('that is away loses nothing within its budget, and the log does not wait for it', async () => {
    const log = growingLog();
    let away = true;
    const said: string[] = [];
    const { sink, taken } = remembering(() => (away ? new SinkError('could not be reached (ECONNREFUSED)') : null));
    const feed = start(sink, log, { said });
    for (let i = 0; i < 10; i++) {
      grow(log, 10);
      feed.wake();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await until(() => feed.status().error !== null);
    expect(feed.status()).toMatchObject({ waiting: 100, lost: 0, error: 'could not be reached (ECONNREFUSED)', atMs: null });
    expect(feed.needs()).toBe(0);
    away = false;
    await until(() => taken.length === 100);
    expect(taken).toEqual(upTo(0, 100));
    await until(() => feed.status().error === null);
    expect(said).toEqual(['could not be reached (ECONNREFUSED)']);
  });

  test('that is away for longer than its budget reaches hears of what it lost', async () => {
    const log = growingLog();
    let away = true;
    const said: string[] = [];
    const { sink, taken, gaps } = remembering(() => (away ? new SinkError('down') : null));
    const feed = start(sink, log, { said, budgetBytes: 24_000 });
    grow(log, 100);
    feed.wake();
    await until(() => feed.status().lost > 0);
    const { next, lost } = feed.status();
    expect(next).toBe(lost);
    expect(lost).toBeGreaterThanOrEqual(75);
    away = false;
    await until(() => taken.length === 100 - lost);
    expect(gaps).toEqual([{ from: 0, to: lost }]);
    expect(taken).toEqual(upTo(lost, 100));
    expect(said.some((words) => words.startsWith(`${lost} entries were skipped, 0 to ${lost - 1}`))).toBe(true);
  });

  test('that was away while entries were archived hears of that too', async () => {
    const log = growingLog();
    const { sink, taken, gaps } = remembering();
    const before = start(sink, log);
    grow(log, 10);
    await before.stop();
    log.first = 7;
    start(sink, log);
    await until(() => taken.includes(9));
    expect(gaps).toEqual([{ from: 0, to: 7 }]);
    expect(taken.slice(-3)).toEqual([7, 8, 9]);
  });

  test('whose place was damaged on disk gets again what is there', async () => {
    const log = growingLog();
    const { sink, taken } = remembering();
    const before = start(sink, log);
    grow(log, 3);
    before.wake();
    await until(() => taken.length === 3);
    await before.stop();
    writeFileSync(join(dir, 'a.json'), '{"next":');
    start(sink, log);
    await until(() => taken.length === 6);
    expect(taken).toEqual([0, 1, 2, 0, 1, 2]);
  });

  test('that refuses one entry gets all others', async () => {
    const log = growingLog();
    const said: string[] = [];
    const { sink, taken } = remembering((records) =>
      records.some(({ index }) => index === 6) ? new SinkError('refused with 400', 'refused') : null,
    );
    const feed = start(sink, log, { said });
    grow(log, 25);
    feed.wake();
    await until(() => taken.includes(24));
    expect([...taken].sort((a, b) => a - b)).toEqual(upTo(0, 25).filter((n) => n !== 6));
    expect(feed.status()).toMatchObject({ lost: 1, waiting: 0 });
    expect(said).toEqual(['entry 6 was not taken: refused with 400']);
  });
});

test('a webhook gets signed batches that the Standard Webhooks library believes, and the same id for the same batch', async () => {
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const events: { id: string; entries: number[]; leaf: unknown }[] = [];
  let failing = true;
  const ids: string[] = [];
  const server = await answering((request) => {
    ids.push(request.headers['webhook-id'] ?? '');
    if (failing) {
      failing = false;
      return { status: 500 };
    }
    const event = new Webhook(secret).verify(request.body, request.headers) as {
      type: string;
      data: { node: string; entries: { index: number; leaf: unknown }[] };
    };
    events.push({ id: event.type, entries: event.data.entries.map(({ index }) => index), leaf: event.data.entries[0]?.leaf });
    return { status: 204 };
  });
  const log = growingLog();
  const feed = start(createWebhook({ url: server.url, secret, node: 'here', now: Date.now }), log);
  const [first] = grow(log, 3);
  feed.wake();
  await until(() => events.length === 1);
  expect(events).toEqual([{ id: 'audit.entries', entries: [0, 1, 2], leaf: first?.leaf }]);
  expect(ids).toEqual(['aud_here_0', 'aud_here_0']);
  await server.close();
});
