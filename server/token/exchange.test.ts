import { afterAll, beforeAll, expect, test } from 'vitest';
import { tokens } from '../../db/schema/identity';
import { openTestIssuer, type TestIssuer } from '../../proxy/identity/testing';
import { type HttpServer, listenHttp } from '../http';
import { applyDocument } from '../policy/apply';
import { setRuntime } from '../runtime';
import { type TestStore, withStore } from '../testing';
import { addressOf, parseProxies } from '../web/clientAddress';
import { createTokenHandler } from './handler';

const TRUSTED = parseProxies('127.0.0.1') ?? expect.fail('no address');
let store: TestStore;
let http: HttpServer;
let issuer: TestIssuer;
beforeAll(async () => {
  store = await withStore();
  issuer = await openTestIssuer();
  http = await listenHttp({ host: '127.0.0.1', port: 0, trustedProxies: TRUSTED });
  http.routes.token = createTokenHandler((req) => addressOf(req, TRUSTED));
  const consoleUrl = `http://127.0.0.1:${http.port}`;
  setRuntime({ store: store.store, storeUrl: store.url, secretKey: store.secretKey, dataDir: '/nowhere', gatewayId: 'gw', consoleUrl });
  const admin = await store.as('admin', { name: 'root' });
  const yaml = `version: 1
principals:
  - { name: root, kind: human, role: admin }
identity:
  providers:
    - { name: corp, type: oidc, issuer: "${issuer.url}", audiences: [gatehouse], principal: { claim: sub, create: human } }
`;
  await applyDocument(admin, { yaml, env: {} });
});
afterAll(async () => {
  await http.close();
  await issuer.close();
  await store.close();
});

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const JWT = 'urn:ietf:params:oauth:token-type:jwt';
async function exchanged(sub: string, from: string) {
  const nowS = Math.floor(Date.now() / 1_000);
  const jwt = await issuer.sign({ iss: issuer.url, aud: 'gatehouse', sub, iat: nowS, exp: nowS + 600 });
  const answer = await fetch(`http://127.0.0.1:${http.port}/api/token`, {
    method: 'POST',
    headers: { 'x-forwarded-for': from },
    body: new URLSearchParams({ grant_type: EXCHANGE, subject_token: jwt, subject_token_type: JWT }),
  });
  return { status: answer.status, retryAfter: answer.headers.get('retry-after'), body: (await answer.json()) as Record<string, unknown> };
}

test('a principal that takes a token for each thing it does waits, from wherever it asks, and nobody else does', async () => {
  for (let i = 0; i < 60; i++) expect(await exchanged('busy', `10.0.0.${i}`)).toMatchObject({ status: 200, body: { principal: 'busy' } });
  const refused = await exchanged('busy', '10.0.1.1');
  expect(refused).toMatchObject({ status: 429, body: { error: 'slow_down', error_description: expect.stringContaining('keep one') } });
  expect(Number(refused.retryAfter)).toBeGreaterThan(0);
  expect(Number(refused.retryAfter)).toBeLessThanOrEqual(60);
  expect(refused.body.access_token).toBeUndefined();
  expect(await exchanged('calm', '10.0.1.1')).toMatchObject({ status: 200 });
  expect(await store.store.select({ id: tokens.id }).from(tokens)).toHaveLength(61);
});
