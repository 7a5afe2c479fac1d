import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withPostgres } from '../../db/embedded/testing';
import { newId } from '../../db/ids';
import { migrateStore } from '../../db/migrate';
import { sessions } from '../../db/schema/audit';
import { openStore, type Store } from '../../db/store';
import type { KnownPrincipal } from '../identity/principal';
import type { ConnectionPolicy } from '../policy/types';
import { WireError } from '../wire/errors';
import { reserveSession } from './reserveSession';
import { readSettings } from './settings';

let store: Store;
let close: () => Promise<void>;
beforeAll(async () => {
  const database = await withPostgres();
  await migrateStore(database.url);
  const opened = openStore(database.url, { max: 12, applicationName: 'gatehouse test' });
  store = opened.store;
  close = async () => {
    await opened.close();
    await database.drop();
  };
});
afterAll(() => close());

const settings = readSettings({
  NODE_ENV: 'test',
  DATABASE_URL: 'postgres://x/y',
  GATEHOUSE_SECRET_KEY: Buffer.alloc(32).toString('base64'),
  GATEHOUSE_DATA_DIR: '/tmp',
  GATEHOUSE_ID: 'gw_test',
  GATEHOUSE_WORKER: 'w1',
  PROXY_PORT: '0',
  CONSOLE_URL: 'http://127.0.0.1',
  PROXY_TLS_CERT: 'x',
  PROXY_TLS_KEY: 'x',
});

const principal = (name: string, maxSessions?: number): KnownPrincipal => ({
  id: `prn_${name}`,
  name,
  kind: 'agent',
  role: 'member',
  email: null,
  owner: null,
  groups: [],
  limits: maxSessions === undefined ? {} : { maxSessions },
});

const connection = (name: string, maxSessions?: number): ConnectionPolicy => ({
  id: `con_${name}`,
  name,
  host: '127.0.0.1',
  port: 5432,
  database: name,
  username: 'app',
  passwordSealed: null,
  tls: 'disable',
  default: 'allow',
  opaque: 'hold',
  superuser: 'refuse',
  functionCall: 'refuse',
  tlsNegotiation: 'postgres',
  tlsCa: null,
  tlsCertificate: null,
  tlsKeySealed: null,
  limits: maxSessions === undefined ? {} : { maxSessions },
  record: { results: 'off' },
});

/** `ok`, or the words of the refusal. */
async function reserve(who: KnownPrincipal, on: ConnectionPolicy): Promise<string> {
  const row = { id: newId('ses'), principalId: who.id, principalName: who.name, connectionName: on.name, clientAddress: 'test' };
  try {
    await reserveSession({ store, settings }, who, on, row);
    return 'ok';
  } catch (error) {
    return error instanceof WireError ? `${error.fields.sqlstate} ${error.fields.message}` : String(error);
  }
}

const counted = (outcomes: string[]) =>
  Object.fromEntries([...new Set(outcomes)].sort().map((outcome) => [outcome, outcomes.filter((one) => one === outcome).length]));

test('a hundred at once never exceed a connection’s limit, whoever they are', async () => {
  const outcomes = await Promise.all(Array.from({ length: 100 }, (_, i) => reserve(principal(`p${i}`), connection('narrow', 7))));
  expect(counted(outcomes)).toEqual({ ok: 7, '53300 too many sessions on connection "narrow"': 93 });
});

test('a hundred at once never exceed a principal’s limit, wherever they go', async () => {
  const outcomes = await Promise.all(Array.from({ length: 100 }, (_, i) => reserve(principal('busy', 9), connection(`c${i}`))));
  expect(counted(outcomes)).toEqual({ ok: 9, '53300 too many sessions of principal "busy"': 91 });
});

test('both limits hold at once, and nobody waits for good', async () => {
  const pairs = Array.from({ length: 100 }, (_, i) => [principal(`q${i % 2}`, 6), connection(`d${i % 3}`, 4)] as const);
  const outcomes = await Promise.all(pairs.map(([who, on]) => reserve(who, on)));
  const open = await store.select().from(sessions).where(eq(sessions.clientAddress, 'test'));
  const count = (of: (row: (typeof open)[number]) => boolean) => open.filter(of).length;
  for (const name of ['q0', 'q1']) expect(count((row) => row.principalName === name)).toBeLessThanOrEqual(6);
  for (const name of ['d0', 'd1', 'd2']) expect(count((row) => row.connectionName === name)).toBeLessThanOrEqual(4);
  expect(outcomes.filter((one) => one === 'ok').length).toBeGreaterThanOrEqual(8);
  expect(outcomes.every((one) => one === 'ok' || one.startsWith('53300'))).toBe(true);
});

test('a session that ended leaves its place', async () => {
  await store.update(sessions).set({ endedAt: new Date() }).where(eq(sessions.connectionName, 'narrow'));
  expect(await reserve(principal('late'), connection('narrow', 1))).toBe('ok');
  expect(await reserve(principal('later'), connection('narrow', 1))).toContain('53300');
});
