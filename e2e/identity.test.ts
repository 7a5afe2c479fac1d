import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Api } from './api';
import { gatehouse } from './cli';
import { eventually, failure, open, proxySettings } from './clients';
import { sharedGateway } from './gateway';
import { corp, type IdentityPolicy, type PolicyDocument, withIdentity } from './identityPolicy';
import { startTokenIssuer, type TokenIssuer } from './tokenIssuer';

const gateway = sharedGateway();
let admin: Api;
let issuer: TokenIssuer;
let policy: IdentityPolicy;
let document: PolicyDocument;
let apply: IdentityPolicy['apply'];

const person = (name: string, groups: string[], more: object = {}) => ({
  claims: { email: `${name}@acme.example`, groups, ...more },
});

beforeAll(async () => {
  issuer = await startTokenIssuer({
    ana: person('ana', ['Platform Team']),
    ben: person('ben', ['Platform Team']),
    cleo: person('cleo', ['Platform Team']),
    dan: person('dan', ['Platform Team']),
    eve: person('eve', ['Platform Team']),
    fay: person('fay', ['Platform Team']),
    outsider: person('outsider', ['Sales']),
    brief: { ...person('brief', ['Platform Team']), ttlS: 3 },
    // Whom an agent acts for: the token is theirs, and act says who has it.
    'ana-by-bot': person('ana-by-bot', ['Platform Team'], { act: { sub: 'mcp-bot' } }),
    'outsider-by-bot': person('outsider-by-bot', ['Sales'], { act: { sub: 'mcp-bot' } }),
    'ana-by-stranger': person('ana-by-stranger', ['Platform Team'], { act: { sub: 'nobody-knows' } }),
  });
  policy = await withIdentity(gateway, (document) => {
    document.groups = [...(document.groups ?? []), 'platform'];
    document.principals.push({ name: 'id-helper', kind: 'agent', groups: ['platform'] });
    document.rules = [
      {
        name: 'e2e-identity',
        groups: ['platform'],
        match: { statements: ['DELETE'] },
        action: 'hold',
        approval: { groups: ['dba'], count: 1 },
      },
      ...(document.rules ?? []),
    ];
    document.access.push({ connections: ['shop'], groups: ['platform'] });
    const groups = { claim: 'groups', names: { 'Platform Team': 'platform' } };
    document.identity = { providers: [corp(issuer, { clockSkew: '0s', groups, agents: { 'mcp-bot': 'id-helper' } })] };
  });
  ({ admin, document, apply } = policy);
});
afterAll(async () => {
  issuer.hang(false);
  await policy.restore();
  await issuer.stop();
});

const as = (user: string, password: string) => proxySettings(gateway, { user, password });
const signedIn = async (user: string, persona = user) => open(as(user, await issuer.token(persona)));
const sessionOf = (user: string) =>
  eventually(`a session of ${user}`, async () =>
    (await admin.sessions.list.query({ state: 'open', limit: 200 })).items.find((row) => row.principalName === user && row.method !== null),
  );

function psql(conninfo: string, password: string, input: string): Promise<{ stdout: string; stderr: string; code: number | null }> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, PGPASSWORD: password };
    const child = spawn('psql', ['-XAt', `host=127.0.0.1 port=${gateway.proxyPort} dbname=shop ${conninfo}`], { env });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ stdout: stdout.trim(), stderr, code }));
    child.stdin.end(input);
  });
}

describe('a JWT as password', () => {
  test.each(['require', 'disable'])('psql signs in with sslmode=%s, and the record knows who it is', async (sslmode) => {
    const jwt = await issuer.token('ana');
    const seen = await psql(`user=ana sslmode=${sslmode}`, jwt, 'SELECT count(*) > 0 FROM customers;');
    expect(seen).toMatchObject({ stdout: 't', code: 0 });
    const row = await eventually('the session in the log', async () =>
      (await admin.sessions.list.query({ state: 'all', limit: 50 })).items.find(
        ({ principalName, encrypted, method }) => principalName === 'ana' && method === 'JWT' && encrypted === (sslmode === 'require'),
      ),
    );
    expect(row.identity).toMatchObject({ provider: 'corp', issuer: issuer.url, subject: 'ana', client: 'ana', actors: [], personId: null });
    expect(row.identity?.tokenId).toEqual(expect.any(String));
    // The log says it too, not only the row.
    const shown = await gatehouse(gateway, ['sessions', 'list', '--all', '--json']);
    expect(shown.stdout).toContain(`"subject": "ana"`);
  });

  test.each([1_000, 4_000, 8_000])('of %i bytes and more', async (bytes) => {
    issuer.personas.ben = person('ben', ['Platform Team'], { pad: 'x'.repeat((bytes * 3) / 4) });
    const jwt = await issuer.token('ben');
    expect(jwt.length).toBeGreaterThan(bytes);
    expect(await psql('user=ben sslmode=require', jwt, 'SELECT 7;')).toMatchObject({ stdout: '7', code: 0 });
    const client = await open(as('ben', jwt));
    expect((await client.query('SELECT 8 AS n')).rows).toEqual([{ n: 8 }]);
    await client.end();
  });

  test('whose groups open nothing here is told so; others are all refused in the same words and not sooner', async () => {
    expect((await failure(open(as('outsider', await issuer.token('outsider'))))).code).toBe('42501');
    const canary = await issuer.token('ana');
    const [header, payload, signature = ''] = canary.split('.');
    const refused: [string, string][] = [
      ['ben', canary],
      ['nobody-at-all', canary],
      ['ana', `${header}.${payload}.${signature.slice(0, -8)}AAAAAAAA`],
      ['ana', `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`],
      ['ana-by-stranger', await issuer.token('ana-by-stranger')],
      ['ana', 'eyJhbGciOiJSUzI1NiJ9.e30.AAAA'],
    ];
    for (const [user, password] of refused) {
      const startedMs = performance.now();
      const error = await failure(open(as(user, password)));
      expect(error).toMatchObject({ code: '28P01', message: `password authentication failed for user "${user}"` });
      expect(performance.now() - startedMs).toBeGreaterThan(240);
    }
    // Why is for the operator, without anything of the JWT.
    const failures = await eventually('the failed sign-ins', async () => {
      const log = readFileSync(gateway.logFile, 'utf8');
      return log.includes('the signature is wrong') && log;
    });
    for (const part of [signature, payload ?? '']) expect(failures.includes(part)).toBe(false);
    // Nor is it anywhere on the disk: journals, log, store.
    for (const part of [signature, payload ?? '', (await issuer.token('ana')).split('.')[0] ?? ''])
      expect(spawnSync('grep', ['-rlaF', part, gateway.dataDir]).stdout.toString()).toBe('');
  });

  test('of an agent that acts for a person: recorded as such, and may what both may', async () => {
    const client = await signedIn('id-helper', 'ana-by-bot');
    await client.query('SELECT 41 + 1 AS by_the_bot');
    const row = await sessionOf('id-helper');
    expect(row).toMatchObject({
      ownerName: 'ana-by-bot',
      identity: { subject: 'ana-by-bot', actors: ['mcp-bot'], personId: expect.stringMatching(/^prn_/) },
    });
    const entry = await eventually('the statement in the audit', async () =>
      (await admin.audit.search.query({ q: 'principal:id-helper', limit: 10 })).items.find(({ sql }) => sql.includes('by_the_bot')),
    );
    expect(entry).toMatchObject({ principalName: 'id-helper', ownerName: 'ana-by-bot' });
    await client.end();
    // The agent alone may; the person may not.
    const denied = await failure(open(as('id-helper', await issuer.token('outsider-by-bot'))));
    expect(denied).toMatchObject({ code: '42501', detail: expect.stringContaining('outsider-by-bot') });
  });
});

describe('the issuer', () => {
  test('rotates its keys, and nobody is refused', async () => {
    await (await signedIn('ana')).end();
    // A worker asks again at most every 5 s.
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    issuer.rotate();
    const rotated = await issuer.token('ana');
    for (const client of await Promise.all(Array.from({ length: 12 }, () => open(as('ana', rotated))))) await client.end();
  });

  test('is down: new sign-ins with keys nobody has hear it in less than 3 s, sessions go on, tokens of ours too', async () => {
    const session = await signedIn('cleo');
    const second = await startTokenIssuer({ zoe: person('zoe', []) });
    const providers = document.identity?.providers ?? [];
    await apply({
      ...document,
      identity: { providers: [...providers, { ...providers[0], name: 'other', issuer: second.url, device: undefined, agents: undefined }] },
    });
    const jwt = await second.token('zoe');
    second.hang(true);
    const startedMs = performance.now();
    const waiting = failure(open(as('zoe', jwt)));
    const askedMs = performance.now();
    expect((await session.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    expect(performance.now() - askedMs).toBeLessThan(500);
    await (await signedIn('ana')).end();
    expect(await waiting).toMatchObject({ code: '28000', message: 'identity provider "other" cannot be reached to verify the sign-in' });
    const tookMs = performance.now() - startedMs;
    console.log(`an issuer that does not answer: told after ${Math.round(tookMs)} ms`);
    expect(tookMs).toBeLessThan(3_000);
    await second.stop();
    await session.end();
    await apply();
  });
});

describe('a session ends with its identity, within 5 s:', () => {
  /** From before what ends it until the client has heard. */
  async function ends(client: { lost: Error[] }, what: string, words: RegExp, act: () => Promise<unknown>): Promise<void> {
    const startedMs = performance.now();
    const [[error]] = await Promise.all([
      eventually(`the end by ${what}`, async () => client.lost.length > 0 && client.lost, 8_000),
      act(),
    ]);
    const tookMs = performance.now() - startedMs;
    console.log(`${what}: ended after ${Math.round(tookMs)} ms`);
    expect(error).toMatchObject({ code: '57P01', detail: expect.stringMatching(words) });
    expect(tookMs).toBeLessThan(5_000);
  }
  const idOf = async (name: string) => (await admin.principals.list.query()).find((row) => row.name === name)?.id ?? '';

  test('it expires', async () => {
    const jwt = await issuer.token('brief');
    const { exp } = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()) as { exp: number };
    const client = await open(as('brief', jwt));
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, exp * 1_000 - Date.now())));
    await ends(client, 'expiry', /identity token expired/, async () => undefined);
  });

  test('the provider says fewer groups at another sign-in; a held request is withdrawn', async () => {
    const client = await signedIn('dan');
    const held = failure(client.query('DELETE FROM customers WHERE id = 424242'));
    const request = await eventually('the request', async () =>
      (await admin.approvals.list.query({ status: 'open' })).items.find(({ sql }) => sql.includes('424242')),
    );
    issuer.personas.dan = person('dan', []);
    const fewer = await issuer.token('dan');
    const startedMs = performance.now();
    const denied = failure(open(as('dan', fewer)));
    expect(await held).toMatchObject({ code: '57P01', detail: expect.stringMatching(/access to the connection was withdrawn/) });
    console.log(`fewer groups: ended after ${Math.round(performance.now() - startedMs)} ms`);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    expect((await denied).code).toBe('42501');
    await eventually('the request withdrawn', async () => (await admin.approvals.get.query({ id: request.id })).status === 'withdrawn');
  });

  test('signed out everywhere; who signs in again is let in', async () => {
    const client = await signedIn('eve');
    await ends(client, 'sign-out everywhere', /signed out everywhere/, () => admin.principals.signOut.mutate({ principal: 'eve' }));
    expect((await gatehouse(gateway, ['principals', 'sign-out', 'eve'])).stdout).toContain('signed out eve');
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await (await signedIn('eve')).end();
  });

  test('the person is disabled behind an agent', async () => {
    const client = await signedIn('id-helper', 'ana-by-bot');
    const id = await idOf('ana-by-bot');
    await ends(client, 'the person behind an agent disabled', /person it acts for was disabled/, () =>
      admin.principals.disable.mutate({ id }),
    );
    expect((await failure(open(as('id-helper', await issuer.token('ana-by-bot'))))).code).toBe('28P01');
    await admin.principals.enable.mutate({ id });
  });

  test('the principal is disabled', async () => {
    const client = await signedIn('fay');
    const id = await idOf('fay');
    await ends(client, 'disabled', /disabled|administrator/, () => admin.principals.disable.mutate({ id }));
  });

  test('a token of ours is revoked', async () => {
    const token = await admin.tokens.create.mutate({ principal: 'id-helper', label: 'e2e', ttlMs: 600_000 });
    const client = await open(as('id-helper', token.secret));
    await ends(client, 'token revoked', /token was revoked/, () => admin.tokens.revoke.mutate({ id: token.id }));
  });

  test('the policy takes the access away', async () => {
    const client = await signedIn('cleo');
    await ends(client, 'policy change', /access to the connection was withdrawn/, () =>
      apply({ ...document, access: document.access.slice(0, -1) }),
    );
    await apply();
  });

  test('the issuer is another, or the provider is gone', async () => {
    const providers = document.identity?.providers ?? [];
    for (const [what, changed] of [
      ['another issuer', [{ ...providers[0], issuer: 'https://elsewhere.example' }]],
      ['no provider', []],
    ] as const) {
      const client = await signedIn('cleo');
      // A token that was made from its word goes with it.
      const exchanged = await fetch(`${gateway.consoleUrl}/api/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
          subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
          subject_token: await issuer.token('cleo'),
          audience: 'shop',
        }),
      });
      const { access_token: token } = (await exchanged.json()) as { access_token: string };
      const byToken = await open(as('cleo', token));
      await ends(client, what, /identity provider was removed or is another/, () =>
        apply({ ...document, identity: { providers: [...changed] } }),
      );
      await eventually('the end of the other session', async () => byToken.lost.length > 0);
      expect((await failure(open(as('cleo', token)))).code).toBe('28P01');
      await apply();
    }
  });
});
