import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withPostgres } from '../../db/embedded/testing';
import { newId } from '../../db/ids';
import { migrateStore } from '../../db/migrate';
import { principals, tokens } from '../../db/schema/identity';
import { hashSecret, newSecret } from '../../db/secrets';
import { openStore, type Store } from '../../db/store';
import { deriveKeys } from '../scram/keys';
import { readCredentials } from './credentials';
import { addMissingVerifier, signIn, signInProven } from './signIn';
import { makeVerifier, mockKey } from './verifier';

const now = new Date();
const key = mockKey(Buffer.alloc(32, 1));
let store: Store;
let close: () => Promise<void>;
beforeAll(async () => {
  const database = await withPostgres();
  await migrateStore(database.url);
  const opened = openStore(database.url, { max: 4, applicationName: 'gatehouse test' });
  store = opened.store;
  close = async () => {
    await opened.close();
    await database.drop();
  };
});
afterAll(() => close());

async function makePrincipal(name: string): Promise<{ id: string; salt: string }> {
  const id = newId('prn');
  const [row] = await store.insert(principals).values({ id, name, kind: 'agent' }).returning({ salt: principals.scramSalt });
  return { id, salt: row?.salt ?? '' };
}

async function makeToken(
  principal: { id: string; salt: string },
  options: { verifier?: boolean; expiresAt?: Date; revokedAt?: Date } = {},
) {
  const { verifier = true, ...times } = options;
  const secret = newSecret('gh_at');
  const id = newId('tok');
  const scram = verifier ? await makeVerifier(secret, principal.salt) : null;
  await store.insert(tokens).values({ id, principalId: principal.id, hash: hashSecret(secret), hint: secret.slice(-4), scram, ...times });
  return { id, secret };
}

const read = (user: string, mock = key) => readCredentials(store, { user, mockKey: mock, now });

describe('credentials', () => {
  test('hold every live token that can be proved, and no other', async () => {
    const principal = await makePrincipal('one');
    const live = [await makeToken(principal), await makeToken(principal)];
    await makeToken(principal, { revokedAt: now });
    await makeToken(principal, { expiresAt: new Date(now.getTime() - 1_000) });
    await makeToken(principal, { verifier: false });
    const { salt, iterations, candidates, onlyInClear } = await read('one');
    expect(salt.toString('base64')).toBe(principal.salt);
    expect(iterations).toBe(4_096);
    expect(candidates.map(({ tokenId }) => tokenId).sort()).toEqual(live.map(({ id }) => id).sort());
    expect(onlyInClear).toBe(false);
    const { storedKey } = await deriveKeys(live[0]?.secret ?? '', salt, iterations);
    expect(candidates.find(({ tokenId }) => tokenId === live[0]?.id)?.storedKey).toEqual(storedKey);
  });

  test('trap-13-mock-exchange: of a name nobody has look like those of one that somebody has', async () => {
    await makePrincipal('without-tokens');
    const mocked = await read('nobody');
    const real = await read('without-tokens');
    for (const one of [mocked, real]) {
      expect(one).toMatchObject({ iterations: 4_096, onlyInClear: false, candidates: [{ tokenId: null }] });
      expect(one.salt).toHaveLength(16);
    }
    expect((await read('nobody')).salt).toEqual(mocked.salt);
    expect((await read('nobody else')).salt).not.toEqual(mocked.salt);
    expect((await read('nobody', mockKey(Buffer.alloc(32, 2)))).salt).not.toEqual(mocked.salt);
    // Stored salts have no bits that are always the same, as those of a UUID would be.
    const salts = await Promise.all(Array.from({ length: 64 }, (_, i) => makePrincipal(`salted-${i}`)));
    const bytes = salts.map(({ salt }) => Buffer.from(salt, 'base64'));
    for (let bit = 0; bit < 128; bit++) {
      const ones = bytes.filter((salt) => ((salt[bit >> 3] ?? 0) >> (bit & 7)) & 1).length;
      expect(ones).toBeGreaterThan(0);
      expect(ones).toBeLessThan(64);
    }
  });

  test('of a disabled principal prove nothing', async () => {
    const principal = await makePrincipal('disabled');
    const { id, secret } = await makeToken(principal);
    await store.update(principals).set({ disabledAt: now }).where(eq(principals.id, principal.id));
    expect((await read('disabled')).candidates).toMatchObject([{ tokenId: null }]);
    expect(await signIn(store, { user: 'disabled', password: secret, now })).toBeNull();
    expect(await signInProven(store, { user: 'disabled', tokenId: id, now })).toBeNull();
  });
});

describe('signing in', () => {
  test('with a proven token, until it is revoked, and as nobody else', async () => {
    const { id } = await makeToken(await makePrincipal('proven'));
    expect(await signInProven(store, { user: 'proven', tokenId: id, now })).toMatchObject({
      credential: { kind: 'token', tokenId: id, connections: null, provable: true },
    });
    expect(await signInProven(store, { user: 'one', tokenId: id, now })).toBeNull();
    await store.update(tokens).set({ revokedAt: now }).where(eq(tokens.id, id));
    expect(await signInProven(store, { user: 'proven', tokenId: id, now })).toBeNull();
  });

  test('a token from before there were verifiers gets its own from being used', async () => {
    const { id, secret } = await makeToken(await makePrincipal('old'), { verifier: false });
    expect((await read('old')).onlyInClear).toBe(true);
    expect(await signIn(store, { user: 'old', password: secret, now })).toMatchObject({ credential: { provable: false } });
    await addMissingVerifier(store, id, secret);
    const { salt, iterations, candidates, onlyInClear } = await read('old');
    expect(onlyInClear).toBe(false);
    const { storedKey, serverKey } = await deriveKeys(secret, salt, iterations);
    expect(candidates).toEqual([{ tokenId: id, storedKey, serverKey }]);
    // What is there stays.
    await addMissingVerifier(store, id, 'another secret');
    expect((await read('old')).candidates).toEqual(candidates);
  });
});
