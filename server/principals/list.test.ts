import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { identities, identityProviders, principals, signInLinks, tokens } from '../../db/schema/identity';
import type { OidcProvider } from '../../db/schema/identityShapes';
import { localAccounts } from '../../db/schema/localAccounts';
import { passkeys } from '../../db/schema/passkeys';
import type { Call } from '../identity/actor';
import { type TestStore, withStore } from '../testing';
import { listPrincipals } from './list';
import { savePrincipal } from './save';

let db: TestStore;
let admin: Call;
let id: string;
beforeAll(async () => {
  db = await withStore();
  admin = await db.as('admin', { name: 'ada' });
  await savePrincipal(admin, { name: 'ana', kind: 'human' });
  await savePrincipal(admin, { name: 'bo', kind: 'human' });
  id = (await db.store.select().from(principals).where(eq(principals.name, 'ana')))[0]?.id ?? '';
  const settings: OidcProvider = {
    ...{ type: 'oidc', name: 'corp', issuer: 'https://idp.example', audiences: ['x'], algorithms: ['RS256'], clockSkewMs: 0 },
    principal: { claim: 'sub' },
  };
  await db.store.insert(identityProviders).values({ id: 'idp_corp', position: 0, name: 'corp', settings });
});
afterAll(() => db.close());

const seen = async (name: string) => (await listPrincipals(admin)).find((row) => row.name === name)?.lastSeenAt;
const at = (hour: number) => new Date(Date.UTC(2026, 10, 27, hour));

test('somebody was seen when they last signed in, by whichever way, and not before they did', async () => {
  expect(await seen('ana')).toBe(null);
  const { store } = db;
  const ways: ((when: Date) => Promise<unknown>)[] = [
    (when) => store.insert(signInLinks).values({ id: 'l', hash: 'l', principalId: id, expiresAt: when, usedAt: when }),
    (when) => store.insert(identities).values({ id: 'i', providerId: 'idp_corp', subject: 's', principalId: id, lastSeenAt: when }),
    (when) =>
      store.insert(passkeys).values({
        ...{ id: 'k', principalId: id, name: 'Laptop', credentialId: 'c', publicKey: 'p', counter: 0, transports: [], backedUp: false },
        lastUsedAt: when,
      }),
    (when) =>
      store.insert(localAccounts).values({
        ...{ id: 'a', principalId: id, passwordHash: 'h', totpSealed: 't', recoveryHashes: [], changedAt: at(0) },
        lastStep: when.getTime() / 30_000,
      }),
    (when) => store.insert(tokens).values({ id: 't', principalId: id, hash: 't', hint: 't', lastUsedAt: when }),
  ];
  for (const [hour, way] of ways.entries()) {
    await way(at(hour));
    expect(await seen('ana')).toEqual(at(hour));
  }
  expect(await seen('bo')).toBe(null);
});
