import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { identityProviders } from '../../db/schema/identity';
import { makeIdp } from '../auth/saml/testing';
import { saveConnection } from '../connections/save';
import { ADDRESSES, type HttpServer, listenHttp } from '../http';
import { contentOf, EVERYBODY, everybody, type Person, type Who } from '../identity/testing';
import { stopLive } from '../live/start';
import { writeLog } from '../record/testing';
import { setRuntime } from '../runtime';
import { type TestStore, withStore } from '../testing';
import { createToken } from '../tokens/create';
import { parseProxies } from '../web/clientAddress';
import { mountRoutes } from './mount';

/** Besides {@link EVERYBODY}: the one who may speak SCIM. */
type Asking = Who | 'directory';
const ASKING: readonly Asking[] = [...EVERYBODY, 'directory'];

interface Row {
  /** Of admin, reviewer, auditor and member. */
  statuses: [number, number, number, number];
  /** Of everybody else; 401 where it is not said. */
  others?: number;
  directory?: number;
  /** By cookie as by token? Where not, what a cookie is answered. */
  byCookie?: number;
  changes?: true;
  form?: Record<string, string>;
  json?: object;
}

const open = (status: number, more: Partial<Row> = {}): Row => ({
  ...{ statuses: [status, status, status, status], others: status, directory: status },
  ...more,
});
/** A directory's token alone; a cookie says nobody. */
const scim = (status: number, more: Partial<Row> = {}): Row => ({
  ...{ statuses: [403, 403, 403, 403], directory: status, byCookie: 401 },
  ...more,
});
const PATCH = { Operations: [{ op: 'replace', path: 'active', value: false }] };

const TABLE: Record<string, Row> = {
  'GET /healthz': open(200),
  'GET /readyz': open(200),
  'GET /metrics': open(200),
  'GET /api/trpc/me.get': { statuses: [200, 200, 200, 200], directory: 200 },
  'POST /api/record/export': { statuses: [200, 403, 200, 403], json: {}, changes: true, directory: 200 },
  'GET /api/record/export': open(400),
  'POST /api/audit/export': { statuses: [200, 200, 200, 200], json: { format: 'csv' }, changes: true, directory: 200 },
  'GET /api/audit/export': open(405),
  // Who asks is in the form, and nowhere else.
  'POST /api/token': open(400, { form: { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: 'gh_dc_none' } }),
  'GET /api/token': open(405),
  'POST /api/token/revoke': open(200, { form: { token: 'gh_at_none' } }),
  'POST /api/device': open(200, { form: { client_name: 'x' }, changes: true }),
  'GET /api/device': open(200),
  'POST /api/slack/interactions': open(401, { form: { payload: '{}' } }),
  'GET /api/slack/interactions': open(405),
  'POST /api/passkey': open(200, { changes: true }),
  'GET /api/passkey': open(405),
  'GET /api/saml/corp/metadata': open(200),
  'GET /api/saml/corp/login': open(303, { changes: true }),
  'POST /api/saml/corp/acs': open(400, { form: { SAMLResponse: '' } }),
  'GET /api/saml/corp/slo': open(400),
  'GET /api/saml/corp/slo?SAMLRequest=unsigned': open(400),
  'POST /api/saml/corp/slo': open(400, { form: { SAMLRequest: 'PHg+' } }),
  'GET /api/saml/nobody/login': open(404),
  'GET /scim/v2/Users': scim(200),
  'POST /scim/v2/Users': scim(201, { json: { userName: 'new.one' }, changes: true }),
  'GET /scim/v2/Users/prn_none': scim(404),
  'PUT /scim/v2/Users/prn_none': scim(404, { json: { userName: 'none' } }),
  'PATCH /scim/v2/Users/prn_none': scim(404, { json: PATCH }),
  'DELETE /scim/v2/Users/prn_none': scim(404),
  'GET /scim/v2/Groups': scim(200),
  'POST /scim/v2/Groups': scim(201, { json: { displayName: 'new' }, changes: true }),
  'GET /scim/v2/Groups/grp_none': scim(404),
  'PUT /scim/v2/Groups/grp_none': scim(404, { json: { displayName: 'none' } }),
  'PATCH /scim/v2/Groups/grp_none': scim(404, { json: { Operations: [{ op: 'replace', path: 'displayName', value: 'x' }] } }),
  'DELETE /scim/v2/Groups/grp_none': scim(404),
  'GET /scim/v2/ServiceProviderConfig': scim(200),
  'GET /scim/v2/ResourceTypes': scim(200),
  'GET /scim/v2/Schemas': scim(200),
  'GET /scim/v2/none': scim(404),
};

const LOOPBACK = parseProxies('127.0.0.1') ?? expect.fail('no address');
const dataDir = mkdtempSync(join(tmpdir(), 'gatehouse-mount-'));
let db: TestStore;
let http: HttpServer;
let people: Record<Asking, Person>;
beforeAll(async () => {
  db = await withStore();
  await writeLog(dataDir, db.secretKey, 10);
  // Whose address a request comes from is said by a proxy here, so that nobody is kept out for another one's failures.
  http = await listenHttp({ host: '127.0.0.1', port: 0, trustedProxies: LOOPBACK });
  const consoleUrl = `http://127.0.0.1:${http.port}`;
  const runtime = { store: db.store, storeUrl: db.url, secretKey: db.secretKey, dataDir, gatewayId: 'gw_test', consoleUrl };
  setRuntime(runtime);
  mountRoutes(http.routes, { ...runtime, slackApiUrl: 'http://127.0.0.1:9/' }, LOOPBACK);
  http.routes.readiness = async () => ({ ready: true, checks: { store: 'ok', policy: 'ok', proxy: 'ok' } });
  http.routes.metrics = new Registry();
  const root = await db.as('admin', { name: 'root' });
  await db.as('admin', { name: 'okta', kind: 'service' });
  await saveConnection(root, { name: 'crm', host: '127.0.0.1', port: 5432, database: 'crm', username: 'app', tls: 'disable' });
  const { metadata } = makeIdp(await (await fetch(`${consoleUrl}/api/saml/corp/metadata`)).text());
  const settings = { type: 'saml' as const, name: 'corp', metadata, clockSkewMs: 0, principal: { claim: 'uid' } };
  await db.store.insert(identityProviders).values({ id: 'idp_corp', position: 0, name: 'corp', settings });
  const directory = { name: 'okta', token: (await createToken(root, { principal: 'okta', ttlMs: 3_600_000 })).secret, cookie: null };
  people = { ...(await everybody(db, root, { groups: ['dba'], connection: 'crm', consoleUrl })), directory };
  content = await contentNow();
});
afterAll(async () => {
  await http.close();
  await stopLive();
  await db.close();
  rmSync(dataDir, { recursive: true });
});

interface Asked {
  status: number;
  changed: boolean;
}

let asked = 0;
/** What the last one asked left: nobody else is there to change it. */
let content = '';
const contentNow = async () => JSON.stringify(await contentOf(db.store));
async function ask(endpoint: string, { form, json }: Row, headers: Record<string, string>): Promise<Asked> {
  const [method = '', path = ''] = endpoint.split(' ');
  const before = content;
  const answer = await fetch(`http://127.0.0.1:${http.port}${path}`, {
    method,
    redirect: 'manual',
    headers: {
      'x-forwarded-for': `10.0.${++asked >> 8}.${asked & 255}`,
      'sec-fetch-site': 'same-origin',
      origin: `http://127.0.0.1:${http.port}`,
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
  });
  await answer.text();
  content = await contentNow();
  return { status: answer.status, changed: content !== before };
}

test('the table has every address', () => {
  const paths = Object.keys(TABLE).map((endpoint) => endpoint.split(' ')[1] ?? '');
  const missing = ADDRESSES.filter(
    (address) => !paths.some((path) => (address.endsWith('/') ? path.startsWith(address) : path === address)),
  );
  expect(missing).toEqual([]);
});

test.each(Object.entries(TABLE))('%s', async (endpoint, row) => {
  const { statuses, others = 401, directory = others, byCookie, changes = false } = row;
  for (const [index, who] of ASKING.entries()) {
    const status = statuses[index] ?? (who === 'directory' ? directory : others);
    const { token, cookie } = people[who];
    const ways: [way: string, headers: Record<string, string>, status: number][] = [
      ...(cookie === null ? [] : [['cookie', { cookie }, byCookie ?? status] as [string, Record<string, string>, number]]),
      [token === null ? 'nothing' : 'token', token === null ? {} : { authorization: `Bearer ${token}` }, status],
    ];
    for (const [way, headers, expected] of ways)
      expect([who, way, await ask(endpoint, row, headers)]).toEqual([who, way, { status: expected, changed: changes && expected < 400 }]);
  }
});

test('what another site has a browser send is refused by every address that a cookie opens', async () => {
  for (const [endpoint, row] of Object.entries(TABLE)) {
    if (endpoint.startsWith('GET') || PROVED_OTHERWISE.test(endpoint)) continue;
    const forged = { cookie: people.admin.cookie ?? '', 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };
    expect([endpoint, await ask(endpoint, row, forged)]).toEqual([endpoint, { status: 403, changed: false }]);
  }
});

/** By a signature in what is sent. */
const PROVED_OTHERWISE = / \/api\/(slack|saml)\//;
