import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { apiAsAdmin } from './api';
import { gatehouse } from './cli';
import { directSettings, eventually, open, proxySettings } from './clients';
import { makeDataDir, type RunningGateway, removeDataDir, startGateway } from './gateway';

const dataDir = makeDataDir();
let gateway: RunningGateway;
const start = () => startGateway({ dataDir, log: `${dataDir}.log` });
const key = () => readFileSync(join(dataDir, 'secret-key'), 'utf8').trim();
const rotate = (env: Record<string, string> = {}) =>
  gatehouse(gateway, ['secrets', 'rotate', '--offline', '--json'], { GATEHOUSE_E2E: '', ...env });

beforeAll(async () => {
  gateway = await start();
}, 120_000);
afterAll(async () => {
  await gateway.stop();
  removeDataDir(dataDir);
  rmSync(`${dataDir}.log`, { force: true });
});

test('a gateway that runs is left alone, and so is a place where none keeps its data', async () => {
  const before = key();
  expect(await rotate()).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/is in use by a running gateway \(process \d+\); stop it/),
  });
  expect(await rotate({ GATEHOUSE_DATA_DIR: `${dataDir}-other` })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no gateway keeps its data in'),
  });
  expect(key()).toBe(before);
});

test('stopped, its keys are rotated on the store; it starts again, opens what is sealed, and has the rotation in its log', async () => {
  const before = key();
  await gateway.stop();
  const wrong = await rotate({ GATEHOUSE_SECRET_KEY: Buffer.alloc(32, 1).toString('base64') });
  expect(wrong).toMatchObject({ code: 1, stdout: '' });
  expect(wrong.stderr).toContain('does not open with the gateway’s key');
  const done = await rotate();
  expect(done.stderr).toBe('');
  const rotation = JSON.parse(done.stdout) as { keyId: string; previousKeyId: string; key: null; resealed: number };
  expect(rotation.key).toBeNull();
  expect(rotation.resealed).toBeGreaterThan(0);
  expect(key()).not.toBe(before);

  const old = await rotate({ GATEHOUSE_SECRET_KEY: before });
  expect(old.stderr).toContain(`the key ${rotation.previousKeyId} does not open this store; it is opened by ${rotation.keyId}`);

  gateway = await start();
  const client = await open(proxySettings(gateway));
  expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  await client.end();
  const store = await open(directSettings(gateway, 'gatehouse'));
  const { rows } = await eventually('the rotation in the log', async () => {
    const found = await store.query(
      "SELECT action, via, actor_name, subject, log_index FROM actions WHERE action LIKE 'secrets.%' ORDER BY id",
    );
    return found.rows.every((row) => row.log_index !== null) && found;
  });
  await store.end();
  expect(rows).toMatchObject([
    { action: 'secrets.rotate', via: 'cli', actor_name: 'gatehouse', subject: rotation.keyId },
    { action: 'secrets.retire', via: 'cli', actor_name: 'gatehouse', subject: rotation.previousKeyId },
  ]);
}, 120_000);

test('on a store of others, with a key of the operator’s: the new one is printed, both open it, and the one of before is retired', async () => {
  const { user, password, host, port } = directSettings(gateway);
  const owner = await open(directSettings(gateway));
  await owner.query('CREATE DATABASE elsewhere');
  await owner.end();
  const outside = makeDataDir();
  const settings = (secretKey: string) => ({
    GATEHOUSE_DATA_DIR: outside,
    GATEHOUSE_NODE: 'outside',
    DATABASE_URL: `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/elsewhere`,
    GATEHOUSE_SECRET_KEY: secretKey,
  });
  const startOutside = (secretKey: string) => startGateway({ dataDir: outside, log: `${outside}.log`, env: settings(secretKey) });
  const before = randomBytes(32).toString('base64');
  let other = await startOutside(before);
  try {
    const admin = apiAsAdmin(other);
    const upstream = { host: String(host), port: Number(port), database: 'shop', username: user, password, tls: 'disable' } as const;
    await admin.connections.save.mutate({ name: 'sealed', ...upstream, superuser: 'allow' });
    await other.stop();

    const done = await rotate(settings(before));
    expect(done.stderr).not.toContain('rror');
    const rotation = JSON.parse(done.stdout) as { keyId: string; previousKeyId: string; key: string; resealed: number };
    expect(Buffer.from(rotation.key, 'base64')).toHaveLength(32);
    expect(rotation.key).not.toBe(before);
    expect(rotation.resealed).toBeGreaterThan(0);
    const store = await open({ ...directSettings(gateway), database: 'elsewhere' });
    const sealed = await store.query("SELECT string_agg(t::text, ' ') AS all FROM (SELECT * FROM connections) AS t");
    const wrapped = await store.query("SELECT string_agg(t::text, ' ') AS all FROM secret_keys AS t");
    for (const secret of [password, before, rotation.key, Buffer.from(rotation.key, 'base64').toString('hex')])
      expect(`${sealed.rows[0].all} ${wrapped.rows[0].all}`).not.toContain(secret);

    // No other rotation begins before this one has ended, and the one of before still opens the store meanwhile.
    expect(await rotate(settings(before))).toMatchObject({ code: 1, stdout: '' });
    for (const secretKey of [before, rotation.key]) {
      other = await startOutside(secretKey);
      expect((await gatehouse(other, ['connections', 'test', 'sealed'])).code).toBe(0);
      if (secretKey === before) await other.stop();
    }
    expect((await gatehouse(other, ['secrets', 'retire', rotation.previousKeyId])).code).toBe(0);
    const { rows } = await eventually('the rotation in the log', async () => {
      const found = await store.query("SELECT action, via, log_index FROM actions WHERE action LIKE 'secrets.%' ORDER BY id");
      return found.rows.every((row) => row.log_index !== null) && found;
    });
    expect(rows).toMatchObject([{ action: 'secrets.rotate', via: 'cli' }, { action: 'secrets.retire' }]);
    await store.end();
    await other.stop();
    expect((await rotate(settings(before))).stderr).toContain('does not open this store');
  } finally {
    await other.stop();
    removeDataDir(outside);
    rmSync(`${outside}.log`, { force: true });
  }
}, 240_000);
