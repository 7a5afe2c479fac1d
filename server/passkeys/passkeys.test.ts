import { and, desc, eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { actions } from '../../db/schema/audit';
import { principals } from '../../db/schema/identity';
import { passkeyChallenges, passkeys } from '../../db/schema/passkeys';
import { signInWithPasskey } from '../auth/passkey/signIn';
import type { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { setRuntime } from '../runtime';
import { type TestStore, withStore } from '../testing';
import { newChallenge } from './challenge';
import { confirmRemoving, removePasskey, renamePasskey } from './change';
import { listPasskeys, ownPasskeys } from './list';
import { beginRegistration, confirmAdding, registerPasskey } from './register';
import { type Lies, newKey, type SoftAuthenticator, softAuthenticator } from './testing';

const CONSOLE = 'https://gatehouse.example.com';
const PARTY = { rpId: 'gatehouse.example.com', origin: CONSOLE };
const BROWSER = 'b'.repeat(32);
const COOKIE = `__Host-gatehouse.passkey=${BROWSER}`;

let db: TestStore;
type Person = Call & { actor: { id: string; name: string } };
let ana: Person;
let bo: Person;
let admin: Person;

const atBrowser = async (role: 'admin' | 'reviewer', name: string): Promise<Person> => ({
  ...(await db.as(role, { name })),
  browser: `${name} 1`,
});

beforeAll(async () => {
  db = await withStore();
  setRuntime({
    store: db.store,
    storeUrl: db.url,
    secretKey: db.secretKey,
    dataDir: '/nowhere',
    gatewayId: 'gw_test',
    consoleUrl: CONSOLE,
  });
  ana = await atBrowser('reviewer', 'ana');
  bo = await atBrowser('reviewer', 'bo');
  admin = await atBrowser('admin', 'root');
});
afterAll(async () => {
  vi.useRealTimers();
  await db.close();
});
beforeEach(async () => {
  // Of failed sign-ins ten a minute are recorded, and every test looks for its own.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 });
  await db.store.delete(passkeys);
  await db.store.delete(passkeyChallenges);
  await db.store.update(principals).set({ disabledAt: null });
});

async function registered(call: Call, name = 'Laptop', lies: Lies = {}): Promise<{ id: string; key: SoftAuthenticator }> {
  const key = softAuthenticator(PARTY);
  const options = await beginRegistration(call, {});
  const { id } = await registerPasskey(call, { name, response: key.create(options, lies) });
  return { id, key };
}

const refused = async (promise: Promise<unknown>): Promise<string> => {
  const error = await promise.then(
    () => null,
    (thrown: ServiceError) => thrown,
  );
  if (error === null) throw new Error('it was not refused');
  return `${error.code}: ${error.message}`;
};
const newest = async (action: string) =>
  (await db.store.select().from(actions).where(eq(actions.action, action)).orderBy(desc(actions.id)).limit(1))[0];
const stored = async (id: string) => (await db.store.select().from(passkeys).where(eq(passkeys.id, id)))[0];

describe('registration', () => {
  test('asks for a verified person, a discoverable key and none of those there are, and keeps the public half', async () => {
    const options = await beginRegistration(ana, {});
    expect(options).toMatchObject({
      rp: { id: 'gatehouse.example.com' },
      attestation: 'none',
      authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
      excludeCredentials: [],
    });
    expect(Buffer.from(options.user.id, 'base64url').toString()).toBe(ana.actor.id);
    const key = softAuthenticator(PARTY);
    const row = await registerPasskey(ana, { name: ' Laptop ', response: key.create(options, { backedUp: true }) });
    expect(row).toMatchObject({ name: 'Laptop', backedUp: true, lastUsedAt: null });
    expect(await ownPasskeys(ana)).toMatchObject({ rows: [{ id: row.id, name: 'Laptop' }], origin: CONSOLE, whyNot: null });
    expect((await ownPasskeys(bo)).rows).toEqual([]);
    expect(await newest('passkey.register')).toMatchObject({ actorName: 'ana', subject: 'ana', after: { id: row.id, name: 'Laptop' } });
  });

  test.each<[string, Lies, RegExp]>([
    ['another origin', { origin: 'https://evil.example.com' }, /signed for another origin/],
    ['another host', { rpId: 'evil.example.com' }, /for another host name/],
    ['nobody verified', { userVerified: false }, /person was not verified/],
    ['nobody there', { userPresent: false }, /nobody was present/],
    ['an assertion in its place', { type: 'webauthn.get' }, /answer to something else/],
    ['a frame of another site', { crossOrigin: true }, /inside a page of another site/],
    ['a challenge of nobody', { challenge: 'AAAA' }, /challenge is not for this browser/],
  ])('refuses %s', async (_, lies, why) => {
    expect(await refused(registered(ana, 'Laptop', lies))).toMatch(why);
    expect((await ownPasskeys(ana)).rows).toEqual([]);
  });

  test('a challenge is for one browser and person, for registering, and used once', async () => {
    const options = await beginRegistration(ana, {});
    const response = softAuthenticator(PARTY).create(options);
    expect(await refused(registerPasskey({ ...ana, browser: 'ana 2' }, { name: 'x', response }))).toMatch(/not for this browser/);
    // It was used up by that.
    expect(await refused(registerPasskey(ana, { name: 'x', response }))).toMatch(/answered before/);
    const hers = await beginRegistration(ana, {});
    expect(await refused(registerPasskey(bo, { name: 'x', response: softAuthenticator(PARTY).create(hers) }))).toMatch(
      /not for this browser/,
    );
    const old = await beginRegistration(ana, {});
    await db.store.update(passkeyChallenges).set({ expiresAt: new Date(Date.now() - 1) });
    expect(await refused(registerPasskey(ana, { name: 'x', response: softAuthenticator(PARTY).create(old) }))).toMatch(/too old/);
    const signIn = await newChallenge(db.store, { browser: 'ana 1', principalId: ana.actor.id, purpose: { kind: 'signIn' } }, new Date());
    const lie = { challenge: Buffer.from(signIn).toString('base64url') };
    expect(await refused(registered(ana, 'x', lie))).toMatch(/not for this browser/);
  });

  test('another is added with the word of one there is, and so is the way to a stolen session closed', async () => {
    const { key } = await registered(ana);
    expect(await refused(beginRegistration(ana, {}))).toBe('FORBIDDEN: confirm with a passkey of yours that you add another');
    const options = await beginRegistration(ana, { confirmation: key.get(await confirmAdding(ana)) });
    expect(options.excludeCredentials).toEqual([{ id: key.credentialId, type: 'public-key', transports: ['internal'] }]);
    await registerPasskey(ana, { name: 'Phone', response: softAuthenticator(PARTY).create(options) });
    expect((await ownPasskeys(ana)).rows.map(({ name }) => name)).toEqual(['Laptop', 'Phone']);
  });

  test('what was begun as the first is no way around that once there is one', async () => {
    const begun = await beginRegistration(ana, {});
    await registered(ana);
    expect(await refused(registerPasskey(ana, { name: 'x', response: softAuthenticator(PARTY).create(begun) }))).toMatch(
      /^FORBIDDEN|^CONFLICT/,
    );
    expect((await ownPasskeys(ana)).rows).toHaveLength(1);
  });

  test('ten are the most, and one authenticator is one passkey of one person', async () => {
    const { key } = await registered(ana);
    const copy = { create: key.create, get: key.get };
    expect(await refused(registerPasskey(bo, { name: 'x', response: copy.create(await beginRegistration(bo, {})) }))).toMatch(/^CONFLICT/);
    const [row] = await db.store.select().from(passkeys);
    if (row === undefined) throw new Error('there is one');
    await db.store.insert(passkeys).values(Array.from({ length: 9 }, (_, i) => ({ ...row, id: `psk_${i}`, credentialId: `c${i}` })));
    expect(await refused(beginRegistration(ana, { confirmation: key.get(await confirmAdding(ana)) }))).toMatch(/10 passkeys are the most/);
  });

  test('only people at a browser, and only where browsers take passkeys', async () => {
    const agent = await db.as('member', { name: 'bot', kind: 'agent' });
    expect(await refused(beginRegistration({ ...agent, browser: 'x' }, {}))).toBe('FORBIDDEN: only people have passkeys');
    const { browser: _, ...token } = ana;
    expect(await refused(beginRegistration(token, {}))).toMatch(/^FORBIDDEN: passkeys are used in the console/);
    const runtime = { store: db.store, storeUrl: db.url, secretKey: db.secretKey, dataDir: '/nowhere', gatewayId: 'gw_test' };
    setRuntime({ ...runtime, consoleUrl: 'http://gatehouse.example.com' });
    expect(await refused(beginRegistration(ana, {}))).toMatch(/^UNAVAILABLE: passkeys need https/);
    expect(await ownPasskeys(ana)).toMatchObject({ origin: null, whyNot: expect.stringMatching(/need https/) });
    setRuntime({ ...runtime, consoleUrl: CONSOLE });
  });
});

describe('changing them', () => {
  test('one’s own are renamed, and those of others do not exist', async () => {
    const { id } = await registered(ana);
    await renamePasskey(ana, { id, name: 'Key ring' });
    expect((await ownPasskeys(ana)).rows[0]?.name).toBe('Key ring');
    expect(await refused(renamePasskey(bo, { id, name: 'mine' }))).toMatch(/^NOT_FOUND/);
    expect(await refused(renamePasskey(ana, { id, name: '\u202e' }))).toMatch(/^INVALID/);
  });

  test('one is removed by a signature for this one, once', async () => {
    const { id, key } = await registered(ana);
    const { id: other } = await registeredBeside(ana, key);
    expect(await refused(removePasskey(ana, { id }))).toMatch(/^FORBIDDEN: confirm with a passkey/);
    const confirmation = key.get(await confirmRemoving(ana, { id: other }));
    expect(await refused(removePasskey(ana, { id, confirmation }))).toMatch(/challenge is not for this browser and purpose/);
    const adding = key.get(await confirmAdding(ana));
    expect(await refused(removePasskey(ana, { id, confirmation: adding }))).toMatch(/challenge is not for/);
    await removePasskey(ana, { id, confirmation: key.get(await confirmRemoving(ana, { id })) });
    expect((await ownPasskeys(ana)).rows.map((row) => row.id)).toEqual([other]);
    expect(await newest('passkey.remove')).toMatchObject({ actorName: 'ana', before: { id, name: 'Laptop' } });
  });

  test('an administrator sees and removes those of others; their own in the console as anybody', async () => {
    const { id } = await registered(ana);
    expect(await listPasskeys(admin, { principal: 'ana' })).toMatchObject([{ id, name: 'Laptop' }]);
    expect(await refused(removePasskey(bo, { id }))).toMatch(/^NOT_FOUND/);
    expect(await removePasskey(admin, { id })).toEqual({ id, principal: 'ana' });
    const own = await registered(admin);
    expect(await refused(removePasskey(admin, { id: own.id }))).toMatch(/^FORBIDDEN: confirm/);
    const { browser: _, ...token } = admin;
    await removePasskey(token, { id: own.id });
    expect((await ownPasskeys(admin)).rows).toEqual([]);
  });
});

async function registeredBeside(call: Call, key: SoftAuthenticator) {
  const beside = softAuthenticator(PARTY);
  const options = await beginRegistration(call, { confirmation: key.get(await confirmAdding(call)) });
  return registerPasskey(call, { name: 'Phone', response: beside.create(options) });
}

describe('sign-in', () => {
  const challenge = async (browser = BROWSER) => {
    const bytes = await newChallenge(db.store, { browser, principalId: null, purpose: { kind: 'signIn' } }, new Date());
    return { challenge: Buffer.from(bytes).toString('base64url') };
  };
  const signIn = (response: object, cookie: string | undefined = COOKIE) =>
    signInWithPasskey({ store: db.store, consoleUrl: CONSOLE }, JSON.stringify(response), cookie);
  const whyNot = async () => (await newest('console.signInFailed'))?.after as { reason?: string } | undefined;

  test('a passkey says who it is; that is recorded, and when it was used', async () => {
    const { id, key } = await registered(ana);
    expect(await signIn(key.get(await challenge()))).toEqual({ principalId: ana.actor.id, passkeyId: id });
    expect(await newest('console.signIn')).toMatchObject({ actorName: 'ana', after: { by: 'passkey', passkey: { id, name: 'Laptop' } } });
    expect((await stored(id))?.lastUsedAt?.getTime()).toBeGreaterThan(Date.now() - 5_000);
    expect((await stored(id))?.counter).toBe(1);
  });

  test.each<[string, Lies, RegExp]>([
    ['a tampered signature', { tamper: 'signature' }, /signature is not the passkey’s|cannot be verified/],
    ['tampered authenticator data', { tamper: 'authenticatorData' }, /signature is not the passkey’s/],
    ['tampered client data', { tamper: 'clientData' }, /signature is not the passkey’s/],
    ['another key', { key: newKey().privateKey }, /signature is not the passkey’s/],
    ['another origin', { origin: 'https://gatehouse.example.com.evil.com' }, /another origin/],
    ['plain http', { origin: 'http://gatehouse.example.com' }, /another origin/],
    ['another port', { origin: 'https://gatehouse.example.com:444' }, /another origin/],
    ['another host', { rpId: 'example.com' }, /another host name/],
    ['nobody verified', { userVerified: false }, /person was not verified/],
    ['nobody there', { userPresent: false }, /nobody was present/],
    ['a registration in its place', { type: 'webauthn.create' }, /answer to something else/],
    ['a frame of another site', { crossOrigin: true }, /page of another site/],
    ['a passkey nobody knows', { credentialId: 'AAAA' }, /not known here/],
    ['no word of whose it is', { userHandle: null }, /made for another account/],
    ['another person’s account', { userHandle: Buffer.from('prn_other').toString('base64url') }, /made for another account/],
  ])('refuses %s', async (_, lies, why) => {
    const { key } = await registered(ana);
    expect(await signIn(key.get(await challenge(), lies))).toBeNull();
    expect((await whyNot())?.reason).toMatch(why);
  });

  test('refuses a counter that does not grow, and takes authenticators that keep none', async () => {
    const { id, key } = await registered(ana);
    expect(await signIn(key.get(await challenge(), { counter: 7 }))).not.toBeNull();
    for (const counter of [7, 6, 0]) {
      expect(await signIn(key.get(await challenge(), { counter }))).toBeNull();
      expect((await whyNot())?.reason).toMatch(/copy/);
    }
    expect(await signIn(key.get(await challenge(), { counter: 8 }))).not.toBeNull();
    await db.store.update(passkeys).set({ counter: 0 }).where(eq(passkeys.id, id));
    for (let i = 0; i < 2; i++) expect(await signIn(key.get(await challenge(), { counter: 0 }))).not.toBeNull();
  });

  test('of two that answer with the same counter at once, one is believed', async () => {
    const { key } = await registered(ana);
    const answers = [key.get(await challenge(), { counter: 5 }), key.get(await challenge(), { counter: 5 })];
    const ended = await Promise.all(answers.map((answer) => signIn(answer)));
    expect(ended.filter((one) => one !== null)).toHaveLength(1);
  });

  test('a challenge is used once, by the browser it was made for, in time', async () => {
    const { key } = await registered(ana);
    const answer = key.get(await challenge());
    const both = await Promise.all([signIn(answer), signIn(answer)]);
    expect(both.filter((one) => one !== null)).toHaveLength(1);
    expect(await signIn(key.get(await challenge('c'.repeat(32))))).toBeNull();
    expect(
      await signInWithPasskey({ store: db.store, consoleUrl: CONSOLE }, JSON.stringify(key.get(await challenge())), undefined),
    ).toBeNull();
    const late = await challenge();
    await db.store.update(passkeyChallenges).set({ expiresAt: new Date(Date.now() - 1) });
    expect(await signIn(key.get(late))).toBeNull();
    // One that was made for something else.
    expect(await signIn(key.get(await confirmAdding(ana)))).toBeNull();
  });

  test('whoever is disabled, or is no person, stays out, and what cannot be read is refused in peace', async () => {
    const { key } = await registered(ana);
    await db.store.update(principals).set({ disabledAt: new Date() }).where(eq(principals.id, ana.actor.id));
    expect(await signIn(key.get(await challenge()))).toBeNull();
    expect((await whyNot())?.reason).toMatch(/disabled/);
    await db.store.update(principals).set({ disabledAt: null, kind: 'service' }).where(eq(principals.id, ana.actor.id));
    expect(await signIn(key.get(await challenge()))).toBeNull();
    await db.store
      .update(principals)
      .set({ kind: 'human' })
      .where(and(eq(principals.id, ana.actor.id)));
    for (const junk of ['', '{', '{}', 'null', '"x"', 'x'.repeat(40_000), 7, undefined])
      expect(await signInWithPasskey({ store: db.store, consoleUrl: CONSOLE }, junk, COOKIE)).toBeNull();
  });

  test('is refused where the console has no https, whatever is signed', async () => {
    const { key } = await registered(ana);
    const cookie = `gatehouse.passkey=${BROWSER}`;
    const plain = { store: db.store, consoleUrl: 'http://gatehouse.example.com' };
    const answer = key.get(await challenge(), { origin: 'http://gatehouse.example.com' });
    expect(await signInWithPasskey(plain, JSON.stringify(answer), cookie)).toBeNull();
    expect((await whyNot())?.reason).toMatch(/need https/);
  });
});
