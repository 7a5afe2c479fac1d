import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../db/ids';
import { principals, tokens } from '../../db/schema/identity';
import type { TokenIdentity } from '../../db/schema/identityShapes';
import { policyState } from '../../db/schema/policy';
import { signIn } from '../../proxy/identity/signIn';
import type { Call } from '../identity/actor';
import { type TestStore, withStore } from '../testing';
import { createToken } from '../tokens/create';
import { savePrincipal } from './save';
import { signOutPrincipal } from './signOut';

let db: TestStore;
let admin: Call;
beforeAll(async () => {
  db = await withStore();
  admin = await db.as('admin', { name: 'ada' });
  await savePrincipal(admin, { name: 'ana', kind: 'human' });
  await savePrincipal(admin, { name: 'bot', kind: 'agent' });
});
afterAll(() => db.close());

const idOf = async (name: string) => (await db.store.select().from(principals).where(eq(principals.name, name)))[0]?.id ?? '';
const tokenOf = (principal: string) => createToken(admin, { principal, ttlMs: 3_600_000 });
const works = async (user: string, password: string) => (await signIn(db.store, { user, password, now: new Date() })) !== null;

test('ends access tokens of theirs and of agents that act for them, and no other; what is issued afterwards works', async () => {
  const [own, agents, other, key] = await Promise.all([tokenOf('ana'), tokenOf('bot'), tokenOf('bot'), tokenOf('ana')]);
  await db.store.update(tokens).set({ kind: 'api_key' }).where(eq(tokens.id, key.id));
  const identity: TokenIdentity = {
    ...{ providerId: 'idp_1', provider: 'corp', issuer: 'https://idp.example', subject: 's', actors: ['bot'], client: null, tokenId: null },
    issuedAt: null,
    personId: await idOf('ana'),
  };
  await db.store.update(tokens).set({ identity }).where(eq(tokens.id, agents.id));
  // An agent acts for its person then, and not for whoever owns it otherwise.
  expect((await signIn(db.store, { user: 'bot', password: agents.secret, now: new Date() }))?.principal.owner?.name).toBe('ana');
  const before = await db.store.select().from(policyState);
  const startedAt = new Date();

  expect(await signOutPrincipal(admin, { principal: 'ana' })).toEqual({ principal: 'ana', tokensRevoked: 2 });

  expect(await works('ana', own.secret)).toBe(false);
  expect(await works('bot', agents.secret)).toBe(false);
  expect(await works('bot', other.secret)).toBe(true);
  expect(await works('ana', key.secret)).toBe(true);
  expect(await works('ana', (await tokenOf('ana')).secret)).toBe(true);
  const [ana] = await db.store.select().from(principals).where(eq(principals.name, 'ana'));
  expect(ana?.signedOutAt?.getTime()).toBeGreaterThanOrEqual(startedAt.getTime() - 1_000);
  // Workers are told to look again.
  expect(await db.store.select().from(policyState)).not.toEqual(before);
});

test('an agent whose person is disabled signs in with no token of theirs', async () => {
  const token = await tokenOf('bot');
  const personId = newId('prn');
  await db.store.insert(principals).values({ id: personId, name: 'ben', kind: 'human' });
  await db.store
    .update(tokens)
    .set({ identity: { personId } as TokenIdentity })
    .where(eq(tokens.id, token.id));
  expect(await works('bot', token.secret)).toBe(true);
  await db.store.update(principals).set({ disabledAt: new Date() }).where(eq(principals.id, personId));
  expect(await works('bot', token.secret)).toBe(false);
});

test('nobody of that name', async () => {
  await expect(signOutPrincipal(admin, { principal: 'nobody' })).rejects.toThrow('nobody');
});
