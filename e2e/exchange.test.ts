import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Api } from './api';
import { gatehouse } from './cli';
import { eventually, failure, open, proxySettings } from './clients';
import { sharedGateway } from './gateway';
import { corp, type IdentityPolicy, withIdentity } from './identityPolicy';
import { confirmDevice } from './oauth/deviceFlow';
import { startTokenIssuer, type TokenIssuer } from './tokenIssuer';

const gateway = sharedGateway();
const config = mkdtempSync(join(tmpdir(), 'gatehouse-login-'));
const env = {
  XDG_CONFIG_HOME: config,
  GATEHOUSE_URL: gateway.consoleUrl,
  GATEHOUSE_DATA_DIR: join(config, 'nowhere'),
  GATEHOUSE_TOKEN: '',
};
let admin: Api;
let policy: IdentityPolicy;
let issuer: TokenIssuer;

const person = (name: string, more: object = {}) => ({ claims: { email: `${name}@acme.example`, groups: ['Data'], ...more } });

beforeAll(async () => {
  issuer = await startTokenIssuer({
    xia: person('xia'),
    'yan-by-bot': person('yan', { act: { sub: 'mcp-bot' } }),
    zoe: { ...person('zoe'), ttlS: 20 },
  });
  policy = await withIdentity(gateway, (document) => {
    document.groups = [...(document.groups ?? []), 'data'];
    document.principals.push({ name: 'x-helper', kind: 'agent', groups: ['data'] });
    document.access.push({ connections: ['shop'], groups: ['data'] });
    const groups = { claim: 'groups', names: { Data: 'data' } };
    document.identity = { providers: [corp(issuer, { groups, agents: { 'mcp-bot': 'x-helper' } })] };
  });
  admin = policy.admin;
});
afterAll(async () => {
  issuer.hang(false);
  await policy.restore();
  await issuer.stop();
  rmSync(config, { recursive: true, force: true });
});

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const TYPE = 'urn:ietf:params:oauth:token-type';
async function exchanged(fields: Record<string, string>) {
  const from = performance.now();
  const answer = await fetch(`${gateway.consoleUrl}/api/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: EXCHANGE, subject_token_type: `${TYPE}:access_token`, ...fields }),
  });
  const body = (await answer.json()) as Record<string, string | number> & { audience?: string[] };
  return { status: answer.status, cache: answer.headers.get('cache-control'), ms: performance.now() - from, body };
}
const as = (user: string, password: unknown) => proxySettings(gateway, { user, password: String(password) });

describe('POST /api/token', () => {
  test('turns a JWT into a short token for one connection, which psql and SCRAM take, and the record knows whose word it is', async () => {
    const { status, cache, body } = await exchanged({ subject_token: await issuer.token('xia'), audience: 'shop', expires_in: '300' });
    expect({ status, cache }).toEqual({ status: 200, cache: 'no-store' });
    expect(body).toMatchObject({
      token_type: 'Bearer',
      issued_token_type: `${TYPE}:access_token`,
      expires_in: 300,
      audience: ['shop'],
      principal: 'xia',
    });
    expect(String(body.access_token)).toMatch(/^gh_at_/);
    const client = await open({ ...as('xia', body.access_token), ssl: { rejectUnauthorized: false } });
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    const row = await eventually('the session', async () =>
      (await admin.sessions.list.query({ state: 'open', limit: 200 })).items.find(
        (each) => each.principalName === 'xia' && each.identity !== null,
      ),
    );
    expect(row.identity).toMatchObject({ provider: 'corp', issuer: issuer.url, subject: 'xia' });
    await client.end();
    // For the proxy alone.
    const api = await fetch(`${gateway.consoleUrl}/api/trpc/me.get`, { headers: { authorization: `Bearer ${body.access_token}` } });
    expect(api.status).toBe(401);
  });

  test('gives an agent its own token, on behalf of the person', async () => {
    const { body } = await exchanged({ subject_token: await issuer.token('yan-by-bot') });
    expect(body.principal).toBe('x-helper');
    const client = await open(as('x-helper', body.access_token));
    await client.query('SELECT 2');
    const row = await eventually('the session', async () =>
      (await admin.sessions.list.query({ state: 'open', limit: 200 })).items.find((each) => each.principalName === 'x-helper'),
    );
    expect(row).toMatchObject({ ownerName: 'yan', identity: { actors: ['mcp-bot'] } });
    await client.end();
  });

  test('never outlives the JWT; a connection that is not theirs, a stranger’s token and nonsense get nothing', async () => {
    expect((await exchanged({ subject_token: await issuer.token('zoe') })).body.expires_in).toBeLessThanOrEqual(20);
    const jwt = await issuer.token('xia');
    expect(await exchanged({ subject_token: jwt, audience: 'nowhere' })).toMatchObject({ status: 400, body: { error: 'invalid_target' } });
    const [head = '', payload = ''] = jwt.split('.');
    for (const forged of [`${head}.${payload}.AAAA`, `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`, 'nonsense']) {
      const refused = await exchanged({ subject_token: forged });
      expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
      expect(refused.ms).toBeGreaterThan(240);
      expect(JSON.stringify(refused.body)).not.toContain(payload.slice(0, 20));
    }
    expect(await exchanged({ subject_token_type: 'saml' })).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  });

  test('an issuer that is away is said, in time', async () => {
    const jwt = await issuer.token('xia');
    // Keys that were fetched just now are not fetched again, whatever is asked.
    await new Promise((resolve) => setTimeout(resolve, 5_500));
    issuer.rotate();
    const other = await issuer.token('xia');
    issuer.hang(true);
    const refused = await exchanged({ subject_token: other });
    issuer.hang(false);
    expect(refused).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } });
    expect(String(refused.body.error_description)).toContain('corp');
    expect(refused.ms).toBeLessThan(3_000);
    expect(jwt).not.toBe(other);
    // Keys are asked for again after a moment.
    await eventually('an exchange', async () => ((await exchanged({ subject_token: other })).status === 200 ? true : undefined), 15_000);
  }, 40_000);
});

/** Runs `gatehouse login` and hands its address over when it has printed it. */
function login(args: string[], confirm: (address: string) => Promise<void>) {
  return new Promise<{ code: number | null; out: string; err: string }>((resolve, reject) => {
    const child = spawn(process.execPath, ['bin/gatehouse.mjs', 'login', ...args], { env: { ...process.env, ...env } });
    let out = '';
    let err = '';
    let confirmed = false;
    child.stdout.on('data', (chunk) => (out += chunk));
    child.stderr.on('data', (chunk) => {
      err += chunk;
      const address = /^Open (\S+)$/m.exec(err)?.[1];
      if (address === undefined || confirmed) return;
      confirmed = true;
      confirm(address).catch(reject);
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

describe('gatehouse login --provider', () => {
  test('signs in at the provider itself, keeps the token for its owner alone, connects any program, and logs out', async () => {
    const done = await login(['--provider', 'corp', '--connections', 'shop'], (address) => confirmDevice(address, 'xia'));
    expect(done).toMatchObject({ code: 0 });
    expect(done.out).toContain('signed in as xia');
    const file = join(config, 'gatehouse', 'credentials.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const kept = JSON.parse(readFileSync(file, 'utf8'))[gateway.consoleUrl] as { token: string };
    expect(done.out + done.err).not.toContain(kept.token);
    const seen = await gatehouse(gateway, ['psql', 'shop', '-XAtc', 'SELECT 40 + 2'], env);
    expect(seen).toMatchObject({ stdout: '42\n', code: 0 });
    const exec = await gatehouse(gateway, ['exec', '--', 'sh', '-c', 'echo $PGUSER on $PGDATABASE'], env);
    expect(exec.stdout).toBe('xia on shop\n');
    expect((await gatehouse(gateway, ['logout'], env)).code).toBe(0);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({});
    expect(await failure(open(as('xia', kept.token)))).toMatchObject({ code: '28P01' });
  }, 60_000);

  test('a provider without a device client is said', async () => {
    const refused = await gatehouse(gateway, ['login', '--provider', 'nobody'], env);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('no provider nobody with a device client');
  });
});
