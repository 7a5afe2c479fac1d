import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withPostgres } from '../../db/embedded/testing';
import { newId } from '../../db/ids';
import { migrateStore } from '../../db/migrate';
import { groups, identities, identityProviders, principalGroups, principals } from '../../db/schema/identity';
import type { OidcProvider } from '../../db/schema/identityShapes';
import { policyState } from '../../db/schema/policy';
import { openStore, type Store } from '../../db/store';
import type { Assertion } from './assertion';
import { loadPrincipal } from './principal';
import { resolveAssertion } from './resolve';

const now = new Date('2026-05-01T12:00:00Z');
const PROVIDER: OidcProvider & { id: string } = {
  id: 'idp_okta',
  type: 'oidc',
  name: 'okta',
  issuer: 'https://idp.example',
  audiences: ['gatehouse'],
  algorithms: ['RS256'],
  clockSkewMs: 0,
  principal: { claim: 'login', create: 'human' },
  groups: { claim: 'groups' },
  agents: { 'mcp-client': 'helper' },
};
const WORKLOADS = { ...PROVIDER, id: 'idp_ci', name: 'ci', principal: { claim: 'repository', names: { 'acme/ops': 'ops-ci' } } };
let store: Store;
let close: () => Promise<void>;
beforeAll(async () => {
  const database = await withPostgres();
  await migrateStore(database.url);
  const opened = openStore(database.url, { max: 6, applicationName: 'gatehouse test' });
  store = opened.store;
  close = async () => {
    await opened.close();
    await database.drop();
  };
  await store.insert(policyState).values({ id: 1, version: 1 }).onConflictDoNothing();
  for (const [position, { id, name, ...rest }] of [PROVIDER, WORKLOADS].entries())
    await store.insert(identityProviders).values({ id, name, position, settings: { ...rest, name } });
  await store.insert(groups).values(['dba', 'ops', 'support'].map((name) => ({ id: newId('grp'), name })));
  await store.insert(principals).values([
    { id: 'prn_helper', name: 'helper', kind: 'agent' },
    { id: 'prn_ci', name: 'ops-ci', kind: 'service' },
    { id: 'prn_boss', name: 'boss', kind: 'human', role: 'admin', email: 'boss@acme.example' },
  ]);
});
afterAll(() => close());

const said = (subject: string, claims: Record<string, unknown>, part: Partial<Assertion> = {}): Assertion => ({
  providerId: PROVIDER.id,
  provider: 'okta',
  issuer: PROVIDER.issuer,
  subject,
  claims,
  actors: [],
  client: null,
  tokenId: 'jti-1',
  issuedAt: now,
  expiresAt: null,
  ...part,
});
const resolve = (assertion: Assertion, provider: OidcProvider & { id: string } = PROVIDER) =>
  resolveAssertion(store, provider, assertion, now);
const accessVersion = async () => (await store.select().from(policyState))[0]?.accessVersion ?? -1;

describe('who a provider vouches for', () => {
  test('is made at the first sign-in, is the same by subject ever after, and takes nobody else’s name', async () => {
    const first = await resolve(said('s1', { login: 'ana', groups: ['dba'], email: 'ana@acme.example' }));
    expect(first.principal).toMatchObject({ name: 'ana', kind: 'human', role: 'member', groups: ['dba'], email: 'ana@acme.example' });
    expect(first.identity).toMatchObject({ provider: 'okta', subject: 's1', tokenId: 'jti-1', personId: null });
    expect((await resolve(said('s1', { login: 'renamed', groups: ['dba'] }))).principal.name).toBe('ana');
    await expect(resolve(said('s2', { login: 'ana' }))).rejects.toThrow(/another subject/);
    await expect(resolve(said('s3', { login: 'boss' }))).rejects.toThrow(/role admin/);
    await expect(resolve(said('s4', { login: 'helper' }))).rejects.toThrow(/another kind/);
    expect((await resolve(said('s5', { login: 'boss', email: 'boss@acme.example' }))).principal.role).toBe('admin');
  });

  test('one principal comes of many first sign-ins at once, and of two subjects one wins', async () => {
    const at = (subject: string) => resolve(said(subject, { login: 'zoe' })).then(({ principal }) => principal.id);
    expect(new Set(await Promise.all(Array.from({ length: 8 }, () => at('z1')))).size).toBe(1);
    const two = await Promise.allSettled(['y1', 'y2'].map((subject) => resolve(said(subject, { login: 'yann' }))));
    expect(two.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  test('groups follow the provider’s word, beside the administrator’s, and workers hear of it once', async () => {
    const { principal } = await resolve(said('g1', { login: 'gil', groups: ['dba', 'nowhere'] }));
    const [support] = await store.select().from(groups).where(eq(groups.name, 'support'));
    await store.insert(principalGroups).values({ principalId: principal.id, groupId: support?.id ?? '' });
    const before = await accessVersion();
    expect((await resolve(said('g1', { login: 'gil', groups: ['ops', 'dba'] }))).principal.groups).toEqual(['dba', 'ops', 'support']);
    expect(await accessVersion()).toBe(before + 1);
    await resolve(said('g1', { login: 'gil', groups: ['dba', 'ops'] }));
    expect(await accessVersion()).toBe(before + 1);
    expect((await resolve(said('g1', { login: 'gil' }))).principal.groups).toEqual(['support']);
    expect((await loadPrincipal(store, principal.id))?.groups).toEqual(['support']);
  });

  test('an agent acts for the person of the token', async () => {
    const { principal, person, identity } = await resolve(said('p1', { login: 'pia' }, { actors: ['mcp-client'], client: 'web' }));
    expect(principal).toMatchObject({ name: 'helper', kind: 'agent', owner: { name: 'pia' } });
    expect(person?.name).toBe('pia');
    expect(identity).toMatchObject({ subject: 'p1', actors: ['mcp-client'], client: 'web', personId: person?.id });
    await store
      .update(principals)
      .set({ disabledAt: now })
      .where(eq(principals.id, person?.id ?? ''));
    await expect(resolve(said('p1', { login: 'pia' }, { actors: ['mcp-client'] }))).rejects.toThrow(/disabled/);
  });

  test('many subjects may be one listed workload, and nothing is linked', async () => {
    for (const ref of ['main', 'dev'])
      expect((await resolve(said(`repo:acme/ops:${ref}`, { repository: 'acme/ops' }), WORKLOADS)).principal.name).toBe('ops-ci');
    await expect(resolve(said('repo:eve/ops', { repository: 'eve/ops' }), WORKLOADS)).rejects.toThrow(/not listed/);
    expect(await store.select().from(identities).where(eq(identities.providerId, WORKLOADS.id))).toEqual([]);
  });

  test('what was issued before somebody was signed out everywhere is not believed', async () => {
    const { principal } = await resolve(said('o1', { login: 'oli' }));
    await store.update(principals).set({ signedOutAt: now }).where(eq(principals.id, principal.id));
    await expect(resolve(said('o1', { login: 'oli' }))).rejects.toThrow(/signed out/);
    await expect(resolve(said('o1', { login: 'oli' }, { issuedAt: null }))).rejects.toThrow(/signed out/);
    await resolve(said('o1', { login: 'oli' }, { issuedAt: new Date(now.getTime() + 1_000) }));
  });

  test('whoever a provider made is found by the one that came after it, and by no other before', async () => {
    const made = await resolve(said('h1', { login: 'hal', groups: ['dba'] }));
    const next = { ...PROVIDER, id: 'idp_next', name: 'next' };
    await store.insert(identityProviders).values({ id: next.id, name: next.name, position: 9, settings: next });
    await expect(resolve(said('n-1', { login: 'hal' }), next)).rejects.toThrow(/another provider/);
    await store.update(principals).set({ managedBy: 'idp_left' }).where(eq(principals.id, made.principal.id));
    expect((await resolve(said('n-1', { login: 'hal' }), next)).principal.id).toBe(made.principal.id);
    expect((await store.select().from(principals).where(eq(principals.id, made.principal.id)))[0]?.managedBy).toBe('idp_next');
  });

  test('who may not be made is refused', async () => {
    const known = { ...PROVIDER, principal: { claim: 'login' } };
    await expect(resolve(said('n1', { login: 'nobody' }), known)).rejects.toThrow(/nobody here is called/);
  });
});
