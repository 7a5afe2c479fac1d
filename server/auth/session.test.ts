import { eq } from 'drizzle-orm';
import { encode } from 'next-auth/jwt';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { identityProviders, principals, signOns } from '../../db/schema/identity';
import { type TestStore, withStore } from '../testing';
import { type CookieClaims, cookieName, SESSION_MAX_AGE_S } from './cookie';
import { consoleSecret } from './secret';
import { sessionActor } from './session';

let db: TestStore;
let ana: string;
beforeAll(async () => {
  db = await withStore();
  ana = (await db.as('reviewer', { name: 'ana' })).actor.id;
  const settings = { type: 'saml' as const, name: 'corp', metadata: '', clockSkewMs: 0, principal: { claim: 'uid' } };
  await db.store.insert(identityProviders).values({ id: 'idp_corp', position: 0, name: 'corp', settings });
});
afterAll(() => db.close());

async function whoIs(claims: Partial<CookieClaims>, secret = consoleSecret(db.secretKey)): Promise<string | null> {
  const token = await encode({ token: { sub: ana, by: null, at: Date.now(), ...claims } as Record<string, unknown>, secret });
  return (
    (await sessionActor({ ...db, consoleUrl: 'http://127.0.0.1' }, { cookie: `${cookieName('http://127.0.0.1')}=${token}` }))?.name ?? null
  );
}

test('a cookie is believed for a working day, of this gateway, and as this version writes it', async () => {
  expect(await whoIs({})).toBe('ana');
  expect(await whoIs({ by: 'idp_corp' })).toBe('ana');
  expect(await whoIs({ at: Date.now() - SESSION_MAX_AGE_S * 1_000 - 1 })).toBeNull();
  expect(await whoIs({}, 'another secret')).toBeNull();
  expect(await whoIs({ sub: 'prn_nobody' })).toBeNull();
  expect(await whoIs({ at: undefined as never })).toBeNull();
  expect(await whoIs({ by: undefined as never })).toBeNull();
  expect(await whoIs({ signOn: 1 as never })).toBeNull();
});

test('being signed out everywhere ends it, and signing in again does not suffer from it', async () => {
  const at = Date.now();
  await db.store
    .update(principals)
    .set({ signedOutAt: new Date(at) })
    .where(eq(principals.id, ana));
  expect(await whoIs({ at: at - 1 })).toBeNull();
  expect(await whoIs({ at: at + 1 })).toBe('ana');
  await db.store.update(principals).set({ signedOutAt: null });
});

test('a provider that the policy drops takes its sessions with it, and no others', async () => {
  const at = Date.now();
  await db.store.delete(identityProviders);
  expect(await whoIs({ by: 'idp_corp', at })).toBeNull();
  expect(await whoIs({ at })).toBe('ana');
});

test('a sign-on that has ended, is another one’s or is not known takes its session with it', async () => {
  const settings = { type: 'saml' as const, name: 'corp', metadata: '', clockSkewMs: 0, principal: { claim: 'uid' } };
  await db.store.insert(identityProviders).values({ id: 'idp_corp', position: 0, name: 'corp', settings });
  const bo = (await db.as('member', { name: 'bo' })).actor.id;
  const kept = (id: string, principalId: string) => ({ id, principalId, providerId: 'idp_corp', nameId: { value: 'x' } });
  await db.store.insert(signOns).values([kept('sgn_ana', ana), { ...kept('sgn_over', ana), endedAt: new Date() }, kept('sgn_bo', bo)]);
  const by = (signOn: string) => whoIs({ by: 'idp_corp', signOn });
  expect([await by('sgn_ana'), await by('sgn_over'), await by('sgn_bo'), await by('sgn_none')]).toEqual(['ana', null, null, null]);
});

test('behind https the cookie has a name that no other host of the domain can set, and the plain name counts for nothing', async () => {
  const { actor } = await db.as('admin');
  const claims: CookieClaims = { sub: actor.id, by: null, signOn: null, at: Date.now() };
  const token = await encode({ token: { ...claims }, secret: consoleSecret(db.secretKey) });
  const asked = async (consoleUrl: string, name: string) =>
    (await sessionActor({ ...db, consoleUrl }, { cookie: `${name}=${token}` }))?.name ?? null;
  expect(await asked('https://gatehouse.example.com', '__Host-gatehouse.session')).toBe(actor.name);
  expect(await asked('https://gatehouse.example.com', 'gatehouse.session')).toBeNull();
  expect(await asked('http://127.0.0.1:3000', 'gatehouse.session')).toBe(actor.name);
});
