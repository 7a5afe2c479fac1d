import { and, desc, eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { actions, sessions } from '../../db/schema/audit';
import { groups, identities, identityProviders, principalGroups, principals } from '../../db/schema/identity';
import { localAccounts } from '../../db/schema/localAccounts';
import { passkeys } from '../../db/schema/passkeys';
import { loadPrincipal } from '../../proxy/identity/principal';
import { type HttpServer, listenHttp } from '../http';
import type { Call } from '../identity/actor';
import { applyDocument } from '../policy/apply';
import { exportDocument } from '../policy/export';
import { type TestStore, withStore } from '../testing';
import { createToken } from '../tokens/create';
import { createScimHandler } from './handler';

let db: TestStore;
let http: HttpServer;
let admin: Call;
let token: string;
beforeAll(async () => {
  db = await withStore();
  http = await listenHttp({ host: '127.0.0.1', port: 0 });
  http.routes.scim = createScimHandler({ store: db.store, secretKey: db.secretKey, consoleUrl: 'https://gatehouse.example' });
  admin = await db.as('admin', { name: 'ada' });
  await applyDocument(admin, { yaml: DOCUMENT, env: {} });
  token = await tokenOf('okta-scim');
});
afterAll(async () => {
  await http.close();
  await db.close();
});

const DOCUMENT = `version: 1
groups: [dba]
principals:
  - { name: ada, kind: human, role: admin }
  - { name: rex, kind: human, role: reviewer, email: rex@acme.example }
  - { name: okta-scim, kind: service, role: admin }
  - { name: ci, kind: service }
`;
const tokenOf = async (principal: string) => (await createToken(admin, { principal, ttlMs: 3_600_000 })).secret;

async function ask(method: string, path: string, body?: unknown, bearer: string | null = token) {
  const answer = await fetch(`http://127.0.0.1:${http.port}/scim/v2${path}`, {
    method,
    headers: { 'content-type': 'application/scim+json', ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }) },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    type: answer.headers.get('content-type'),
    location: answer.headers.get('location'),
    json: text === '' ? null : JSON.parse(text),
  };
}
const patch = (...Operations: object[]) => ({ schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations });
const make = async (userName: string, more: object = {}) =>
  (await ask('POST', '/Users', { userName, active: true, ...more })).json.id as string;
const groupsOf = async (id: string) => (await loadPrincipal(db.store, id))?.groups;
const lastAction = async (subject: string) =>
  (await db.store.select().from(actions).where(eq(actions.subject, subject)).orderBy(desc(actions.id)).limit(1))[0];

describe('who may ask', () => {
  test.each<[string, () => Promise<string | null>, number]>([
    ['nobody', async () => null, 401],
    ['a token that nobody has', async () => 'gh_at_wrong', 401],
    ['a person who administers', async () => tokenOf('ada'), 403],
    ['a service that does not', async () => tokenOf('ci'), 403],
    ['the directory', async () => token, 200],
  ])('%s', async (_name, bearer, status) => {
    for (const path of ['/Users', '/Groups', '/Users/prn_x', '/ServiceProviderConfig']) {
      const answer = await ask('GET', path, undefined, await bearer());
      if (status === 200 && path.includes('prn_x')) expect(answer.status).toBe(404);
      else expect(answer.status).toBe(status);
      expect(answer.type).toBe('application/scim+json; charset=utf-8');
    }
  });
});

describe('users', () => {
  test('are made, found, read, changed, listed in pages', async () => {
    const made = await ask('POST', '/Users', {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
      userName: 'ana@acme.example',
      externalId: '00u1',
      name: { givenName: 'Ana', familyName: 'Lima' },
      emails: [{ value: 'ana@acme.example', primary: true, type: 'work' }],
      active: true,
    });
    expect(made).toMatchObject({
      status: 201,
      json: { userName: 'ana@acme.example', externalId: '00u1', active: true, name: { givenName: 'Ana' } },
    });
    expect(made.location).toBe(`https://gatehouse.example/scim/v2/Users/${made.json.id}`);
    const [row] = await db.store.select().from(principals).where(eq(principals.id, made.json.id));
    expect(row).toMatchObject({ kind: 'human', role: 'member', managedBy: 'scim', email: 'ana@acme.example', disabledAt: null });
    for (const filter of ['userName eq "ANA@acme.example"', 'externalId eq "00u1"', 'emails.value eq "ana@acme.example"'])
      expect((await ask('GET', `/Users?filter=${encodeURIComponent(filter)}`)).json).toMatchObject({
        totalResults: 1,
        Resources: [{ id: made.json.id }],
      });
    expect((await ask('GET', `/Users?filter=${encodeURIComponent('userName eq "ana"')}`)).json).toMatchObject({
      totalResults: 0,
      Resources: [],
    });
    expect((await ask('POST', '/Users', { userName: 'ANA@acme.example' })).json).toMatchObject({ status: '409', scimType: 'uniqueness' });
    const whole = await ask('PUT', `/Users/${made.json.id}`, { userName: 'ana@acme.example', displayName: 'Ana L.', active: true });
    expect(whole.json).toMatchObject({ displayName: 'Ana L.', active: true });
    expect(whole.json).not.toHaveProperty('externalId');
    const page = (await ask('GET', '/Users?startIndex=2&count=1')).json;
    expect(page).toMatchObject({ totalResults: 3, startIndex: 2, itemsPerPage: 1, Resources: [{ userName: 'rex' }] });
    expect((await ask('PATCH', `/Users/${made.json.id}`, patch({ op: 'replace', path: 'userName', value: 'bob' }))).json).toMatchObject({
      scimType: 'mutability',
    });
  });

  test.each<[string, unknown]>([
    ['no name', { active: true }],
    ['a name that nobody can type after user=', { userName: 'ana lima' }],
    ['no JSON', '{'],
    ['a character that cannot be stored', '{"userName":"a\\u0000"}'],
  ])('%s is refused in the shape that clients read', async (_name, body) => {
    const { status, json } = await ask('POST', '/Users', body);
    expect(status).toBe(400);
    expect(json).toMatchObject({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
      status: '400',
      detail: expect.stringMatching(/./),
    });
  });

  test('agents and services are no users', async () => {
    const [ci] = await db.store.select().from(principals).where(eq(principals.name, 'ci'));
    expect((await ask('GET', `/Users/${ci?.id}`)).status).toBe(404);
    expect((await ask('PATCH', `/Users/${ci?.id}`, patch({ op: 'replace', path: 'active', value: false }))).status).toBe(404);
  });

  test.each<[string, object]>([
    ['Okta', patch({ op: 'replace', value: { active: false } })],
    ['Entra', patch({ op: 'Replace', path: 'active', value: 'False' })],
  ])('deactivated by %s, a person is out: sessions, tokens and cookies; and back when it says so', async (name, body) => {
    const id = await make(`leaver-${name}`);
    const secret = await tokenOf(`leaver-${name}`);
    await db.store.insert(sessions).values(sessionOf(id, name));
    const before = new Date();
    expect((await ask('PATCH', `/Users/${id}`, body)).json).toMatchObject({ active: false });
    expect(await loadPrincipal(db.store, id)).toBeNull();
    const [session] = await db.store
      .select()
      .from(sessions)
      .where(eq(sessions.id, `ses_${name}`));
    expect(session?.killRequestedAt).not.toBeNull();
    const [row] = await db.store.select().from(principals).where(eq(principals.id, id));
    expect(row?.signedOutAt?.getTime()).toBeGreaterThanOrEqual(before.getTime() - 1_000);
    expect(await lastAction(`leaver-${name}`)).toMatchObject({
      action: 'principal.disable',
      actorName: 'okta-scim',
      after: { by: 'scim', sessionsEnded: 1 },
    });
    expect((await ask('GET', '/Users', undefined, secret)).status).toBe(401);
    expect((await ask('PATCH', `/Users/${id}`, patch({ op: 'replace', path: 'active', value: true }))).json).toMatchObject({
      active: true,
    });
    expect(await loadPrincipal(db.store, id)).not.toBeNull();
  });

  test('whoever the policy names and SCIM deactivates stays out, whatever the document says, and the document goes round', async () => {
    const [rex] = await db.store.select().from(principals).where(eq(principals.name, 'rex'));
    const id = rex?.id ?? '';
    await ask(
      'PATCH',
      `/Users/${id}`,
      patch({ op: 'replace', path: 'active', value: false }, { op: 'replace', path: 'emails', value: [{ value: 'other@x.example' }] }),
    );
    const changed = await applyDocument(admin, { yaml: DOCUMENT.replace('role: reviewer', 'role: auditor'), env: {} });
    expect(changed.warnings.join()).toContain('rex was deactivated by SCIM');
    expect(await loadPrincipal(db.store, id)).toBeNull();
    const { yaml } = await exportDocument(admin);
    expect(yaml).toContain('rex@acme.example');
    expect((await applyDocument(admin, { yaml, env: {} })).changes.filter(({ change }) => change !== 'none')).toEqual([]);
    await ask('PATCH', `/Users/${id}`, patch({ op: 'replace', path: 'active', value: true }));
    expect(await loadPrincipal(db.store, id)).toMatchObject({ role: 'auditor', email: 'rex@acme.example' });
  });

  test('the last administrator is not taken away', async () => {
    const [ada] = await db.store.select().from(principals).where(eq(principals.name, 'ada'));
    expect((await ask('DELETE', `/Users/${ada?.id}`)).status).toBe(409);
    expect(await loadPrincipal(db.store, ada?.id ?? '')).not.toBeNull();
  });

  test('deleted, they are gone for SCIM; whoever gets the name gets nothing of theirs', async () => {
    const id = await make('uma', { externalId: 'old' });
    const secret = await tokenOf('uma');
    const settings = { type: 'saml' as const, name: 'corp', metadata: '', clockSkewMs: 0, principal: { claim: 'uid' } };
    await db.store.insert(identityProviders).values({ id: 'idp_corp', position: 0, name: 'corp', settings });
    await db.store.insert(identities).values({ id: 'idn_uma', providerId: 'idp_corp', subject: 's', principalId: id });
    const account = { passwordHash: '', totpSealed: '', lastStep: 0, recoveryHashes: [], changedAt: new Date() };
    await db.store.insert(localAccounts).values({ id: 'lac_uma', principalId: id, ...account });
    const passkey = { credentialId: 'c', publicKey: 'k', counter: 0, transports: [], name: 'Phone', backedUp: false };
    await db.store.insert(passkeys).values({ id: 'psk_uma', principalId: id, ...passkey });
    const group = (await ask('POST', '/Groups', { displayName: 'Leavers', members: [{ value: id }] })).json.id;
    expect((await ask('DELETE', `/Users/${id}`)).status).toBe(204);
    expect((await ask('GET', `/Users/${id}`)).status).toBe(404);
    expect((await ask('DELETE', `/Users/${id}`)).status).toBe(404);
    expect((await ask('GET', `/Groups/${group}`)).json.members).toEqual([]);
    const again = await ask('POST', '/Users', { userName: 'uma', externalId: 'new' });
    expect(again).toMatchObject({ status: 201, json: { id, externalId: 'new', active: true, groups: [] } });
    expect(await db.store.select().from(identities)).toEqual([]);
    expect(await db.store.select().from(localAccounts)).toEqual([]);
    expect(await db.store.select().from(passkeys)).toEqual([]);
    expect((await ask('GET', '/Users', undefined, secret)).status).toBe(401);
  });
});

describe('groups', () => {
  test('fill those that rules speak of, and are changed by each dialect', async () => {
    const [ana, bo] = [await make('g-ana'), await make('g-bo')];
    const [dba] = await db.store.select().from(groups).where(eq(groups.name, 'dba'));
    expect((await ask('GET', `/Groups?filter=${encodeURIComponent('displayName eq "DBA"')}`)).json.Resources).toMatchObject([
      { id: dba?.id },
    ]);
    const made = await ask('POST', '/Groups', { displayName: 'dba', externalId: 'g1', members: [{ value: ana }] });
    expect(made).toMatchObject({ status: 201, json: { id: dba?.id, members: [{ value: ana, display: 'g-ana' }] } });
    expect(await groupsOf(ana)).toEqual(['dba']);
    const at = `/Groups/${dba?.id}`;
    const members = async () => ((await ask('GET', at)).json.members as { display: string }[]).map(({ display }) => display);
    await ask('PATCH', at, patch({ op: 'Add', path: 'members', value: [{ value: bo }] }));
    expect(await members()).toEqual(['g-ana', 'g-bo']);
    expect((await ask('GET', `/Users/${bo}`)).json.groups).toMatchObject([{ value: dba?.id, display: 'dba' }]);
    await ask('PATCH', at, patch({ op: 'remove', path: `members[value eq "${ana}"]` }));
    expect(await members()).toEqual(['g-bo']);
    await ask('PATCH', at, patch({ op: 'Remove', path: 'members', value: [{ value: bo }] }));
    expect(await members()).toEqual([]);
    await ask('PATCH', at, patch({ op: 'replace', path: 'members', value: [{ value: ana }, { value: bo }] }));
    expect(await groupsOf(bo)).toEqual(['dba']);
    expect((await ask('GET', `${at}?excludedAttributes=members`)).json).not.toHaveProperty('members');
    await ask('PATCH', at, patch({ op: 'replace', value: { id: dba?.id, displayName: 'Database people' } }));
    expect((await ask('GET', at)).json).toMatchObject({ displayName: 'Database people', externalId: 'g1' });
    expect(await groupsOf(bo)).toEqual(['dba']);
    expect(await lastAction('dba')).toMatchObject({
      action: 'group.members',
      after: { by: 'scim', added: ['g-ana', 'g-bo'], removed: [] },
    });
    expect((await ask('POST', '/Groups', { displayName: 'dba' })).status).toBe(409);
  });

  test('what an administrator says of a group stays, and is not SCIM’s to take', async () => {
    const [ana] = await db.store.select().from(principals).where(eq(principals.name, 'g-ana'));
    const [dba] = await db.store.select().from(groups).where(eq(groups.name, 'dba'));
    await db.store.insert(principalGroups).values({ principalId: ana?.id ?? '', groupId: dba?.id ?? '', source: '' });
    await ask('PATCH', `/Groups/${dba?.id}`, patch({ op: 'remove', path: 'members' }));
    expect(await groupsOf(ana?.id ?? '')).toEqual(['dba']);
    await db.store.delete(principalGroups).where(and(eq(principalGroups.source, ''), eq(principalGroups.principalId, ana?.id ?? '')));
  });

  test('one that SCIM made outlives documents that do not name it; deleted, it is gone for SCIM', async () => {
    const id = await make('h-ana');
    const group = (await ask('POST', '/Groups', { displayName: 'Platform Team', members: [{ value: id }] })).json.id;
    await applyDocument(admin, { yaml: DOCUMENT, env: {} });
    expect(await groupsOf(id)).toEqual(['Platform-Team']);
    expect((await ask('DELETE', `/Groups/${group}`)).status).toBe(204);
    expect((await ask('GET', `/Groups/${group}`)).status).toBe(404);
    expect(await groupsOf(id)).toEqual([]);
    expect((await ask('POST', '/Groups', { displayName: 'Platform Team' })).json).toMatchObject({ id: group, members: [] });
  });

  test('members are users, or nothing changes', async () => {
    const [ci] = await db.store.select().from(principals).where(eq(principals.name, 'ci'));
    const id = await make('i-ana');
    const group = (await ask('POST', '/Groups', { displayName: 'Mixed', members: [] })).json.id;
    for (const value of [ci?.id ?? '', 'prn_nobody']) {
      const answer = await ask('PATCH', `/Groups/${group}`, patch({ op: 'add', path: 'members', value: [{ value: id }, { value }] }));
      expect(answer.json).toMatchObject({ status: '400', scimType: 'invalidValue' });
    }
    expect((await ask('GET', `/Groups/${group}`)).json.members).toEqual([]);
  });
});

test('it says what it can do', async () => {
  expect((await ask('GET', '/ServiceProviderConfig')).json).toMatchObject({
    patch: { supported: true },
    bulk: { supported: false },
    filter: { maxResults: 200 },
  });
  expect((await ask('GET', '/ResourceTypes')).json.Resources.map(({ endpoint }: { endpoint: string }) => endpoint)).toEqual([
    '/Users',
    '/Groups',
  ]);
  expect((await ask('GET', '/Schemas/urn:ietf:params:scim:schemas:core:2.0:Group')).json.attributes).toHaveLength(2);
  expect((await ask('GET', '/Schemas/nothing')).status).toBe(404);
  expect((await ask('GET', '/Bulk')).status).toBe(404);
  expect((await ask('PUT', '/Users')).status).toBe(405);
});

const sessionOf = (principalId: string, name: string) => ({
  id: `ses_${name}`,
  gatewayId: 'gw',
  workerId: 'w1',
  clientAddress: '127.0.0.1',
  principalId,
  principalName: `leaver-${name}`,
  connectionName: 'shop',
});
