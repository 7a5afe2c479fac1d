import { afterEach, describe, expect, test } from 'vitest';
import { type HttpServer, listenHttp } from '../http';
import { createAttempts } from './attempts';
import { clientAddress, parseProxies } from './clientAddress';
import { contentSecurityPolicy, securityHeaders } from './headers';

let http: HttpServer | undefined;
afterEach(async () => {
  await http?.close();
  http = undefined;
});

const CONSOLE = 'https://gatehouse.example.com';

/** Every route, and the methods by which it changes something. */
const ROUTES = [
  ['/api/trpc/approvals.approve', 'POST'],
  ['/api/record/export', 'POST'],
  ['/api/audit/export', 'POST'],
  ['/api/auth/callback/link', 'POST'],
  ['/api/auth/signout', 'POST'],
  ['/api/token', 'POST'],
  ['/api/token/revoke', 'POST'],
  ['/api/device', 'POST'],
  ['/scim/v2/Users', 'POST'],
  ['/scim/v2/Users/1', 'DELETE'],
  ['/approvals', 'POST'],
  ['/', 'PUT'],
] as const;

describe('requests of another site', () => {
  async function served() {
    const reached: string[] = [];
    http = await listenHttp({ host: '127.0.0.1', port: 0, consoleUrl: CONSOLE });
    const handler = (req: { url?: string | undefined }, res: { end(text: string): void }) => {
      reached.push(req.url ?? '');
      res.end('reached');
    };
    for (const part of ['api', 'slack', 'saml', 'recordExport', 'exports', 'pages', 'token', 'scim'])
      Object.assign(http.routes, { [part]: handler });
    const port = http.port;
    const send = async (path: string, method: string, headers: Record<string, string>) =>
      (await fetch(`http://127.0.0.1:${port}${path}`, { method, headers })).status;
    return { send, reached };
  }

  test.each(ROUTES)('%s by %s is refused from another page, and not from our own or by what is no browser', async (path, method) => {
    const { send, reached } = await served();
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site', origin: 'https://evil.example.com' },
      { 'sec-fetch-site': 'none' },
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: 'https://gatehouse.example.com.evil.example' },
    ])
      expect(await send(path, method, headers as Record<string, string>), JSON.stringify(headers)).toBe(403);
    expect(reached).toEqual([]);
    for (const headers of [
      { 'sec-fetch-site': 'same-origin', origin: CONSOLE },
      { origin: CONSOLE },
      {},
      { authorization: 'Bearer x', origin: 'null' },
    ])
      expect(await send(path, method, headers as Record<string, string>), JSON.stringify(headers)).toBe(200);
  });

  test('what proves its sender otherwise may be posted from elsewhere, and reading is nobody’s change', async () => {
    const { send } = await served();
    const elsewhere = { 'sec-fetch-site': 'cross-site', origin: 'https://idp.example' };
    expect(await send('/api/saml/okta/acs', 'POST', elsewhere)).toBe(200);
    expect(await send('/api/slack/interactions', 'POST', elsewhere)).toBe(200);
    expect(await send('/api/slack/interactions/more', 'POST', elsewhere)).toBe(403);
    expect(await send('/approvals', 'GET', elsewhere)).toBe(200);
  });
});

describe('headers', () => {
  test('every answer has its own nonce, which a client cannot choose, and pages are given the same', async () => {
    http = await listenHttp({ host: '127.0.0.1', port: 0 });
    const seen: unknown[] = [];
    http.routes.pages = (req, res) => {
      seen.push(req.headers['x-nonce'], req.headers['content-security-policy']);
      res.end('page');
    };
    const port = http.port;
    const ask = async () =>
      (await fetch(`http://127.0.0.1:${port}/`, { headers: { 'x-nonce': 'mine' } })).headers.get('content-security-policy');
    const [first, second] = [await ask(), await ask()];
    expect(first).not.toBe(second);
    expect(seen[1]).toBe(first);
    expect(first).toContain(`'nonce-${String(seen[0])}'`);
    expect(first).not.toContain('mine');
  });

  test('scripts need the nonce, nothing is framed, and transport security is said only behind https', () => {
    const policy = contentSecurityPolicy({ https: true, dev: false }, 'abc');
    expect(policy).toMatch(/script-src 'self' 'nonce-abc';/);
    for (const part of ["frame-ancestors 'none'", "object-src 'none'", "base-uri 'self'", "form-action 'self'", "default-src 'self'"])
      expect(policy).toContain(part);
    expect(policy).not.toContain('unsafe-eval');
    const names = (https: boolean) => new Map(securityHeaders({ https, dev: false }, 'abc'));
    expect(names(true).get('strict-transport-security')).toBe('max-age=31536000');
    expect(names(false).has('strict-transport-security')).toBe(false);
    expect(names(false).get('x-content-type-options')).toBe('nosniff');
    expect(names(false).get('permissions-policy')).toContain('camera=()');
  });
});

describe('whose request it is', () => {
  const proxies = parseProxies('10.0.0.0/8, ::1');
  test.each([
    ['203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['::ffff:10.1.2.3', 'forged, 198.51.100.1, 10.9.9.9', '198.51.100.1'],
    ['10.1.2.3', '198.51.100.1, 203.0.113.5', '203.0.113.5'],
    ['10.1.2.3', undefined, '10.1.2.3'],
    ['10.1.2.3', 'unknown', '10.1.2.3'],
    ['2001:db8:1:2:3:4:5:6', undefined, '2001:db8:1:2::/64'],
    ['2001:db8::1', undefined, '2001:db8:0:0::/64'],
    ['::1', '2001:db8:1:2::9', '2001:db8:1:2::/64'],
  ])('%s with %j is %s', (peer, forwarded, address) => {
    expect(clientAddress(peer, forwarded, proxies ?? { has: () => false })).toBe(address);
  });
  test.each(['nonsense', '10.0.0.0/33', '10.0.0.0/', '::1/129', '1.2.3.4/8/8'])('%s is no proxy', (text) => {
    expect(parseProxies(text)).toBeNull();
  });
});

describe('failed sign-ins', () => {
  test('an address waits after too many, for its minute, and others do not', () => {
    const attempts = createAttempts({ failures: 3, windowMs: 60_000 });
    for (let n = 0; n < 3; n++) {
      expect(attempts.blocked('a', 1_000)).toBeNull();
      attempts.failed('a', 1_000 + n);
    }
    expect(attempts.blocked('a', 31_000)).toBe(30);
    expect(attempts.blocked('b', 31_000)).toBeNull();
    expect(attempts.blocked('a', 61_000)).toBeNull();
  });

  test('of more addresses than are kept the rest count as one, and old ones make room', () => {
    const attempts = createAttempts({ failures: 2, windowMs: 1_000, mostAddresses: 10 });
    for (let n = 0; n < 12; n++) attempts.failed(`a${n}`, 0);
    expect(attempts.blocked('a1', 1)).toBeNull();
    expect(attempts.blocked('newcomer', 1)).toBe(1);
    expect(attempts.blocked('newcomer', 1_001)).toBeNull();
    attempts.failed('newcomer', 1_001);
    attempts.failed('newcomer', 1_001);
    expect(attempts.blocked('newcomer', 1_002)).toBe(1);
    expect(attempts.blocked('another', 1_002)).toBeNull();
  });

  test('wrong tokens and links are answered 429 after twenty; pages and who brings none are not', async () => {
    http = await listenHttp({ host: '127.0.0.1', port: 0, trustedProxies: parseProxies('127.0.0.1') ?? { has: () => false } });
    http.routes.api = (_, res) => void res.writeHead(401).end('no');
    http.routes.pages = (_, res) => void res.end('page');
    const base = `http://127.0.0.1:${http.port}`;
    const ask = async (forwarded: string) =>
      (await fetch(`${base}/api/trpc/me.get`, { headers: { authorization: 'Bearer wrong', 'x-forwarded-for': forwarded } })).status;
    for (let n = 0; n < 20; n++) expect(await ask('198.51.100.1')).toBe(401);
    expect(await ask('198.51.100.1')).toBe(429);
    expect(await ask('198.51.100.2')).toBe(401);
    expect((await fetch(`${base}/`, { headers: { 'x-forwarded-for': '198.51.100.1' } })).status).toBe(200);
    expect((await fetch(`${base}/api/trpc/me.get`, { headers: { 'x-forwarded-for': '198.51.100.1' } })).status).toBe(401);
  });
});
