import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { withPostgres } from '../../db/embedded/testing';
import { newId } from '../../db/ids';
import { type Listener, listen } from '../../db/listen';
import { migrateStore } from '../../db/migrate';
import { sessions } from '../../db/schema/audit';
import { openStore, type Store } from '../../db/store';
import { createPresence } from './presence';

let store: Store;
let url: string;
let close: () => Promise<void>;
const heard: string[] = [];
beforeAll(async () => {
  const database = await withPostgres();
  url = database.url;
  await migrateStore(url);
  const opened = openStore(url, { max: 4, applicationName: 'gatehouse test' });
  store = opened.store;
  const listener = await new Promise<Listener>((resolve) => {
    const opening = listen(url, ['gatehouse_presence'], {
      onNotification: (_channel, payload) => heard.push(payload),
      onConnected: () => resolve(opening),
    });
  });
  close = async () => {
    await listener.close();
    await opened.close();
    await database.drop();
  };
});
afterAll(() => close());

async function place(values: Partial<typeof sessions.$inferInsert> = {}): Promise<string> {
  const id = newId('ses');
  const who = { principalId: 'prn_x', principalName: 'x', connectionName: 'c', clientAddress: 'test' };
  await store.insert(sessions).values({ id, gatewayId: 'gw_test', workerId: 'w1', ...who, ...values });
  return id;
}
const rowOf = async (id: string) => (await store.select().from(sessions).where(eq(sessions.id, id)))[0];

function begin(from: Store = store) {
  const killed: string[] = [];
  const errors: unknown[] = [];
  const presence = createPresence({ store: from, onKill: (id) => killed.push(id), onError: (error) => errors.push(error) });
  return { presence, killed, errors };
}

test('sessions that open and end in one turn are said in one notification, each with its own reason', async () => {
  const { presence } = begin();
  const [opened, left, terminated] = [await place(), await place(), await place()];
  heard.length = 0;
  presence.opened(opened);
  presence.ended(left, 'client left', false);
  presence.ended(terminated, 'terminated', false);
  await vi.waitFor(() => expect(heard.flatMap((ids) => ids.split(' ')).sort()).toEqual([opened, left, terminated].sort()));
  expect(heard).toHaveLength(1);
  expect(await rowOf(opened)).toMatchObject({ endedAt: null, endReason: null });
  expect(await rowOf(left)).toMatchObject({ endedAt: expect.any(Date), endReason: 'client left' });
  expect(await rowOf(terminated)).toMatchObject({ endedAt: expect.any(Date), endReason: 'terminated' });
  await presence.close();
});

test('more than one notification holds are said in several', async () => {
  const { presence } = begin();
  heard.length = 0;
  const ids = Array.from({ length: 1_000 }, () => newId('ses'));
  for (const id of ids) presence.opened(id);
  await vi.waitFor(() => expect(heard.flatMap((each) => each.split(' ')).sort()).toEqual(ids.sort()));
  await presence.close();
});

test('one that somebody asked to end while it was opening is ended', async () => {
  const { presence, killed } = begin();
  const [asked, other] = [await place({ killRequestedAt: new Date() }), await place()];
  presence.opened(asked);
  presence.opened(other);
  await vi.waitFor(() => expect(killed).toEqual([asked]));
  await presence.close();
  expect(killed).toEqual([asked]);
});

test('an end that the store did not take is told until it does', async () => {
  const id = await place();
  let refusals = 2;
  // Beside the store itself: what a store that is away does is to throw.
  const away = new Proxy(store, {
    get: (target, name) =>
      name === 'execute' && refusals-- > 0 ? () => Promise.reject(new Error('away')) : Reflect.get(target, name, target),
  });
  const { presence, errors } = begin(away);
  presence.ended(id, 'client left', true);
  await vi.waitFor(async () => expect(await rowOf(id)).toMatchObject({ endReason: 'client left' }), { timeout: 5_000 });
  expect(errors).toHaveLength(2);
  await presence.close();
}, 10_000);

test('what is left is written at the close', async () => {
  const { presence } = begin();
  const first = await place();
  const second = await place();
  presence.ended(first, 'one', true);
  presence.ended(second, 'two', false);
  await presence.close();
  expect(await rowOf(second)).toMatchObject({ endReason: 'two' });
});

test('ends wait for no kill of the same sessions, whatever order it takes them in', async () => {
  const ids = [await place(), await place(), await place()].sort();
  const { presence, errors } = begin();
  await store.transaction(async (tx) => {
    await tx.execute(sql`update sessions set kill_requested_at = now() where id = ${ids[0]}`);
    for (const id of ids.toReversed()) presence.ended(id, 'client left', false);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await tx.execute(sql`update sessions set kill_requested_at = now() where id = ${ids[2]}`);
  });
  await vi.waitFor(async () => expect(await rowOf(ids[2] ?? '')).toMatchObject({ endReason: 'client left' }));
  expect(await rowOf(ids[0] ?? '')).toMatchObject({ endReason: 'client left', killRequestedAt: expect.any(Date) });
  expect(errors).toEqual([]);
  await presence.close();
});
