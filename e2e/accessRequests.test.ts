import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { type Api, apiAs, apiAsAdmin, makePrincipal } from './api';
import { gatehouse } from './cli';
import { directSettings, eventually, failure, open, proxySettings } from './clients';
import { makeDataDir, type RunningGateway, removeDataDir, startGateway } from './gateway';

let dataDir: string;
let gateway: RunningGateway;
let admin: Api;
let token: string;
let reviewer: Api;

beforeAll(async () => {
  dataDir = makeDataDir();
  gateway = await startGateway({ dataDir, log: `${dataDir}.log` });
  admin = apiAsAdmin(gateway);
  // By the policy file, as an operator would.
  const document = parse((await admin.policy.export.query()).yaml) as { connections: { name: string; requestable?: object }[] };
  const shop = document.connections.find(({ name }) => name === 'shop');
  if (shop !== undefined) shop.requestable = { groups: ['dba'], maxDuration: '4h' };
  const { changes } = await admin.policy.applyYaml.mutate({ yaml: stringify(document), dryRun: false, env: {} });
  expect(changes.filter(({ change }) => change !== 'none')).toEqual([
    { kind: 'connection', name: 'shop', change: 'update', fields: ['requestable'] },
  ]);
  expect((await admin.policy.export.query()).yaml).toContain('maxDuration: 4h');
  token = await makePrincipal(admin, { name: 'night-bot', kind: 'agent', groups: [] });
  reviewer = apiAs(gateway, await makePrincipal(admin, { name: 'bo', kind: 'human', groups: ['dba'], role: 'reviewer' }));
}, 120_000);
afterAll(async () => {
  await gateway.stop().catch(() => undefined);
  removeDataDir(dataDir);
  rmSync(`${dataDir}.log`, { force: true });
});

const settings = () => proxySettings(gateway, { user: 'night-bot', password: token });
const signIn = () => open(settings());
const ask = async (): Promise<string> => {
  const asked = await gatehouse(gateway, ['access', 'request', '--connection', 'shop', '--for', '2h', '--reason', 'INC-42', '--json'], {
    GATEHOUSE_TOKEN: token,
  });
  expect(asked.code, asked.stderr).toBe(0);
  return (JSON.parse(asked.stdout) as { id: string }).id;
};

test('a client without access reads how to ask for it', async () => {
  const refused = await failure(signIn());
  expect(refused).toMatchObject({
    severity: 'FATAL',
    code: '42501',
    message: 'permission denied for connection "shop"',
    routine: 'gatehouse_access',
  });
  expect(refused.hint).toBe(
    `Ask for access: npx gatehouse access request --connection shop --for 1h --reason "…", or ${gateway.consoleUrl}/access?connection=shop`,
  );
});

test('an agent asks on the command line, a reviewer approves, and access holds until it is taken back, over a restart too', async () => {
  const id = await ask();
  await failure(signIn());
  const approved = await reviewer.accessRequests.approve.mutate({ id });
  expect(approved.status).toBe('approved');
  const first = await eventually('signed in', () => signIn().catch(() => undefined));
  expect((await first.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  await first.end();

  await gateway.stop();
  gateway = await startGateway({ dataDir, log: `${dataDir}.log` });
  admin = apiAsAdmin(gateway);
  const running = await signIn();
  const listed = await gatehouse(gateway, ['access', 'list']);
  expect(listed.stdout).toMatch(new RegExp(`${id}\\s+approved\\s+night-bot\\s+shop\\s+2h`));
  const revoked = await gatehouse(gateway, ['access', 'revoke', id]);
  expect(revoked.stdout).toBe(`revoked ${id}\n`);
  await eventually('the session has ended', async () => running.lost.length > 0);
  expect(running.lost[0]).toMatchObject({ code: '57P01' });
  expect(await failure(signIn())).toMatchObject({ code: '42501' });
  const log = (await admin.audit.actions.query({})).items
    .filter(({ subject }) => subject === id)
    .map(({ actorName, action }) => `${actorName} ${action}`);
  expect(log).toEqual(['admin access.revoke', 'bo access.approve', 'night-bot access.request']);
}, 60_000);

test('a running session ends with its access, by the clock, and the store says so', async () => {
  const id = await ask();
  await apiAs(
    gateway,
    (await admin.tokens.create.mutate({ principal: 'bo', label: 'e2e', ttlMs: 600_000 })).secret,
  ).accessRequests.approve.mutate({ id });
  // The shortest time that can be asked for is a minute; nobody should wait for a test that long.
  const store = await open(directSettings(gateway, 'gatehouse'));
  await store.query(`UPDATE access_requests SET granted_until = now() + interval '3 s' WHERE id = $1`, [id]);
  await store.query('UPDATE policy_state SET access_version = access_version + 1');
  await store.query(`SELECT pg_notify('gatehouse_policy', 'access')`);
  await store.end();
  const running = await eventually('signed in', () => signIn().catch(() => undefined));
  const sleeping = failure(running.query('SELECT pg_sleep(30)'));
  const started = Date.now();
  await eventually('the session has ended', async () => running.lost.length > 0);
  expect(Date.now() - started).toBeLessThan(4_500);
  await sleeping;
  expect(await failure(signIn())).toMatchObject({ code: '42501' });
  await eventually('ended', async () => (await admin.accessRequests.get.query({ id })).status === 'ended');
  await eventually('recorded', async () =>
    (await admin.audit.actions.query({})).items.some(({ subject, action }) => subject === id && action === 'access.ended'),
  );
}, 60_000);
