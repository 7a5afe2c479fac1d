import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { apiAsAdmin } from './api';
import { gatehouse } from './cli';
import { directSettings, eventually, open, proxySettings } from './clients';
import { makeDataDir, type RunningGateway, removeDataDir, startGateway } from './gateway';

/** Two gateways on one store: the first keeps store and key, the second reads the key from the same file. */
let first: RunningGateway;
let second: RunningGateway;
const dataDir = makeDataDir();
const secondDir = makeDataDir();
const keyFile = () => join(dataDir, 'secret-key');

function startSecond(file: string): Promise<RunningGateway> {
  const { user, password, host, port } = directSettings(first, 'gatehouse');
  return startGateway({
    dataDir: secondDir,
    log: `${secondDir}.log`,
    timeoutMs: 30_000,
    env: {
      DATABASE_URL: `postgres://${user}:${password}@${host}:${port}/gatehouse`,
      GATEHOUSE_SECRET_KEY_FILE: file,
      GATEHOUSE_NODE: 'second',
    },
  });
}

beforeAll(async () => {
  first = await startGateway({ dataDir, log: `${dataDir}.log` });
  second = await startSecond(keyFile());
}, 120_000);
afterAll(async () => {
  await second.stop();
  await first.stop();
  for (const dir of [dataDir, secondDir]) {
    removeDataDir(dir);
    rmSync(`${dir}.log`, { force: true });
  }
});

test('a rotation while sessions run: they go on, both gateways open what is sealed after it, and the key of before opens nothing', async () => {
  const before = join(secondDir, 'key-of-before');
  copyFileSync(keyFile(), before);
  const at = (gateway: RunningGateway) => ({ ...proxySettings(first), port: gateway.proxyPort });
  const sessions = [await open(at(first)), await open(at(second))];
  const answers: number[] = [];
  let rotating = true;
  const asking = (async () => {
    while (rotating) {
      for (const session of sessions) answers.push((await session.query('SELECT 1')).rowCount ?? 0);
      const next = await open(at(second));
      answers.push((await next.query('SELECT 2')).rowCount ?? 0);
      await next.end();
    }
  })();
  const rotated = await gatehouse(first, ['secrets', 'rotate']);
  rotating = false;
  await asking;
  expect(rotated).toMatchObject({ code: 0, stderr: '' });
  expect(rotated.stdout).toMatch(/^rotated: [0-9a-f]{12} → [0-9a-f]{12}, [1-9]\d* secrets sealed anew\n$/);
  expect(answers.length).toBeGreaterThan(20);
  expect(answers.every((count) => count === 1)).toBe(true);
  expect(readFileSync(keyFile(), 'utf8')).not.toBe(readFileSync(before, 'utf8'));

  // What the first seals now with the new data key, the second opens.
  const { password } = directSettings(first, 'gatehouse');
  const admin = apiAsAdmin(first);
  const direct = directSettings(first);
  await admin.connections.save.mutate({
    name: 'after',
    host: String(direct.host),
    port: Number(direct.port),
    database: String(direct.database),
    username: String(direct.user),
    password: String(password),
    superuser: 'allow',
    default: 'allow',
    opaque: 'hold',
  });
  await admin.access.save.mutate({ entries: [{ connections: ['*'], groups: ['agents'] }] });
  await eventually('the second opens it', async () => {
    const session = await open({ ...at(second), database: 'after' }).catch(() => null);
    await session?.end();
    return session !== null;
  });
  for (const session of sessions) await session.end();

  await second.stop();
  await expect(startSecond(before)).rejects.toThrow(/does not open this store; it is opened by [0-9a-f]{12}/);
  second = await startSecond(keyFile());
  const again = await open(at(second));
  await again.end();
}, 180_000);

test('the gateway with a store of its own keeps passwords; the one that was given a store says what to use instead', async () => {
  const remove = (gateway: RunningGateway) => gatehouse(gateway, ['principals', 'remove-password', 'admin']);
  expect(await remove(first)).toMatchObject({ code: 1, stderr: expect.stringContaining('admin has no password here') });
  expect(await remove(second)).toMatchObject({ code: 1, stderr: expect.stringContaining('OIDC, SAML or passkeys') });
});
