import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDatabase, withPostgres } from '../../db/embedded/testing';
import { migrateStore } from '../../db/migrate';
import { principals, tokens } from '../../db/schema/identity';
import { connections, policyState } from '../../db/schema/policy';
import { open } from '../../db/secrets';
import { type OpenStore, openStore } from '../../db/store';
import { principalOfToken } from '../auth/bearer';
import { keepAdminToken, keepDemoToken, makeSignInAddress } from './localTokens';
import { refreshDemoConnection, seedPolicy } from './seed';

const key = Buffer.alloc(32, 3);
const demo = { host: '127.0.0.1', port: 5555, database: 'shop', password: 'first' };
const dataDir = mkdtempSync(join(tmpdir(), 'gatehouse-seed-'));
let database: TestDatabase;
let store: OpenStore;

beforeAll(async () => {
  database = await withPostgres();
  await migrateStore(database.url);
  store = openStore(database.url, { max: 3, applicationName: 'seed test' });
});
afterAll(async () => {
  await store.close();
  await database.drop();
  rmSync(dataDir, { recursive: true, force: true });
});

const version = async () => (await store.store.select().from(policyState))[0]?.version;
const shop = async () => (await store.store.select().from(connections).where(eq(connections.name, 'shop')))[0];

test('a first start applies the demo policy, and a second leaves it alone', async () => {
  expect(await seedPolicy(store.store, key, demo)).toBe(true);
  const names = (await store.store.select({ name: principals.name }).from(principals)).map((row) => row.name).sort();
  expect(names).toEqual(['admin', 'ana', 'bo', 'support-bot']);
  expect(await shop()).toMatchObject({ host: '127.0.0.1', port: 5555, superuser: 'refuse', opaqueAction: 'hold' });
  const before = await version();
  expect(await seedPolicy(store.store, key, demo)).toBe(false);
  expect(await version()).toBe(before);
});

test('the demo connection follows the embedded PostgreSQL to another port and password, and nothing moves when it stays', async () => {
  const before = (await version()) ?? 0;
  await refreshDemoConnection(store.store, key, demo);
  expect(await version()).toBe(before);
  await refreshDemoConnection(store.store, key, { ...demo, port: 5556, password: 'second' });
  expect(await version()).toBe(before + 1);
  const row = await shop();
  expect(row?.port).toBe(5556);
  expect(open(key, row?.passwordSealed ?? '', row?.id ?? '')).toBe('second');
});

test('a connection called shop that somebody pointed elsewhere is left alone', async () => {
  await store.store.update(connections).set({ host: 'db.internal' }).where(eq(connections.name, 'shop'));
  await refreshDemoConnection(store.store, key, { ...demo, port: 7777 });
  expect(await shop()).toMatchObject({ host: 'db.internal', port: 5556 });
});

test('the tokens are kept while they hold, made again when revoked, and not made for a principal that was disabled', async () => {
  const first = await keepAdminToken(store.store, dataDir);
  expect((await principalOfToken(store.store, first ?? ''))?.role).toBe('admin');
  expect(readFileSync(join(dataDir, 'admin-token'), 'utf8').trim()).toBe(first);
  expect(statSync(join(dataDir, 'admin-token')).mode & 0o777).toBe(0o600);
  expect(await keepAdminToken(store.store, dataDir)).toBe(first);

  await store.store.update(tokens).set({ revokedAt: new Date() });
  const second = await keepAdminToken(store.store, dataDir);
  expect(second).not.toBe(first);
  expect((await principalOfToken(store.store, second ?? ''))?.name).toBe('admin');

  await store.store.update(principals).set({ disabledAt: new Date() }).where(eq(principals.name, 'support-bot'));
  expect(await keepDemoToken(store.store, dataDir)).toBe(null);
  expect(existsSync(join(dataDir, 'demo-token'))).toBe(false);
});

test('a sign-in address is new every time, and there is none when the administrator is disabled', async () => {
  const [one, two] = [await makeSignInAddress(store.store, 'http://c'), await makeSignInAddress(store.store, 'http://c')];
  expect(one).toMatch(/^http:\/\/c\/sign-in\?link=gh_ln_/);
  expect(one).not.toBe(two);
  await store.store.update(principals).set({ disabledAt: new Date() }).where(eq(principals.name, 'admin'));
  expect(await makeSignInAddress(store.store, 'http://c')).toBe(null);
});
