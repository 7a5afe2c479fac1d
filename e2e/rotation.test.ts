import { expect, test } from 'vitest';
import { apiAsAdmin } from './api';
import { gatehouse } from './cli';
import { eventually, failure, open, proxySettings } from './clients';
import { sharedGateway } from './gateway';

const gateway = sharedGateway();
const admin = apiAsAdmin(gateway);
const OVERLAP_MS = 4_000;

test('a rotated key works for the overlap, and sessions that it opened end with it; the new one goes on', async () => {
  const make = async (args: string[]) => (await gatehouse(gateway, args)).stdout.trim();
  const old = await make([
    'token',
    'create',
    '--principal',
    'support-bot',
    '--api-key',
    '--ttl',
    '7d',
    '--label',
    'rotated',
    '--connections',
    'shop',
  ]);
  const sessionOfOld = await open(proxySettings(gateway, { password: old }));
  const principalId = (await admin.principals.list.query()).find(({ name }) => name === 'support-bot')?.id ?? '';
  const id = (await admin.tokens.list.query({ principalId })).find(({ label }) => label === 'rotated')?.id ?? '';
  const version = async () => (await admin.overview.get.query()).policyVersion;
  const before = await version();

  const rotatedAt = performance.now();
  const made = await admin.tokens.rotate.mutate({ id, overlapMs: OVERLAP_MS });
  const sessionOfNew = await open(proxySettings(gateway, { password: made.secret }));
  const late = await open(proxySettings(gateway, { password: old }));
  for (const session of [sessionOfOld, sessionOfNew, late]) expect((await session.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  expect(await version()).toBe(before);

  await eventually('both sessions of the old one end', async () => sessionOfOld.lost.length > 0 && late.lost.length > 0, 15_000);
  const endedAfterMs = performance.now() - rotatedAt;
  expect(endedAfterMs).toBeGreaterThan(OVERLAP_MS - 500);
  expect(endedAfterMs).toBeLessThan(OVERLAP_MS + 5_000);
  expect((await failure(open(proxySettings(gateway, { password: old })))).code).toBe('28P01');
  expect((await sessionOfNew.query('SELECT 2 AS two')).rows).toEqual([{ two: 2 }]);
  await sessionOfNew.end();
});

test('a key for a connection runs psql and exec there by itself, and no command of the API', async () => {
  const { secret } = await admin.tokens.create.mutate({ principal: 'support-bot', kind: 'api_key', ttlMs: 60_000, connections: ['shop'] });
  const env = { GATEHOUSE_TOKEN: secret, GATEHOUSE_URL: gateway.consoleUrl, GATEHOUSE_DATA_DIR: '/nowhere', XDG_CONFIG_HOME: '/nowhere' };
  const run = await gatehouse(
    gateway,
    ['exec', '--', process.execPath, '-e', 'console.log(process.env.PGUSER, process.env.PGDATABASE, process.env.PGPORT)'],
    env,
  );
  expect(run).toMatchObject({ code: 0, stdout: `support-bot shop ${gateway.proxyPort}\n` });
  expect(await gatehouse(gateway, ['sessions', 'list'], env)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('for sessions on some connections'),
  });
});
