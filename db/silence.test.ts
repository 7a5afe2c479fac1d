import { once } from 'node:events';
import net from 'node:net';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withPostgres } from './embedded/testing';
import { openStore } from './store';

let database: Awaited<ReturnType<typeof withPostgres>>;
beforeAll(async () => {
  database = await withPostgres();
});
afterAll(() => database.drop());

/** A network that can stop carrying anything, and says nothing about it. */
async function network(to: URL) {
  const carried: net.Socket[] = [];
  const server = net.createServer((near) => {
    const far = net.connect(Number(to.port), to.hostname);
    carried.push(near, far);
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as net.AddressInfo).port,
    cut() {
      for (const socket of carried.splice(0)) socket.unpipe().pause();
    },
    async close() {
      server.close();
    },
  };
}

test('a store behind a network that went silent is given up in time, and found again; one that is idle or slow is left alone', async () => {
  const url = new URL(database.url);
  const wire = await network(new URL(database.url));
  url.port = String(wire.port);
  const { store, close } = openStore(url.href, { max: 1, applicationName: 'silence', silenceMs: 600 });
  const one = () => store.execute(sql`select 1`).then(({ rowCount }) => rowCount);
  const pid = () => store.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`).then(({ rows }) => rows[0]?.pid);
  const first = await pid();
  await store.execute(sql`select pg_sleep(0.4)`);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect(await pid()).toBe(first);

  wire.cut();
  const from = performance.now();
  await expect(store.transaction((tx) => tx.execute(sql`select 1`))).rejects.toThrow();
  expect(performance.now() - from).toBeLessThan(5_000);
  expect(await one()).toBe(1);
  expect(await pid()).not.toBe(first);

  // A server that ends connections in the middle of transactions: as many as there are places, and one more.
  for (let i = 0; i < 2; i++)
    await expect(
      store.transaction(async (tx) => {
        await tx.execute(sql`select 1`);
        await tx.execute(sql`select pg_terminate_backend(pg_backend_pid())`);
      }),
    ).rejects.toThrow();
  expect(await one()).toBe(1);
  await close();
  await wire.close();
});
