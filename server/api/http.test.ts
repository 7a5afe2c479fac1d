import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sql } from 'drizzle-orm';
import { encode } from 'next-auth/jwt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../db/ids';
import { approvalRequests } from '../../db/schema/approvals';
import { cookieName } from '../auth/cookie';
import { createSignInLink, redeemSignInLink } from '../auth/link';
import { consoleSecret } from '../auth/secret';
import { stopLive } from '../live/start';
import { disablePrincipal } from '../principals/disable';
import { savePrincipal } from '../principals/save';
import { setRuntime } from '../runtime';
import { type TestStore, withStore } from '../testing';
import { createToken } from '../tokens/create';
import { revokeToken } from '../tokens/revoke';
import { createApiHandler } from './http';

type Caller = Awaited<ReturnType<TestStore['as']>>;
let db: TestStore;
let server: Server;
let origin: string;
let admin: Caller;

beforeAll(async () => {
  db = await withStore();
  admin = await db.as('admin', { name: 'root', groups: ['dba'] });
  server = createServer(createApiHandler());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  setRuntime({ store: db.store, storeUrl: db.url, secretKey: db.secretKey, dataDir: '/nowhere', gatewayId: 'gw_test', consoleUrl: origin });
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await stopLive();
  await db.close();
});

const cookieFor = async (principalId: string) =>
  `${cookieName('http://127.0.0.1')}=${await encode({ token: { sub: principalId, by: null, at: Date.now() }, secret: consoleSecret(db.secretKey) })}`;
const get = (path: string, headers: Record<string, string> = {}) => fetch(`${origin}/api/trpc/${path}`, { headers });
const post = (path: string, input: unknown, headers: Record<string, string>) =>
  fetch(`${origin}/api/trpc/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ json: input }),
  });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const tokenOf = (caller: Caller) => createToken(admin, { principal: caller.actor.name, ttlMs: 60_000 });

describe('who is asking', () => {
  test('nobody, a made-up token, a foreign cookie: 401', async () => {
    expect((await get('me.get')).status).toBe(401);
    expect((await get('me.get', bearer('gh_at_AAAAAAAAAAAAAAAAAAAAAAAAAAA'))).status).toBe(401);
    const forged = await encode({ token: { sub: admin.actor.id }, secret: 'another secret' });
    expect((await get('me.get', { cookie: `${cookieName('http://127.0.0.1')}=${forged}` })).status).toBe(401);
  });

  test('a token signs in until it is revoked or its principal disabled', async () => {
    const caller = await db.as('member');
    const token = await tokenOf(caller);
    expect(await (await get('me.get', bearer(token.secret))).json()).toMatchObject({
      result: { data: { json: { name: caller.actor.name } } },
    });
    await revokeToken(admin, { id: token.id });
    expect((await get('me.get', bearer(token.secret))).status).toBe(401);
    const second = await tokenOf(caller);
    await disablePrincipal(admin, { id: caller.actor.id });
    expect((await get('me.get', bearer(second.secret))).status).toBe(401);
  });

  test('a bad token never falls back to a good cookie', async () => {
    const cookie = await cookieFor(admin.actor.id);
    expect((await get('me.get', { cookie })).status).toBe(200);
    expect((await get('me.get', { cookie, ...bearer('gh_at_wrong') })).status).toBe(401);
  });

  test('a role taken away is gone at the next call', async () => {
    const caller = await db.as('reviewer', { name: 'demoted' });
    const cookie = await cookieFor(caller.actor.id);
    expect((await get('rules.list', { cookie })).status).toBe(200);
    await savePrincipal(admin, { id: caller.actor.id, name: 'demoted', kind: 'human', role: 'member' });
    expect((await get('rules.list', { cookie })).status).toBe(403);
  });

  test('a sign-in link works once, for one of many that try at the same moment', async () => {
    const { path } = await createSignInLink(db.store, admin.actor.id);
    const secret = new URL(path, origin).searchParams.get('link') ?? '';
    const tries = await Promise.all(Array.from({ length: 20 }, () => redeemSignInLink(db.store, secret)));
    expect(tries.flatMap((redeemed) => (redeemed === null ? [] : [redeemed.principal.name]))).toEqual(['root']);
  });
});

describe('a mutation under the cookie comes from our own page, or not at all', () => {
  const cases: [string, Record<string, string>, number][] = [
    ['same origin by fetch metadata', { 'sec-fetch-site': 'same-origin' }, 404],
    ['same origin by Origin', { origin: 'SELF' }, 404],
    ['another site', { 'sec-fetch-site': 'cross-site', origin: 'SELF' }, 403],
    ['a sibling domain', { 'sec-fetch-site': 'same-site' }, 403],
    ['another origin', { origin: 'https://evil.example' }, 403],
    ['no origin at all', {}, 403],
    ['a form post', { 'sec-fetch-site': 'same-origin', 'content-type': 'text/plain' }, 403],
  ];
  test.each(cases)('%s', async (_name, headers, status) => {
    const cookie = await cookieFor(admin.actor.id);
    const response = await post(
      'rules.remove',
      { id: 'rul_none' },
      { cookie, ...headers, ...(headers.origin === 'SELF' ? { origin } : {}) },
    );
    // tRPC itself refuses a content type it cannot read before anyone is asked.
    expect([status, 415]).toContain(response.status);
    if (status === 404) expect(response.status).toBe(404);
  });

  test('a GET never runs a mutation', async () => {
    const { secret } = await tokenOf(admin);
    expect((await get(`rules.remove?input=${encodeURIComponent('{"json":{"id":"x"}}')}`, bearer(secret))).status).toBe(405);
  });
});

describe('errors', () => {
  test('an unexpected error shows an id and nothing of its cause', async () => {
    const { secret } = await tokenOf(admin);
    // PostgreSQL refuses it with the statement and its parameters in the driver's message.
    await db.store.execute(sql`alter table tokens add constraint no_canary check (label <> 'canary-label')`);
    const response = await post('tokens.create', { principal: 'root', label: 'canary-label', ttlMs: 60_000 }, bearer(secret));
    await db.store.execute(sql`alter table tokens drop constraint no_canary`);
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(text).toMatch(/err_[0-9a-f]{12}/);
    expect(text).not.toContain('canary');
    expect(text).not.toContain('insert into');
    expect(text).not.toContain('stack');
  });

  test('a policy error carries line, column and field', async () => {
    const { secret } = await tokenOf(admin);
    const response = await post('policy.applyYaml', { yaml: 'version: 1\nrule: []' }, bearer(secret));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { json: { data: { service: 'INVALID', policy: [{ line: 2, column: 1, path: 'rule', message: 'unknown field rule' }] } } },
    });
  });
});

describe('live updates', () => {
  test('a new request reaches a listening reviewer as a tracked event, and a reconnecting one hears what it missed', async () => {
    const { secret } = await tokenOf(admin);
    const before = Date.now();
    const first = await openEvents('approvals.onChange', bearer(secret));
    const id = await hold();
    const event = await first.next((data) => data.includes(id));
    expect(event.id).toMatch(/^\d+$/);
    first.close();

    const resumed = await openEvents('approvals.onChange', { ...bearer(secret), 'last-event-id': String(before) });
    expect((await resumed.next((data) => data.includes(id))).data).toContain('pending');
    resumed.close();
  });

  test('a member hears nothing of a stranger’s request, and of their own agent’s at once', async () => {
    const member = await db.as('member', { name: 'mia' });
    const { secret } = await tokenOf(member);
    const events = await openEvents('approvals.onChange', bearer(secret));
    const foreign = await hold();
    const own = await hold({ ownerId: member.actor.id, ownerName: 'mia' });
    await events.next((data) => data.includes(own));
    expect(events.seen.join()).not.toContain(foreign);
    events.close();
  });

  test('a subscription ends when its principal is disabled', async () => {
    const caller = await db.as('reviewer');
    const { secret } = await tokenOf(caller);
    const events = await openEvents('approvals.onChange', bearer(secret));
    await disablePrincipal(admin, { id: caller.actor.id });
    await events.ended;
  });
});

async function hold(overrides: Partial<typeof approvalRequests.$inferInsert> = {}): Promise<string> {
  const id = newId('req');
  await db.store.transaction(async (tx) => {
    await tx.insert(approvalRequests).values({
      id,
      statementId: newId('stm'),
      sessionId: newId('ses'),
      gatewayId: 'gw_1',
      workerId: 'w1',
      principalId: 'prn_agent',
      principalName: 'support-bot',
      connectionName: 'shop',
      sql: 'DELETE FROM orders',
      parameters: [],
      digest: 'd',
      kind: 'DELETE',
      effects: ['delete'],
      relations: [],
      rule: 'review-deletes',
      why: 'DELETE is reviewed',
      tried: [],
      transactionStatus: 'I',
      reviewerGroups: [],
      required: 1,
      expiresAt: new Date(Date.now() + 60_000),
      ...overrides,
    });
    await tx.execute(`select pg_notify('gatehouse_approvals', '${id}')`);
  });
  return id;
}

interface Events {
  seen: string[];
  next(match: (data: string) => boolean): Promise<{ id: string | undefined; data: string }>;
  /** Resolves when the server ends the subscription. */
  ended: Promise<void>;
  close(): void;
}

/** Reads a subscription as a browser does, from the moment the server said that it is connected and listening. */
async function openEvents(path: string, headers: Record<string, string>): Promise<Events> {
  const abort = new AbortController();
  const response = await fetch(`${origin}/api/trpc/${path}`, {
    headers: { accept: 'text/event-stream', ...headers },
    signal: abort.signal,
  });
  if (response.body === null) throw new Error('no body');
  const seen: string[] = [];
  const parsed: { id: string | undefined; data: string }[] = [];
  let finished = false;
  const pump = (async () => {
    let text = '';
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      const events = text.split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) {
        seen.push(event);
        if (event.includes('event: return')) finished = true;
        const data = /^data: ?(.*)$/m.exec(event)?.[1];
        if (data !== undefined) parsed.push({ id: /^id: ?(.*)$/m.exec(event)?.[1], data });
      }
    }
  })().catch(() => undefined);
  await expect.poll(() => seen.length).toBeGreaterThan(0);
  // The hub's own LISTEN may still be connecting on its first use.
  await new Promise((resolve) => setTimeout(resolve, 300));
  return {
    seen,
    async next(match) {
      await expect.poll(() => parsed.find((event) => match(event.data)), { timeout: 5_000 }).toBeDefined();
      const found = parsed.find((event) => match(event.data));
      if (found === undefined) throw new Error('gone');
      return found;
    },
    ended: expect
      .poll(() => finished, { timeout: 5_000 })
      .toBe(true)
      .then(() => pump),
    close: () => abort.abort(),
  };
}
