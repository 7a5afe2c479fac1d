import { Registry } from 'prom-client';
import { afterEach, expect, test } from 'vitest';
import { type HttpServer, listenHttp } from './http';

let http: HttpServer;
afterEach(() => http.close());

const get = async (path: string) => {
  const response = await fetch(`http://127.0.0.1:${http.port}${path}`);
  return { status: response.status, body: (await response.text()).trim() };
};

test('while starting it is alive, not ready, and serves nothing', async () => {
  http = await listenHttp({ host: '127.0.0.1', port: 0 });
  expect(await get('/healthz')).toEqual({ status: 200, body: 'ok' });
  expect((await get('/readyz')).status).toBe(503);
  expect((await get('/')).status).toBe(503);
  expect((await get('/api/trpc/me.get')).status).toBe(503);
});

test('readiness is the status as well as the words', async () => {
  http = await listenHttp({ host: '127.0.0.1', port: 0 });
  http.routes.readiness = async () => ({ ready: false, checks: { store: 'not reachable', policy: 'unknown', proxy: 'ok' } });
  const refused = await get('/readyz');
  expect(refused.status).toBe(503);
  expect(JSON.parse(refused.body)).toMatchObject({ checks: { store: 'not reachable' } });
  http.routes.readiness = async () => ({ ready: true, checks: { store: 'ok', policy: 'ok', proxy: 'ok' } });
  expect((await get('/readyz')).status).toBe(200);
});

test('the API is asked before the pages, and metrics do not leak in', async () => {
  http = await listenHttp({ host: '127.0.0.1', port: 0 });
  http.routes.api = (_, res) => void res.end('api');
  http.routes.pages = (_, res) => void res.end('pages');
  http.routes.metrics = new Registry();
  expect((await get('/api/trpc/me.get?batch=1')).body).toBe('api');
  expect((await get('/api/auth/csrf')).body).toBe('pages');
  expect((await get('/metrics')).status).toBe(200);
});

test('a connection stays open longer than a proxy in front leaves it unused', async () => {
  http = await listenHttp({ host: '127.0.0.1', port: 0 });
  const { headers } = await fetch(`http://127.0.0.1:${http.port}/healthz`);
  expect(headers.get('keep-alive')).toBe('timeout=75');
});

test('a page that throws is answered without its cause', async () => {
  http = await listenHttp({ host: '127.0.0.1', port: 0 });
  http.routes.pages = () => {
    throw new Error('secret detail');
  };
  const failed = await get('/');
  expect(failed.status).toBe(500);
  expect(failed.body).not.toContain('secret detail');
});

test('no answer may be framed or sniffed', async () => {
  http = await listenHttp({ host: '127.0.0.1', port: 0 });
  http.routes.pages = (_, res) => void res.end('page');
  for (const path of ['/', '/healthz', '/api/trpc/me.get']) {
    const { headers } = await fetch(`http://127.0.0.1:${http.port}${path}`);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  }
});

test('who begins sign-ons without end waits, by address, and nobody else does', async () => {
  http = await listenHttp({ host: '127.0.0.1', port: 0, trustedProxies: { has: (address) => address === '127.0.0.1' } });
  http.routes.saml = (_, res) => void res.writeHead(303, { location: '/' }).end();
  http.routes.pages = (_, res) => void res.writeHead(302, { location: '/' }).end();
  const begin = async (path: string, from: string, method = 'GET') =>
    (await fetch(`http://127.0.0.1:${http.port}${path}`, { method, redirect: 'manual', headers: { 'x-forwarded-for': from } })).status;
  for (let i = 0; i < 60; i++) {
    expect(await begin('/api/saml/corp/login', '10.0.0.1')).toBe(303);
    expect(await begin('/api/auth/signin/okta', '10.0.0.1', 'POST')).toBe(302);
  }
  expect(await begin('/api/saml/corp/login', '10.0.0.1')).toBe(429);
  expect(await begin('/api/auth/signin/okta', '10.0.0.1', 'POST')).toBe(429);
  // Whose sign-on is under way ends it, metadata stays, and others begin theirs.
  expect(await begin('/api/saml/corp/acs', '10.0.0.1', 'POST')).toBe(303);
  expect(await begin('/api/saml/corp/metadata', '10.0.0.1')).toBe(303);
  expect(await begin('/api/saml/corp/login', '10.0.0.2')).toBe(303);
});
