import { and, desc, eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { actions, sessions } from '../../db/schema/audit';
import { identities, identityProviders, principals } from '../../db/schema/identity';
import type { IdentityProvider } from '../../db/schema/identityShapes';
import { localAccounts } from '../../db/schema/localAccounts';
import { passkeys } from '../../db/schema/passkeys';
import { open } from '../../db/secrets';
import { type TestStore, withStore } from '../testing';
import { beginAuthenticator } from './authenticator';
import { changeAuthenticator, changePassword, removeOwnLocalAccount, renewRecoveryCodes } from './change';
import { enrolLocalAccount } from './enrol';
import { getLocalAccount } from './get';
import { hashPassword, verifyPassword } from './password';
import { formatPhc, parsePhc } from './phc';
import { removeLocalAccount } from './remove';
import { CHEAP, codeIn, enrolled, runAs } from './testing';

let db: TestStore;
beforeAll(async () => {
  db = await withStore();
});
afterAll(() => db.close());
beforeEach(() => runAs(db, 'embedded'));

const rowOf = async (principalId: string) =>
  (await db.store.select().from(localAccounts).where(eq(localAccounts.principalId, principalId)))[0] ?? expect.fail('no account');
const NEW = 'otters sleep holding hands';

describe('setting one up', () => {
  test('password, authenticator and recovery codes come together; the store has none of them in clear', async () => {
    const call = await db.as('member', { name: 'otto' });
    expect(await getLocalAccount(call)).toEqual({ state: 'none' });
    // This one as a gateway hashes it.
    const { secret, password, recoveryCodes } = await enrolled(call);
    expect(await getLocalAccount(call)).toEqual({ state: 'set', changedAt: expect.any(Date), recoveryCodesLeft: 10 });
    const row = await rowOf(call.actor.id);
    const stored = JSON.stringify(row);
    for (const clear of [password, secret, ...recoveryCodes, ...recoveryCodes.map((code) => code.replaceAll('-', ''))])
      expect(stored).not.toContain(clear);
    expect(parsePhc(row.passwordHash)).toMatchObject({ ln: 17, r: 8, p: 1 });
    expect(open(db.secretKey, row.totpSealed, row.id)).toBe(secret);
    const [action] = await db.store.select().from(actions).where(eq(actions.action, 'localAccount.enrol'));
    expect(action).toMatchObject({ actorName: 'otto', subject: 'otto', before: null, after: null });
  });

  test('without a code of the authenticator, or with a poor password, there is nothing', async () => {
    const call = await db.as('member', { name: 'petra' });
    const { secret, pending } = await beginAuthenticator(call);
    const right = { password: NEW, pending, code: codeIn(secret, 0) };
    for (const [wrong, field, words] of [
      [{ code: codeIn(secret, 5) }, 'code', /not the code/],
      [{ code: '' }, 'code', /not the code/],
      [{ password: 'petra-petra-petra' }, 'password', /easy to guess/],
      [{ password: 'short' }, 'password', /at least 12/],
    ] as const)
      await expect(enrolLocalAccount(call, { ...right, ...wrong })).rejects.toMatchObject({
        code: 'INVALID',
        message: words,
        details: { fields: [{ path: field }] },
      });
    expect(await getLocalAccount(call)).toEqual({ state: 'none' });
  });

  test('what was shown to one person is nothing to another, and one has one account', async () => {
    const paul = await db.as('member', { name: 'paul' });
    const rosa = await db.as('member', { name: 'rosa' });
    const { secret, pending } = await beginAuthenticator(paul);
    const input = { password: NEW, pending, code: codeIn(secret, 0) };
    await expect(enrolLocalAccount(rosa, input)).rejects.toThrow(/begin again/);
    // As dear as they are, so that both see that there is none yet.
    const both = await Promise.allSettled([enrolLocalAccount(paul, input), enrolLocalAccount(paul, input)]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    await expect(enrolLocalAccount(paul, input, CHEAP)).rejects.toThrow(/have a password already/);
  });

  test('for people in the console alone: no token, agent, or person of a provider', async () => {
    const token = await db.as('admin', { via: 'cli' });
    await expect(beginAuthenticator(token)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const agent = await db.as('member', { kind: 'agent' });
    await expect(beginAuthenticator(agent)).rejects.toThrow(/for people/);
    const settings = { type: 'saml' as const, name: 'corp', metadata: '', clockSkewMs: 0, principal: { claim: 'uid' } };
    await db.store.insert(identityProviders).values({ id: 'idp_corp', position: 0, name: 'corp', settings });
    const managed = await db.as('member', { name: 'managed' });
    await db.store.update(principals).set({ managedBy: 'idp_corp' }).where(eq(principals.id, managed.actor.id));
    await expect(beginAuthenticator(managed)).rejects.toThrow(/identity provider speaks for you/);
    expect(await getLocalAccount(managed)).toMatchObject({ state: 'notOffered' });
  });
});

test('with a store of others every verb refuses, and says what to use', async () => {
  const admin = await db.as('admin');
  const { password, code } = await enrolled(await db.as('member', { name: 'sven' }), CHEAP);
  runAs(db, 'external');
  const current = { password, code: code(0) };
  const sven = { ...admin, actor: { ...admin.actor, name: 'sven' } };
  for (const verb of [
    () => beginAuthenticator(sven),
    () => enrolLocalAccount(sven, { password: NEW, pending: 'x', code: '1' }),
    () => changePassword(sven, { current, password: NEW }),
    () => changeAuthenticator(sven, { current, pending: 'x', code: '1' }),
    () => renewRecoveryCodes(sven, { current }),
    () => removeOwnLocalAccount(sven, { current }),
    () => removeLocalAccount(admin, { principal: 'sven' }),
  ])
    await expect(verb()).rejects.toMatchObject({ code: 'CONFLICT', message: /OIDC, SAML or passkeys/ });
  expect(await getLocalAccount(sven)).toMatchObject({ state: 'notOffered', why: expect.stringMatching(/OIDC, SAML or passkeys/) });
});

describe('changing it', () => {
  test('asks for password and code, takes each code once, and changes nothing otherwise', async () => {
    const tina = await enrolled(await db.as('member', { name: 'tina' }), CHEAP);
    const before = await rowOf(tina.call.actor.id);
    const code = tina.code(0);
    for (const current of [
      { password: 'not the password at all', code },
      { password: tina.password, code: tina.code(-1) },
      { password: tina.password, code: tina.code(4) },
      { password: tina.password, code: 'abcd-efgh-jkmn-pqrs' },
    ])
      await expect(changePassword(tina.call, { current, password: NEW }, CHEAP)).rejects.toMatchObject({
        code: 'INVALID',
        details: { fields: [{ path: 'current' }] },
      });
    expect(await rowOf(tina.call.actor.id)).toEqual(before);
    const { changedAt } = await changePassword(tina.call, { current: { password: tina.password, code }, password: NEW }, CHEAP);
    const after = await rowOf(tina.call.actor.id);
    expect(after.changedAt).toEqual(changedAt);
    expect(changedAt.getTime()).toBeGreaterThan(before.changedAt.getTime());
    expect(await verifyPassword(after.passwordHash, NEW, CHEAP)).toEqual({ matches: true, outdated: false });
    expect((await verifyPassword(after.passwordHash, tina.password)).matches).toBe(false);
    await expect(renewRecoveryCodes(tina.call, { current: { password: NEW, code } })).rejects.toThrow(/each code works once/);
  });

  test('another authenticator takes the place of the one of before; a recovery code stands in for it, once', async () => {
    const uwe = await enrolled(await db.as('member', { name: 'uwe' }), CHEAP);
    const shown = await beginAuthenticator(uwe.call);
    const current = { password: uwe.password, code: uwe.recoveryCodes[3] ?? '' };
    await expect(changeAuthenticator(uwe.call, { current, pending: shown.pending, code: uwe.code(0) })).rejects.toMatchObject({
      details: { fields: [{ path: 'code' }] },
    });
    expect((await rowOf(uwe.call.actor.id)).recoveryHashes).toHaveLength(10);
    await changeAuthenticator(uwe.call, { current, pending: shown.pending, code: uwe.code(0, shown.secret) });
    expect((await rowOf(uwe.call.actor.id)).recoveryHashes).toHaveLength(9);
    const renew = (code: string) => renewRecoveryCodes(uwe.call, { current: { password: uwe.password, code } });
    for (const gone of [uwe.code(0), uwe.recoveryCodes[3] ?? '', uwe.code(0, shown.secret)])
      await expect(renew(gone)).rejects.toThrow(/each code works once/);
    const fresh = await renew(uwe.code(1, shown.secret));
    expect(fresh.recoveryCodes).toHaveLength(10);
    await expect(renew(uwe.recoveryCodes[0] ?? '')).rejects.toThrow(/each code works once/);
    await renew(fresh.recoveryCodes[0] ?? '');
  });

  test('of several who come with one code at once, one is let through', async () => {
    const vera = await enrolled(await db.as('member', { name: 'vera' }), CHEAP);
    for (const code of [vera.recoveryCodes[0] ?? '', vera.code(0)]) {
      const current = { password: vera.password, code };
      const all = await Promise.allSettled([1, 2, 3].map(() => renewRecoveryCodes(vera.call, { current })));
      expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    }
  });

  test('a console left open is no place to guess at: after ten wrong ones nothing is tried, the right one neither', async () => {
    // Dear enough for all of them to be under way before the first has failed.
    const walt = await enrolled(await db.as('member', { name: 'walt' }), { ...CHEAP, ln: 14 });
    const renew = (password: string) => renewRecoveryCodes(walt.call, { current: { password, code: walt.code(0) } });
    const all = await Promise.allSettled(Array.from({ length: 14 }, (_, n) => renew(`wrong ${n}`)));
    const words = all.map((one) => (one.status === 'rejected' ? (one.reason as Error).message : ''));
    expect(words.filter((text) => /current password/.test(text)).length).toBeLessThanOrEqual(11);
    await expect(renew(walt.password)).rejects.toThrow(/too many wrong/);
  });
});

describe('a person takes their own away', () => {
  const left = async (id: string) => (await db.store.select().from(localAccounts).where(eq(localAccounts.principalId, id))).length;

  test('by password and code, and by nothing less; another may be set up', async () => {
    const yara = await enrolled(await db.as('member', { name: 'yara' }), CHEAP);
    const remove = (current: object) =>
      removeOwnLocalAccount(yara.call, { current: { password: yara.password, code: yara.code(0), ...current } });
    for (const wrong of [{ password: 'not the password at all' }, { code: yara.code(-1) }, { code: 'abcd-efgh-jkmn-pqrs' }])
      await expect(remove(wrong)).rejects.toMatchObject({ code: 'INVALID', details: { fields: [{ path: 'current' }] } });
    await expect(remove({ code: '' })).rejects.toMatchObject({ code: 'INVALID' });
    const token = { ...yara.call, actor: { ...yara.call.actor, via: 'cli' as const } };
    await expect(removeOwnLocalAccount(token, { current: { password: yara.password, code: yara.code(0) } })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
    expect(await left(yara.call.actor.id)).toBe(1);
    await remove({});
    expect(await getLocalAccount(yara.call)).toEqual({ state: 'none' });
    const [action] = await db.store.select().from(actions).where(eq(actions.subject, 'yara')).orderBy(desc(actions.id)).limit(1);
    expect(action).toMatchObject({ action: 'localAccount.remove', actorName: 'yara', after: { provedBy: 'password and code' } });
    await enrolled(yara.call, CHEAP);
  });

  test('not the only way in that an administrator has left: neither one after the other nor at once', async () => {
    // Whoever else administers in this file has no way in of their own.
    await db.store.delete(localAccounts);
    const zoe = await enrolled(await db.as('admin', { name: 'zoe' }), CHEAP);
    const remove = ({ call, password, code }: typeof zoe, steps = 0) =>
      removeOwnLocalAccount(call, { current: { password, code: code(steps) } });
    await expect(remove(zoe)).rejects.toMatchObject({ code: 'CONFLICT', message: /register a passkey first/ });
    const abe = await enrolled(await db.as('admin', { name: 'abe' }), CHEAP);
    // The code that was refused for this reason is not used up.
    const both = await Promise.allSettled([remove(zoe), remove(abe)]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const [stays, id] = (await left(zoe.call.actor.id)) === 1 ? [zoe, zoe.call.actor.id] : [abe, abe.call.actor.id];
    await expect(remove(stays)).rejects.toMatchObject({ code: 'CONFLICT' });
    await db.store.insert(passkeys).values({
      id: 'psk_1',
      principalId: id,
      credentialId: 'c',
      publicKey: 'k',
      counter: 0,
      transports: [],
      name: 'Phone',
      backedUp: false,
    });
    runAs(db, 'embedded', 'http://gate.corp.example');
    await expect(remove(stays)).rejects.toMatchObject({ code: 'CONFLICT' });
    runAs(db, 'embedded');
    await remove(stays);
    expect(await left(id)).toBe(0);
  });

  test.each([
    ['a provider that signs people in at the console', { console: { clientId: 'x', scopes: ['openid'] } }, true],
    ['a provider for the proxy alone', {}, false],
  ] as const)('%s', async (_name, more, enough) => {
    await db.store.delete(localAccounts);
    await db.store.delete(passkeys);
    await db.store.delete(identityProviders);
    const ida = await enrolled(await db.as('admin'), CHEAP);
    const settings = {
      type: 'oidc',
      name: 'corp',
      issuer: 'https://idp.example',
      audiences: ['x'],
      ...more,
    } as unknown as IdentityProvider;
    await db.store.insert(identityProviders).values({ id: 'idp_oidc', position: 0, name: 'corp', settings });
    await db.store.insert(identities).values({ id: `idn_${enough}`, providerId: 'idp_oidc', subject: 's', principalId: ida.call.actor.id });
    const removing = removeOwnLocalAccount(ida.call, { current: { password: ida.password, code: ida.code(0) } });
    if (enough) await removing;
    else await expect(removing).rejects.toMatchObject({ code: 'CONFLICT' });
  });
});

describe('an administrator takes it away', () => {
  test('with the sessions of its person; another may be set up', async () => {
    const admin = await db.as('admin', { name: 'root-admin' });
    const xena = await enrolled(await db.as('member', { name: 'xena' }), CHEAP);
    await db.store.insert(sessions).values({
      id: 'ses_xena',
      gatewayId: 'gw_test',
      workerId: 'w1',
      connectionName: 'shop',
      principalId: xena.call.actor.id,
      principalName: 'xena',
      clientAddress: '127.0.0.1',
    });
    await expect(removeLocalAccount(xena.call, { principal: 'xena' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(await removeLocalAccount(admin, { principal: 'xena' })).toEqual({ principal: 'xena' });
    expect(await getLocalAccount(xena.call)).toEqual({ state: 'none' });
    const [session] = await db.store.select().from(sessions).where(eq(sessions.id, 'ses_xena'));
    expect(session?.killRequestedAt).toBeInstanceOf(Date);
    const [action] = await db.store
      .select()
      .from(actions)
      .where(and(eq(actions.action, 'localAccount.remove'), eq(actions.subject, 'xena')));
    expect(action).toMatchObject({ actorName: 'root-admin', subject: 'xena', after: { sessionsEnded: 1 } });
    await expect(removeLocalAccount(admin, { principal: 'xena' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await enrolled(xena.call, CHEAP);
  });
});

test('a password is known in whichever way its letters are spelled, and hashes made with less are known to be outdated', async () => {
  const weak = { ln: 4, r: 8, p: 1, salt: Buffer.alloc(16), hash: Buffer.alloc(32) };
  expect(await verifyPassword(formatPhc(weak), 'x')).toEqual({ matches: false, outdated: true });
  expect(await verifyPassword(null, 'x', CHEAP)).toEqual({ matches: false, outdated: false });
  expect((await verifyPassword(await hashPassword('Käse und Brot am Abend', CHEAP), 'Ka\u0308se und Brot am Abend')).matches).toBe(true);
});
