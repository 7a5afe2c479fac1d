import { scryptSync } from 'node:crypto';
import { desc, eq } from 'drizzle-orm';
import { encode } from 'next-auth/jwt';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { actions } from '../../../db/schema/audit';
import { principals } from '../../../db/schema/identity';
import { localAccounts } from '../../../db/schema/localAccounts';
import { changePassword } from '../../localAccounts/change';
import { hashPassword } from '../../localAccounts/password';
import { formatPhc, PARAMETERS, parsePhc, type ScryptParameters } from '../../localAccounts/phc';
import { removeLocalAccount } from '../../localAccounts/remove';
import { CHEAP, type Enrolled, enrolled, runAs } from '../../localAccounts/testing';
import { type TestStore, withStore } from '../../testing';
import { cookieName } from '../cookie';
import { consoleSecret } from '../secret';
import { sessionActor } from '../session';
import { signInLocally } from './signIn';

let db: TestStore;
let runtime: Parameters<typeof signInLocally>[0] & { consoleUrl: string };
beforeAll(async () => {
  db = await withStore();
  runtime = { store: db.store, secretKey: db.secretKey, embeddedStore: true, consoleUrl: 'http://127.0.0.1:4300' };
});
afterAll(() => db.close());
beforeEach(() => runAs(db, 'embedded'));

const signIn = (input: unknown) => signInLocally(runtime, input, new Date(), CHEAP);
/** At the cost that a gateway asks for. */
const signInDearly = (input: unknown) => signInLocally(runtime, input, new Date());
const person = async (name: string, { email, cost = CHEAP }: { email?: string; cost?: ScryptParameters } = {}): Promise<Enrolled> => {
  const one = await enrolled(await db.as('member', { name }), cost);
  if (email !== undefined) await db.store.update(principals).set({ email }).where(eq(principals.id, one.call.actor.id));
  return one;
};
const lastAction = async () => (await db.store.select().from(actions).orderBy(desc(actions.at), desc(actions.id)).limit(1))[0];
const refused = { state: 'refused' };

// First, since of more than ten failures a minute the record has the number alone.
test('whatever is wrong, the answer is the same and one password was hashed; the record alone knows', async () => {
  // Hers alone is looked at; in place of those of the others, nobody's is.
  const lea = await person('lea', { cost: PARAMETERS });
  const [max, nora] = [await person('max'), await person('nora')];
  await db.as('member', { name: 'passwordless' });
  await db.store.update(principals).set({ disabledAt: new Date() }).where(eq(principals.id, max.call.actor.id));
  await db.store.update(principals).set({ managedBy: 'scim' }).where(eq(principals.id, nora.call.actor.id));
  const right = (one: Enrolled) => ({ name: one.call.actor.name, password: one.password, code: one.code(0) });
  const cases: [what: string, input: Record<string, string>, reason: string][] = [
    ['an unknown name', { ...right(lea), name: 'nobody-at-all' }, 'nobody has this name'],
    ['a wrong password', { ...right(lea), password: 'not this one, no' }, 'lea: wrong password'],
    ['a wrong code', { ...right(lea), code: '000000' }, 'lea: wrong or used code'],
    ['a wrong recovery code', { ...right(lea), code: 'abcd-efgh-jkmn-pqrs' }, 'lea: wrong or used code'],
    ['nobody’s account', { ...right(lea), name: 'passwordless' }, 'passwordless: has no password here'],
    ['a disabled principal', right(max), 'max: disabled'],
    ['a person of a directory', right(nora), 'nora: signs in elsewhere'],
  ];
  // CPU time and not the clock: it is what one hash takes, on a machine that does other things too.
  const cpuMs: number[] = [];
  for (const [what, input, reason] of cases) {
    const before = process.cpuUsage();
    expect([what, await signInDearly(input)]).toEqual([what, refused]);
    const { user, system } = process.cpuUsage(before);
    cpuMs.push((user + system) / 1_000);
    expect((await lastAction())?.after, what).toMatchObject({ reason });
  }
  const sorted = [...cpuMs].sort((a, b) => a - b);
  const median = sorted[3] ?? 0;
  expect(median).toBeGreaterThan(50);
  for (const [at, ms] of cpuMs.entries()) {
    expect(ms, `${cases[at]?.[0]}: ${cpuMs}`).toBeGreaterThan(median / 2);
    expect(ms, `${cases[at]?.[0]}: ${cpuMs}`).toBeLessThan(median * 1.9);
  }
  // Eight passwords as a gateway hashes them, a second of a core each and more where others want it too.
}, 180_000);

test('name, password and code sign in, and each code does so once; the record says how', async () => {
  const ida = await person('ida');
  const input = { name: ' ida ', password: ida.password, code: ida.code(0) };
  expect(await signIn(input)).toEqual({ state: 'signedIn', principalId: ida.call.actor.id, accountId: expect.stringMatching(/^lac_/) });
  expect(await lastAction()).toMatchObject({
    action: 'console.signIn',
    actorName: 'ida',
    subject: 'ida',
    after: { by: 'password and code' },
  });
  expect(await signIn(input)).toEqual(refused);
  expect(await lastAction()).toMatchObject({ action: 'console.signInFailed', actorName: 'nobody', subject: 'password' });
  expect((await lastAction())?.after).toMatchObject({ reason: 'ida: wrong or used code' });
  const byRecovery = { ...input, code: ida.recoveryCodes[0]?.toUpperCase().replaceAll('-', ' ') };
  expect(await signIn(byRecovery)).toMatchObject({ state: 'signedIn' });
  expect(await lastAction()).toMatchObject({ action: 'console.signIn', after: { by: 'password and recovery code' } });
  expect(await signIn(byRecovery)).toEqual(refused);
  expect(await signIn({ ...input, code: `${ida.code(1).slice(0, 3)} ${ida.code(1).slice(3)}` })).toMatchObject({
    state: 'signedIn',
  });
});

test('a mail address does where one person alone has it, and no name of another', async () => {
  const jana = await person('jana', { email: 'Jana@Example.com' });
  const kai = await person('kai', { email: 'both@example.com' });
  await person('kai-too', { email: 'both@example.com' });
  const input = { password: jana.password, code: jana.code(0) };
  expect(await signIn({ ...input, name: 'jana@EXAMPLE.com' })).toMatchObject({ state: 'signedIn', principalId: jana.call.actor.id });
  expect(await signIn({ name: 'both@example.com', password: kai.password, code: kai.code(0) })).toEqual(refused);
});

test('with a store of others, and with what is no sign-in, nothing is tried', async () => {
  const olga = await person('olga');
  const input = { name: 'olga', password: olga.password, code: olga.code(0) };
  for (const wrong of [null, {}, 'x', { ...input, name: '' }, { ...input, password: 'x'.repeat(1_001) }, { ...input, name: 'ol\0ga' }])
    expect(await signIn(wrong)).toEqual(refused);
  expect(await signInLocally({ ...runtime, embeddedStore: false }, input, new Date())).toEqual(refused);
  const { embeddedStore: _unknown, ...unsaid } = runtime;
  expect(await signInLocally(unsaid, input, new Date())).toEqual(refused);
  expect(await signIn(input)).toMatchObject({ state: 'signedIn' });
});

test('a hash made with less is made anew at the next sign-in', async () => {
  const pia = await person('pia');
  const salt = Buffer.alloc(16, 3);
  const weak = formatPhc({ ln: 10, r: 8, p: 1, salt, hash: scryptSync(pia.password, salt, 32, { N: 1_024, r: 8, p: 1 }) });
  const own = eq(localAccounts.principalId, pia.call.actor.id);
  await db.store.update(localAccounts).set({ passwordHash: weak }).where(own);
  const hashNow = async () => (await db.store.select().from(localAccounts).where(own))[0]?.passwordHash ?? '';
  expect(await signInDearly({ name: 'pia', password: pia.password, code: '000000' })).toEqual(refused);
  expect(await hashNow()).toBe(weak);
  expect(await signInDearly({ name: 'pia', password: pia.password, code: pia.code(0) })).toMatchObject({ state: 'signedIn' });
  expect(parsePhc(await hashNow())).toMatchObject({ ln: 17 });
  expect(await signInDearly({ name: 'pia', password: pia.password, code: pia.code(1) })).toMatchObject({ state: 'signedIn' });
});

test('one name is tried ten times in a quarter of an hour, whether somebody has it or not, and many at once are not more', async () => {
  const quin = await person('quin');
  const right = { name: 'quin', password: quin.password, code: quin.code(0) };
  for (const name of ['quin', 'no-such-quin']) {
    const all = await Promise.all(Array.from({ length: 13 }, (_, n) => signIn({ ...right, name, password: `wrong one ${n}` })));
    const tried = all.filter(({ state }) => state === 'refused').length;
    expect(tried).toBeGreaterThanOrEqual(10);
    expect(tried).toBeLessThanOrEqual(11);
    expect(await signIn({ ...right, name: name.toUpperCase() })).toEqual({ state: 'wait' });
  }
  expect(await signIn(right)).toEqual({ state: 'wait' });
});

test('of more than can be hashed in a while, the rest is told so', async () => {
  // Two that somebody sets are dear enough for everybody else to come while they are hashed.
  const set = [hashPassword('one password'), hashPassword('another one')];
  const all = await Promise.all(
    Array.from({ length: 38 }, (_, n) => signIn({ name: `crowd-${n}`, password: 'whatever it may be', code: '1' })),
  );
  await Promise.all(set);
  const busy = all.filter(({ state }) => state === 'busy').length;
  expect(busy).toBe(38 - 24);
  expect(all.filter(({ state }) => state === 'refused')).toHaveLength(24);
});

test('its console session ends when the password changes or goes, or the store is one of others', async () => {
  const rita = await person('rita');
  const ended = await signIn({ name: 'rita', password: rita.password, code: rita.code(0) });
  if (ended.state !== 'signedIn') return expect.fail('not signed in');
  const whoIs = async (at: number, gateway = runtime) => {
    const token = await encode({ token: { sub: ended.principalId, by: ended.accountId, at }, secret: consoleSecret(db.secretKey) });
    return (await sessionActor(gateway, { cookie: `${cookieName(gateway.consoleUrl)}=${token}` }))?.name ?? null;
  };
  const at = Date.now();
  expect(await whoIs(at)).toBe('rita');
  expect(await whoIs(at, { ...runtime, embeddedStore: false })).toBeNull();
  await changePassword(
    rita.call,
    {
      current: { password: rita.password, code: rita.recoveryCodes[1] },
      password: 'a river runs by the old mill',
    },
    CHEAP,
  );
  expect(await whoIs(at)).toBeNull();
  expect(await whoIs(Date.now() + 5)).toBe('rita');
  await removeLocalAccount(await db.as('admin'), { principal: 'rita' });
  expect(await whoIs(Date.now() + 5)).toBeNull();
});
