import { desc, eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAuthority } from '../../db/embedded/testCertificates';
import { newId } from '../../db/ids';
import { actions, sessions } from '../../db/schema/audit';
import { groups } from '../../db/schema/identity';
import { connections, policyState } from '../../db/schema/policy';
import { open } from '../../db/secrets';
import { saveAccess } from '../access/save';
import { listConnections } from '../connections/list';
import { removeConnection } from '../connections/remove';
import { saveConnection } from '../connections/save';
import { testConnection } from '../connections/test';
import { saveMasking } from '../masking/save';
import { disablePrincipal, enablePrincipal } from '../principals/disable';
import { listPrincipals } from '../principals/list';
import { savePrincipal } from '../principals/save';
import { listRules } from '../rules/list';
import { moveRule } from '../rules/move';
import { removeRule } from '../rules/remove';
import { saveRule } from '../rules/save';
import { type TestStore, withStore } from '../testing';
import { createToken } from '../tokens/create';

const CANARY = 'canary-secret-9142';
let db: TestStore;
type Caller = Awaited<ReturnType<TestStore['as']>>;
let admin: Caller;

beforeAll(async () => {
  db = await withStore();
  admin = await db.as('admin', { name: 'root', groups: ['dba'] });
});
afterAll(() => db.close());

const version = async () => (await db.store.select().from(policyState))[0]?.version ?? 0;
const latest = async () => (await db.store.select().from(actions).orderBy(desc(actions.id)).limit(1))[0];
const rule = (name: string, more: object = {}) => ({ name, match: { statements: ['DELETE'] }, action: 'hold' as const, ...more });
const connection = { name: 'shop', host: '127.0.0.1', port: 5432, database: 'shop', username: 'app' };

describe('connections', () => {
  test('a password is sealed for its connection, kept when absent, removed when empty, and never shown', async () => {
    const { id } = await saveConnection(admin, { ...connection, password: CANARY });
    const stored = async () => (await db.store.select().from(connections).where(eq(connections.id, id)))[0];
    expect(open(db.secretKey, (await stored())?.passwordSealed ?? '', id)).toBe(CANARY);
    await saveConnection(admin, { ...connection, id, database: 'shop2' });
    expect(open(db.secretKey, (await stored())?.passwordSealed ?? '', id)).toBe(CANARY);
    const sealed = (await stored())?.passwordSealed ?? '';
    const shown = JSON.stringify([await listConnections(admin), await db.store.select().from(actions)]);
    expect(shown).not.toContain(CANARY);
    expect(shown).not.toContain(sealed);
    await saveConnection(admin, { ...connection, id, password: '' });
    expect((await stored())?.passwordSealed).toBeNull();
  });

  test('a stored password does not follow its connection to another host', async () => {
    const { id } = await saveConnection(admin, { ...connection, name: 'moving', password: CANARY });
    await expect(saveConnection(admin, { ...connection, name: 'moving', id, host: 'evil.example' })).rejects.toThrow('give it again');
    await saveConnection(admin, { ...connection, name: 'moving', id, host: 'new.example', password: 'other' });
    const verified = { ...connection, name: 'moving', id, host: 'new.example', tls: 'verify-full' };
    await saveConnection(admin, verified);
    for (const less of [{ tls: 'require' }, { tlsCa: createAuthority('theirs').certificate }])
      await expect(saveConnection(admin, { ...verified, ...less })).rejects.toThrow('password: give it again, because tls');
  });

  test('nor does a test carry it there, or a reference to where nobody named', async () => {
    const { hostname: host, port } = new URL(db.url);
    const draft = { ...connection, name: 'tested', host, port: Number(port), password: CANARY };
    const { id } = await saveConnection(admin, draft);
    const signIn = async (change: object) =>
      (await testConnection(admin, { ...draft, id, password: undefined, ...change })).stages.find(({ name }) => name === 'sign-in')?.detail;
    expect(await signIn({ tls: 'disable' })).toBe('the stored password is not kept: tls is less than prefer');
    expect(await signIn({ host: 'localhost' })).toBe('the stored password is not kept: host or port changed');
    expect(await signIn({ password: { env: 'GATEHOUSE_UPSTREAM_SHOP' } })).toContain(`may not be sent to ${host}:${port}`);
  });

  test('a reference takes the place of a password, is shown to administrators alone, and goes with session variables', async () => {
    const from = { vault: { path: 'secret/data/shop', field: 'password' } };
    const draft = { ...connection, name: 'referenced', password: CANARY };
    const { id } = await saveConnection(admin, draft);
    const row = async () => (await db.store.select().from(connections).where(eq(connections.id, id)))[0];
    await saveConnection(admin, { ...draft, id, password: from, session: { variables: { 'app.user': 'principal' } } });
    expect(await row()).toMatchObject({ passwordSealed: null, passwordFrom: from, session: { variables: { 'app.user': 'principal' } } });
    await saveConnection(admin, { ...draft, id, password: undefined });
    expect(await row()).toMatchObject({ passwordFrom: from, session: { variables: { 'app.user': 'principal' } } });
    const shown = async (call: Caller) => (await listConnections(call)).find((found) => found.id === id)?.passwordFrom;
    expect(await shown(admin)).toEqual(from);
    expect(await shown({ ...admin, actor: { ...admin.actor, role: 'auditor' } })).toBeNull();
    await expect(saveConnection(admin, { ...draft, id, password: undefined, opaque: 'allow' })).rejects.toThrow(
      'opaque: must be hold or deny',
    );
    await expect(saveConnection(admin, { ...draft, id, password: { env: 'PATH' } })).rejects.toThrow('GATEHOUSE_UPSTREAM_');
    await expect(saveConnection(admin, { ...draft, id, password: undefined, host: 'evil.example' })).rejects.toThrow('give it again');
    await saveConnection(admin, { ...draft, id });
    expect(await row()).toMatchObject({ passwordFrom: null });
  });

  test('what rules name is neither renamed nor removed', async () => {
    const { id } = await saveConnection(admin, { ...connection, name: 'named' });
    await saveRule(admin, rule('on-named', { connections: ['named'] }));
    await expect(removeConnection(admin, { id })).rejects.toThrow('named is named by rule on-named');
    await expect(saveConnection(admin, { ...connection, id, name: 'renamed' })).rejects.toThrow('change those first');
    expect((await listConnections(admin)).map((row) => row.name)).toContain('named');
  });

  test('a name is taken once', async () => {
    await expect(saveConnection(admin, connection)).rejects.toMatchObject({ code: 'CONFLICT', message: 'connection shop exists already' });
  });

  test('a member sees the connections their groups may use', async () => {
    await saveAccess(admin, { entries: [{ connections: ['shop'], groups: ['dba'] }] });
    expect((await listConnections(await db.as('member', { groups: ['dba'] }))).map((row) => row.name)).toEqual(['shop']);
    expect(await listConnections(await db.as('member'))).toEqual([]);
  });
});

describe('rules', () => {
  test('each change moves the version by one and is on record; what fails does neither', async () => {
    const before = await version();
    const { id } = await saveRule(admin, rule('r1'));
    expect(await version()).toBe(before + 1);
    expect(await latest()).toMatchObject({ action: 'rule.create', subject: 'r1', actorName: 'root' });
    const entries = (await db.store.select().from(actions)).length;
    await expect(saveRule(admin, rule('r2', { groups: ['ghosts'] }))).rejects.toThrow('unknown group ghosts');
    await expect(saveRule(admin, rule('r3', { match: { statements: ['DELET'] } }))).rejects.toThrow('not a command word');
    await expect(saveRule(admin, rule('r4', { match: {} }))).rejects.toThrow('would match every statement');
    expect(await version()).toBe(before + 1);
    expect((await db.store.select().from(actions)).length).toBe(entries);
    await removeRule(admin, { id });
    expect(await latest()).toMatchObject({ action: 'rule.remove', before: { name: 'r1' } });
  });

  test('a rule that holds has an approval even where none is given', async () => {
    await saveRule(admin, rule('held'));
    expect((await listRules(admin)).find((row) => row.name === 'held')?.approval).toEqual({ groups: [], count: 1, expiresInMs: 900_000 });
  });

  test('moving keeps every other in order', async () => {
    for (const name of ['a', 'b', 'c']) await saveRule(admin, rule(name));
    const names = async () => (await listRules(admin)).map((row) => row.name);
    const before = await names();
    const moving = (await listRules(admin)).find((row) => row.name === 'c');
    await moveRule(admin, { id: moving?.id, position: 0 });
    expect(await names()).toEqual(['c', ...before.filter((name) => name !== 'c')]);
  });

  test('concurrent edits do not lose a version', async () => {
    const before = await version();
    await Promise.all(Array.from({ length: 10 }, (_, index) => saveRule(admin, rule(`p${index}`))));
    expect(await version()).toBe(before + 10);
    const positions = (await listRules(admin)).map((row) => row.position);
    expect(new Set(positions).size).toBe(positions.length);
  });
});

describe('masking', () => {
  test('needs columns or detectors, and a mask with its options', async () => {
    await expect(saveMasking(admin, { name: 'm', mask: { type: 'redact' } })).rejects.toThrow('name at least one column');
    await expect(saveMasking(admin, { name: 'm', columns: ['a.b.c'], mask: { type: 'number' } })).rejects.toThrow(
      'exactly one of round and bucket',
    );
    await saveMasking(admin, { name: 'm', columns: ['a.b.c'], mask: { type: 'number', round: 10, bucket: undefined } });
  });
});

describe('principals', () => {
  test('groups are made as they are named; an owner is a person; a name is for life', async () => {
    const { id } = await savePrincipal(admin, { name: 'bot', kind: 'agent', owner: 'root', groups: ['fresh'] });
    expect((await listPrincipals(admin)).find((row) => row.id === id)).toMatchObject({ owner: 'root', groups: ['fresh'] });
    expect(await db.store.select().from(groups).where(eq(groups.name, 'fresh'))).toHaveLength(1);
    await expect(savePrincipal(admin, { name: 'bot2', kind: 'agent', owner: 'bot' })).rejects.toThrow('not a person');
    await expect(savePrincipal(admin, { id, name: 'other', kind: 'agent' })).rejects.toThrow('keeps its name');
  });

  test('disabling ends sessions and bars new tokens, and is undone', async () => {
    const { id } = await savePrincipal(admin, { name: 'leaving', kind: 'service' });
    const sessionId = newId('ses');
    await db.store.insert(sessions).values({
      id: sessionId,
      gatewayId: 'g',
      workerId: 'w',
      principalId: id,
      principalName: 'leaving',
      connectionName: 'shop',
      clientAddress: 'x',
    });
    await disablePrincipal(admin, { id });
    expect((await db.store.select().from(sessions).where(eq(sessions.id, sessionId)))[0]?.killRequestedAt).not.toBeNull();
    await expect(createToken(admin, { principal: 'leaving', ttlMs: 60_000 })).rejects.toThrow('is disabled');
    await enablePrincipal(admin, { id });
    await createToken(admin, { principal: 'leaving', ttlMs: 60_000 });
  });

  test('limits are kept when they are not spoken of, and removed when they are empty', async () => {
    const draft = { name: 'limited', kind: 'agent' };
    const { id } = await savePrincipal(admin, { ...draft, limits: { maxSessions: 3 } });
    const limits = async () => (await listPrincipals(admin)).find((one) => one.id === id)?.limits;
    await savePrincipal(admin, { ...draft, id });
    expect(await limits()).toEqual({ maxSessions: 3 });
    await savePrincipal(admin, { ...draft, id, limits: {} });
    expect(await limits()).toEqual({});
    await expect(savePrincipal(admin, { ...draft, id, limits: { maxSessions: -1 } })).rejects.toThrow('limits.maxSessions');
  });

  test('the last administrator is neither disabled nor demoted', async () => {
    await expect(disablePrincipal(admin, { id: admin.actor.id })).rejects.toThrow('nobody who can administer');
    await expect(savePrincipal(admin, { id: admin.actor.id, name: 'root', kind: 'human', role: 'member' })).rejects.toThrow(
      'nobody who can administer',
    );
  });

  test('a token’s secret is in no list and no record', async () => {
    const { secret } = await createToken(admin, { principal: 'root', ttlMs: 60_000 });
    const shown = JSON.stringify([await db.store.select().from(actions), await listPrincipals(admin)]);
    expect(shown).not.toContain(secret);
  });
});
