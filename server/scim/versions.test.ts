import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HttpServer, listenHttp } from '../http';
import { type TestStore, withStore } from '../testing';
import { createToken } from '../tokens/create';
import { createScimHandler } from './handler';
import { isAmong, versionOf } from './versions';

let db: TestStore;
let http: HttpServer;
let token: string;
beforeAll(async () => {
  db = await withStore();
  http = await listenHttp({ host: '127.0.0.1', port: 0 });
  http.routes.scim = createScimHandler({ store: db.store, secretKey: db.secretKey, consoleUrl: 'https://gatehouse.example' });
  const admin = await db.as('admin', { name: 'root' });
  await db.as('admin', { name: 'okta-scim', kind: 'service' });
  token = (await createToken(admin, { principal: 'okta-scim', ttlMs: 3_600_000 })).secret;
});
afterAll(async () => {
  await http.close();
  await db.close();
});

async function ask(method: string, path: string, headers: Record<string, string> = {}, body?: object) {
  const answer = await fetch(`http://127.0.0.1:${http.port}/scim/v2${path}`, {
    method,
    headers: { 'content-type': 'application/scim+json', authorization: `Bearer ${token}`, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, etag: answer.headers.get('etag'), json: text === '' ? null : JSON.parse(text) };
}
const patch = (path: string, value: unknown) => ({ Operations: [{ op: 'replace', path, value }] });

test.each([
  ['W/"a"', true],
  ['"a"', true],
  ['"b", W/"a"', true],
  ['*', true],
  ['W/"b"', false],
  ['', false],
])('If-Match: %s', (header, expected) => {
  expect(isAmong(header, 'W/"a"')).toBe(expected);
});

test('versions are of what is said and nothing else', () => {
  expect(versionOf({ a: 1 })).toBe(versionOf({ a: 1 }));
  expect(versionOf({ a: 1 })).not.toBe(versionOf({ a: 2 }));
});

describe.each([
  ['Users', { userName: 'vera', displayName: 'Vera' }],
  ['Groups', { displayName: 'versioned' }],
])('%s', (kind, draft) => {
  test('carry their version, are not sent twice, and of two who change the same version the first does', async () => {
    const made = await ask('POST', `/${kind}`, {}, draft);
    const path = `/${kind}/${made.json.id}`;
    const first = made.etag ?? '';
    expect(first).toMatch(/^W\/"[\w-]{20}"$/);
    expect(made.json.meta.version).toBe(first);
    expect(await ask('GET', path)).toMatchObject({ status: 200, etag: first, json: made.json });
    expect(await ask('GET', path, { 'if-none-match': `"other", ${first}` })).toEqual({ status: 304, etag: first, json: null });

    // Connections to the store are opened one after another, and would keep them apart.
    await Promise.all(Array.from({ length: 36 }, () => ask('GET', path)));
    const all = await Promise.all(
      Array.from({ length: 36 }, (_, n) => ask('PATCH', path, { 'if-match': first }, patch('displayName', `name ${n}`))),
    );
    expect(all.map(({ status }) => status).sort()).toEqual([200, ...Array(35).fill(412)]);
    const second = all.find(({ status }) => status === 200)?.etag ?? '';
    expect(second).not.toBe(first);
    expect(await ask('GET', path, { 'if-none-match': first })).toMatchObject({ status: 200, etag: second });
    expect(await ask('PUT', path, { 'if-match': first }, draft)).toMatchObject({ status: 412, json: { status: '412' } });
    expect(await ask('DELETE', path, { 'if-match': first })).toMatchObject({ status: 412 });
    expect(await ask('GET', path)).toMatchObject({ status: 200, etag: second });
    const third = await ask('PUT', path, { 'if-match': '*' }, draft);
    expect(third.status).toBe(200);
    expect(await ask('DELETE', path, { 'if-match': third.etag ?? '' })).toMatchObject({ status: 204 });
  });
});

test('a group is another version with another member, and has none without its members', async () => {
  const member = (await ask('POST', '/Users', {}, { userName: 'mel' })).json.id as string;
  const { json, etag } = await ask('POST', '/Groups', {}, { displayName: 'crew' });
  const changed = await ask('PATCH', `/Groups/${json.id}`, { 'if-match': etag ?? '' }, patch('members', [{ value: member }]));
  expect(changed.status).toBe(200);
  expect(changed.etag).not.toBe(etag);
  expect(await ask('GET', `/Groups/${json.id}?excludedAttributes=members`, { 'if-none-match': '*' })).toMatchObject({
    status: 200,
    etag: null,
  });
});

test('lists come in the order that is asked for; who has no such attribute is last, or first where it descends', async () => {
  for (const [userName, familyName] of [
    ['sort-b', 'Adler'],
    ['Sort-a', 'zimt'],
    ['sort-c', 'Meier'],
  ] as const)
    await ask('POST', '/Users', {}, { userName, name: { familyName } });
  await ask('POST', '/Users', {}, { userName: 'sort-d' });
  const names = async (query: string) =>
    ((await ask('GET', `/Users?${query}`)).json.Resources as { userName: string }[])
      .map(({ userName }) => userName.toLowerCase())
      .filter((name) => name.startsWith('sort-'));
  expect(await names('sortBy=userName')).toEqual(['sort-a', 'sort-b', 'sort-c', 'sort-d']);
  expect(await names('sortBy=userName&sortOrder=descending')).toEqual(['sort-d', 'sort-c', 'sort-b', 'sort-a']);
  expect(await names('sortBy=name.familyName')).toEqual(['sort-b', 'sort-c', 'sort-a', 'sort-d']);
  expect(await names('sortBy=name.familyName&sortOrder=descending')).toEqual(['sort-d', 'sort-a', 'sort-c', 'sort-b']);
  for (const displayName of ['order b', 'order a']) await ask('POST', '/Groups', {}, { displayName });
  const groups = async (query: string) =>
    ((await ask('GET', `/Groups?${query}`)).json.Resources as { displayName: string }[])
      .map(({ displayName }) => displayName)
      .filter((name) => name.startsWith('order '));
  expect(await groups('sortBy=displayName')).toEqual(['order a', 'order b']);
  expect(await groups('sortBy=displayName&sortOrder=descending')).toEqual(['order b', 'order a']);
  for (const [kind, by] of [
    ...['userName', 'displayName', 'emails.value', 'externalId', 'id', 'name.givenName', 'meta.created'].map((by) => ['Users', by]),
    ...['externalId', 'id'].map((by) => ['Groups', by]),
  ])
    expect([by, (await ask('GET', `/${kind}?sortBy=${by}&startIndex=2&count=2`)).json.itemsPerPage]).toEqual([by, 2]);
  expect(await ask('GET', '/Users?sortBy=password')).toMatchObject({ status: 400, json: { scimType: 'invalidPath' } });
});
