import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { actions } from '../../db/schema/audit';
import { identityProviders, principals, tokens } from '../../db/schema/identity';
import { policyState } from '../../db/schema/policy';
import { signIn } from '../../proxy/identity/signIn';
import { principalOfToken } from '../auth/bearer';
import type { Call } from '../identity/actor';
import { type TestStore, withStore } from '../testing';
import { createToken } from './create';
import { listTokens } from './list';
import { rotateToken } from './rotate';

let store: TestStore;
let admin: Call;
beforeAll(async () => {
  store = await withStore();
  admin = await store.as('admin', { name: 'ada' });
  await store.store.insert(principals).values([
    { id: 'prn_ci', name: 'ci', kind: 'service' },
    { id: 'prn_ana', name: 'ana', kind: 'human' },
  ]);
});
afterAll(() => store.close());

const HOUR = 3_600_000;
const opens = (user: string, password: string, at = new Date()) =>
  signIn(store.store, { user, password, now: at }).then((it) => it !== null);

describe('API keys', () => {
  test('are for services and agents, may live until they are revoked, and sign in like tokens', async () => {
    const key = await createToken(admin, { principal: 'ci', kind: 'api_key', ttlMs: null, label: 'nightly' });
    expect(key.secret).toMatch(/^gh_ak_/);
    expect(await opens('ci', key.secret, new Date(Date.now() + 10 * 365 * 86_400_000))).toBe(true);
    expect((await principalOfToken(store.store, key.secret))?.name).toBe('ci');
    expect((await listTokens(admin, { principalId: 'prn_ci' }))[0]).toMatchObject({ kind: 'api_key', label: 'nightly', expiresAt: null });
    await expect(createToken(admin, { principal: 'ana', kind: 'api_key', ttlMs: null })).rejects.toThrow(/kind/);
    await expect(createToken(admin, { principal: 'ana', ttlMs: null })).rejects.toThrow(/expires/);
  });

  test('one for some connections opens neither console nor API, and names only connections that are there', async () => {
    await expect(createToken(admin, { principal: 'ci', ttlMs: HOUR, connections: ['nowhere'] })).rejects.toThrow(/nowhere/);
    await expect(createToken(admin, { principal: 'ci', ttlMs: HOUR, connections: [] })).rejects.toThrow(/at least one/);
    const token = await createToken(admin, { principal: 'ci', ttlMs: HOUR });
    await store.store
      .update(tokens)
      .set({ connections: ['shop'] })
      .where(eq(tokens.id, token.id));
    expect(await principalOfToken(store.store, token.secret)).toBeNull();
    expect((await signIn(store.store, { user: 'ci', password: token.secret, now: new Date() }))?.credential).toMatchObject({
      connections: ['shop'],
    });
  });
});

test('a token made from an identity opens the API while its provider is in the policy and its person is not disabled', async () => {
  const settings = {
    type: 'oidc',
    name: 'corp',
    issuer: 'https://corp',
    audiences: ['a'],
    algorithms: [],
    clockSkewMs: 0,
    principal: { claim: 'sub' },
  };
  await store.store.insert(identityProviders).values({ id: 'idp_1', position: 0, name: 'corp', settings: settings as never });
  const { id, secret } = await createToken(admin, { principal: 'ci', ttlMs: HOUR });
  const identity = {
    providerId: 'idp_1',
    provider: 'corp',
    issuer: 'https://corp',
    subject: 's',
    actors: ['bot'],
    client: null,
    tokenId: null,
    issuedAt: null,
    personId: 'prn_ana',
  };
  const found = async () => (await principalOfToken(store.store, secret))?.name ?? null;
  await store.store.update(tokens).set({ identity }).where(eq(tokens.id, id));
  expect(await found()).toBe('ci');
  await store.store.update(principals).set({ disabledAt: new Date() }).where(eq(principals.id, 'prn_ana'));
  expect(await found()).toBeNull();
  await store.store.update(principals).set({ disabledAt: null }).where(eq(principals.id, 'prn_ana'));
  expect(await found()).toBe('ci');
  await store.store.update(identityProviders).set({ settings: { ...settings, issuer: 'https://other' } as never });
  expect(await found()).toBeNull();
  await store.store.delete(identityProviders);
  expect(await found()).toBeNull();
});

describe('rotation', () => {
  test('both work for the overlap, then the new one alone, with all that the old one had', async () => {
    const old = await createToken(admin, { principal: 'ci', kind: 'api_key', ttlMs: 90 * 24 * HOUR, label: 'etl' });
    const made = await rotateToken(admin, { id: old.id, overlapMs: HOUR });
    expect(made.secret).not.toBe(old.secret);
    const later = new Date(Date.now() + HOUR + 1_000);
    expect([await opens('ci', old.secret), await opens('ci', made.secret)]).toEqual([true, true]);
    expect([await opens('ci', old.secret, later), await opens('ci', made.secret, later)]).toEqual([false, true]);
    const row = (await listTokens(admin, { principalId: 'prn_ci' })).find(({ id }) => id === made.id);
    expect(row).toMatchObject({ kind: 'api_key', label: 'etl' });
    expect((row?.expiresAt?.getTime() ?? 0) - Date.now()).toBeGreaterThan(89.9 * 24 * HOUR);
  });

  test('without overlap the old one ends at once; what has ended cannot be rotated; an overlap never lengthens a life', async () => {
    const old = await createToken(admin, { principal: 'ci', ttlMs: HOUR });
    await rotateToken(admin, { id: old.id, overlapMs: 0 });
    expect(await opens('ci', old.secret)).toBe(false);
    await expect(rotateToken(admin, { id: old.id })).rejects.toThrow(/does not work any more/);
    const short = await createToken(admin, { principal: 'ci', ttlMs: 60_000 });
    const made = await rotateToken(admin, { id: short.id, overlapMs: 24 * HOUR });
    expect(made.oldWorksUntil.getTime()).toBeLessThanOrEqual(Date.now() + 60_000);
  });

  test('names the successor, replaces once, and leaves the version that approvals are bound to', async () => {
    const versions = async () => (await store.store.select().from(policyState))[0];
    const old = await createToken(admin, { principal: 'ci', ttlMs: HOUR });
    await rotateToken(admin, { id: (await createToken(admin, { principal: 'ci', ttlMs: HOUR })).id });
    const before = await versions();
    const both = await Promise.allSettled([rotateToken(admin, { id: old.id }), rotateToken(admin, { id: old.id })]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const rows = await listTokens(admin, { principalId: 'prn_ci' });
    const made = rows.find(({ replaces }) => replaces === old.id);
    expect(rows.find(({ id }) => id === old.id)).toMatchObject({ replaces: null, replacedBy: made?.id });
    const after = await versions();
    expect(after?.version).toBe(before?.version);
    expect(after?.accessVersion).toBe((before?.accessVersion ?? 0) + 1);
  });

  test('is recorded without a secret', async () => {
    const old = await createToken(admin, { principal: 'ci', kind: 'api_key', ttlMs: null });
    const made = await rotateToken(admin, { id: old.id });
    const rows = JSON.stringify(await store.store.select().from(actions));
    expect(rows).toContain('token.rotate');
    for (const { secret } of [old, made]) expect(rows).not.toContain(secret);
  });
});
