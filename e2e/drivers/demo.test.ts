import { once } from 'node:events';
import type pg from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { apiAsAdmin, makePrincipal } from '../api';
import { directSettings, failure, open, proxySettings } from '../clients';
import { CopyClient } from '../copyClient';
import { sharedGateway } from '../gateway';

// The demo's own policy, with its masks and rules: what it says nothing about answers as without the gateway.
const gateway = sharedGateway();
const through = proxySettings(gateway);
const direct = directSettings(gateway);
let client: Awaited<ReturnType<typeof open>>;
let reference: Awaited<ReturnType<typeof open>>;
beforeAll(async () => {
  client = await open(through);
  reference = await open(direct);
});
afterAll(async () => {
  await client.end();
  await reference.end();
});

test('tables answer the same, with the same origins', async () => {
  for (const sql of [
    'SELECT * FROM products ORDER BY id LIMIT 50',
    'SELECT o.id, o.placed_at, i.quantity * i.unit_price AS total FROM orders o JOIN order_items i ON i.order_id = o.id AND i.order_placed_at = o.placed_at ORDER BY 1, 3 LIMIT 100',
    'SELECT status, count(*) FROM orders GROUP BY status ORDER BY status',
    'SELECT 1 WHERE false',
    'SELECT FROM products LIMIT 3',
  ]) {
    for (const query of [{ text: sql }, { text: sql, binary: true }]) {
      const [mine, theirs] = [await client.query(query), await reference.query(query)];
      expect(mine.fields, sql).toEqual(theirs.fields);
      expect(mine.rows, sql).toEqual(theirs.rows);
      expect(mine.rowCount, sql).toBe(theirs.rowCount);
    }
  }
});

test('errors keep their fields', async () => {
  for (const sql of [
    'SELECT nothing FROM products',
    'SELECT 1/0',
    'INSERT INTO products (id, name, price, stock) VALUES (1, $$again$$, 1, 1)',
    'UPDATE products SET price = -1 WHERE id = 1',
  ]) {
    const [mine, theirs] = [await failure(client.query(sql)), await failure(reference.query(sql))];
    for (const field of ['severity', 'code', 'message', 'position', 'table', 'schema', 'column', 'constraint'] as const) {
      expect(mine[field], `${sql}: ${field}`).toBe(theirs[field]);
    }
  }
  expect((await client.query('SELECT 1 AS alive')).rows).toEqual([{ alive: 1 }]);
});

test('a transaction commits, rolls back, and returns to a savepoint', async () => {
  const stock = async () => (await reference.query('SELECT stock FROM products WHERE id = 5')).rows[0].stock as number;
  const before = await stock();
  await client.query('BEGIN');
  await client.query('UPDATE products SET stock = stock + 1 WHERE id = 5');
  expect(await stock()).toBe(before);
  await client.query('COMMIT');
  expect(await stock()).toBe(before + 1);
  await client.query('BEGIN');
  await client.query('UPDATE products SET stock = stock - 1 WHERE id = 5');
  await client.query('SAVEPOINT here');
  await client.query('UPDATE products SET stock = 0 WHERE id = 5');
  await client.query('ROLLBACK TO here');
  await client.query('COMMIT');
  expect(await stock()).toBe(before);
});

test('postgres.js: an error inside a transaction rolls back and the connection is reused', async () => {
  const sql = postgres({
    ...{ host: through.host, port: through.port, user: through.user, password: through.password, database: through.database },
    ...{ max: 1, onnotice: () => undefined, connect_timeout: 10 },
  });
  try {
    const stock = async () => (await reference.query('SELECT stock FROM products WHERE id = 6')).rows[0].stock as number;
    const before = await stock();
    const error = await failure(
      sql.begin(async (tx) => {
        await tx`UPDATE products SET stock = stock + 7 WHERE id = 6`;
        await tx`SELECT 1/0`;
      }),
    );
    expect(error.code).toBe('22012');
    expect([...(await sql`SELECT stock FROM products WHERE id = 6`)]).toEqual([{ stock: before }]);
  } finally {
    await sql.end({ timeout: 2 });
  }
});

test('COPY out of a table without masks, in text, CSV and binary', async () => {
  const [mine, theirs] = [await CopyClient.open(through), await CopyClient.open(direct)];
  try {
    for (const form of ['', ' WITH (FORMAT csv, HEADER)', ' WITH (FORMAT binary)']) {
      const sql = `COPY (SELECT id, name, price FROM products ORDER BY id) TO STDOUT${form}`;
      expect((await mine.out(sql)).equals(await theirs.out(sql)), sql).toBe(true);
    }
  } finally {
    await mine.close();
    await theirs.close();
  }
});

test('LISTEN and NOTIFY cross; a session under masks gets no payload, which may hold what another session read', async () => {
  const token = await makePrincipal(apiAsAdmin(gateway), {
    name: 'e2e-listener',
    kind: 'human',
    groups: ['support', 'pii-cleared'],
    email: 'listener@example.com',
  });
  const cleared = await open({ ...through, user: 'e2e-listener', password: token });
  const heard = [client, cleared].map((listener) => once(listener, 'notification'));
  for (const listener of [client, cleared]) await listener.query('LISTEN e2e_channel');
  await reference.query("NOTIFY e2e_channel, 'hello'");
  const messages = (await Promise.all(heard)).map(([message]) => message as pg.Notification);
  expect(messages.map(({ channel, payload }) => ({ channel, payload }))).toEqual([
    { channel: 'e2e_channel', payload: '' },
    { channel: 'e2e_channel', payload: 'hello' },
  ]);
  await client.query('UNLISTEN *');
  await cleared.end();
});

test('a cancel that comes while the catalog is read again, right after DDL, ends the statement that waits for it', async () => {
  const sql = postgres({
    ...{ host: through.host, port: through.port, user: through.user, password: through.password, database: through.database },
    ...{ max: 1, onnotice: () => undefined, connect_timeout: 10 },
  });
  try {
    await sql`CREATE TEMP TABLE changes_the_catalog (a int)`;
    const slow = sql`SELECT pg_sleep(1)`.execute();
    await new Promise((resolve) => setTimeout(resolve, 20));
    slow.cancel();
    expect((await failure(slow)).code).toBe('57014');
    expect([...(await sql`SELECT 1 AS alive`)]).toEqual([{ alive: 1 }]);
  } finally {
    await sql.end({ timeout: 2 });
  }
});
