import { sign } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { and, eq } from 'drizzle-orm';
import { encode as encodeCookie } from 'next-auth/jwt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { actions } from '../../../db/schema/audit';
import { identityProviders, signOns } from '../../../db/schema/identity';
import type { SamlProvider } from '../../../db/schema/identityShapes';
import { type HttpServer, listenHttp } from '../../http';
import { setRuntime } from '../../runtime';
import { type TestStore, withStore } from '../../testing';
import { cookieName } from '../cookie';
import { redeemSignInLink } from '../link';
import { consoleSecret } from '../secret';
import { whoAsks } from '../session';
import { createSamlHandler } from './handler';
import { leaveConsole } from './logout';
import { makeIdp, makeRsaCertificate, SLO, type TestIdp } from './testing';
import { encryptAssertion, signMessage } from './testingEncryption';
import { type LogoutChanges, logoutsOf } from './testingLogout';

let db: TestStore;
let http: HttpServer;
let origin: string;
let metadata: string;
let idp: TestIdp;
let logouts: ReturnType<typeof logoutsOf>;
beforeAll(async () => {
  db = await withStore();
  http = await listenHttp({ host: '127.0.0.1', port: 0 });
  origin = `http://127.0.0.1:${http.port}`;
  const runtime = {
    store: db.store,
    storeUrl: db.url,
    secretKey: db.secretKey,
    dataDir: '/nowhere',
    gatewayId: 'gw_test',
    consoleUrl: origin,
  };
  setRuntime(runtime);
  http.routes.saml = createSamlHandler(runtime);
  metadata = await (await fetch(`${origin}/api/saml/corp/metadata`)).text();
  idp = makeIdp(metadata);
  logouts = logoutsOf(idp, metadata);
  await use(idp.metadata);
});
afterAll(async () => {
  await http.close();
  await db.close();
});

async function use(xml: string): Promise<void> {
  const principal = { claim: 'uid', create: 'human' as const };
  const settings: SamlProvider = { type: 'saml', name: 'corp', metadata: xml, clockSkewMs: 1_000, principal };
  await db.store
    .insert(identityProviders)
    .values({ id: 'idp_corp', position: 0, name: 'corp', settings })
    .onConflictDoUpdate({ target: identityProviders.id, set: { settings } });
}

/** A console session of somebody who has signed on; asks who it is. */
async function signIn(name: string, sessionIndex?: string) {
  const begun = await fetch(`${origin}/api/saml/corp/login`, { redirect: 'manual' });
  const { id } = await idp.readRequest(begun.headers.get('location') ?? '');
  const says = { inResponseTo: id, nameId: `subject-${name}`, attributes: { uid: [name] } };
  const answer = await fetch(`${origin}/api/saml/corp/acs`, {
    ...{ method: 'POST', redirect: 'manual', headers: { cookie: (begun.headers.get('set-cookie') ?? '').split(';')[0] ?? '' } },
    body: new URLSearchParams({ SAMLResponse: await idp.respond({ ...says, ...(sessionIndex === undefined ? {} : { sessionIndex }) }) }),
  });
  const link = new URL(answer.headers.get('location') ?? '').searchParams.get('link') ?? '';
  const redeemed = (await redeemSignInLink(db.store, link)) ?? expect.fail('no link');
  const claims = { sub: redeemed.principal.id, by: redeemed.providerId, signOn: redeemed.signOnId, at: Date.now() };
  const token = await encodeCookie({ token: claims, secret: consoleSecret(db.secretKey) });
  const cookie = `${cookieName(origin)}=${token}`;
  const asking = () => whoAsks({ ...db, consoleUrl: origin }, { cookie });
  return { asking, is: async () => (await asking())?.actor.name ?? null };
}

const signOutsOf = async (name: string) =>
  (
    await db.store
      .select({ by: actions.actorName, after: actions.after })
      .from(actions)
      .where(and(eq(actions.action, 'console.signOut'), eq(actions.subject, name)))
  ).map(({ by, after }) => [by, after]);

describe('whoever signs out of the console', () => {
  const leave = async (session: Awaited<ReturnType<typeof signIn>>) => {
    const { actor, signOn } = (await session.asking()) ?? expect.fail('not signed in');
    return leaveConsole({ store: db.store, secretKey: db.secretKey, actor, ...(signOn === undefined ? {} : { signOn }) });
  };

  test('goes to the provider with a signed request for that session, which is over here by then', async () => {
    const here = await signIn('ana', 'index-1');
    const elsewhere = await signIn('ana', 'index-2');
    const { address } = await leave(here);
    expect(address).toMatch(/^https:\/\/idp\.example\/slo\?SAMLRequest=/);
    expect(await logouts.readRequest(address ?? '')).toMatchObject({
      ...{ issuer: `${origin}/api/saml/corp/metadata`, nameID: 'subject-ana', sessionIndex: 'index-1' },
      request: { destination: SLO },
    });
    const forged = address?.replace(/SAMLRequest=[^&]+/, `SAMLRequest=${encodeURIComponent(deflateRawSync('<x/>').toString('base64'))}`);
    await expect(logouts.readRequest(forged ?? '')).rejects.toThrow(/SIGNATURE/);
    expect([await here.is(), await elsewhere.is()]).toEqual([null, 'ana']);
    expect(await signOutsOf('ana')).toEqual([['ana', { by: 'corp' }]]);
    // The provider's answer changes nothing, whatever it says.
    const answered = await fetch(`${origin}/api/saml/corp/slo?SAMLResponse=x`, { redirect: 'manual' });
    expect([answered.status, answered.headers.get('location')]).toEqual([303, `${origin}/sign-in`]);
  });

  test('stays where the provider has no address for it', async () => {
    await use(makeIdp(metadata, { logout: false }).metadata);
    const { actor } = await db.as('member');
    expect(await leaveConsole({ store: db.store, secretKey: db.secretKey, actor })).toEqual({ address: null });
    await use(idp.metadata);
    const session = await signIn('bo');
    await use(makeIdp(metadata, { logout: false }).metadata);
    expect(await leave(session)).toEqual({ address: null });
    expect(await session.is()).toBeNull();
    await use(idp.metadata);
  });
});

/** Sends a request as a browser would that comes from the provider. */
async function send(binding: 'redirect' | 'post', message: string, relayState?: string) {
  const answer =
    binding === 'redirect'
      ? await fetch(message, { redirect: 'manual' })
      : await fetch(`${origin}/api/saml/corp/slo`, {
          ...{ method: 'POST', redirect: 'manual', headers: { origin: 'https://idp.example', 'sec-fetch-site': 'cross-site' } },
          body: new URLSearchParams({ SAMLRequest: message, ...(relayState === undefined ? {} : { RelayState: relayState }) }),
        });
  return { status: answer.status, to: answer.headers.get('location') };
}

describe('whoever signs out at the provider', () => {
  // samlify leaves an apostrophe as it is in what it signs, and an address does not.
  const RELAY = { redirect: 'a state (theirs)!*&x=1', post: "a state (it's theirs)!*" };

  test.each(['redirect', 'post'] as const)('is signed out here in every browser, by %s, and the provider is told so', async (binding) => {
    const name = `of-${binding}`;
    const sessions = [await signIn(name, 'index-1'), await signIn(name, 'index-2'), await signIn(name)];
    const other = await signIn('somebody');
    const { status, to } = await send(
      binding,
      logouts.ask(binding, { id: `_${binding}`, nameId: `subject-${name}`, relayState: RELAY[binding] }),
      RELAY[binding],
    );
    expect([status, new URL(to ?? '').searchParams.get('RelayState')]).toEqual([303, RELAY[binding]]);
    expect(to).toMatch(/^https:\/\/idp\.example\/slo\?SAMLResponse=/);
    expect(await logouts.readResponse(to ?? '')).toMatchObject({
      ...{ issuer: `${origin}/api/saml/corp/metadata` },
      response: { inResponseTo: `_${binding}`, destination: SLO },
    });
    expect(await Promise.all(sessions.map(({ is }) => is()))).toEqual([null, null, null]);
    expect(await other.is()).toBe('somebody');
    expect(await signOutsOf(name)).toEqual([['gatehouse', { askedBy: 'corp' }]]);
  });

  test('by the index of a session ends that one, and what was never given one', async () => {
    const [first, second, bare] = [await signIn('cy', 'index-1'), await signIn('cy', 'index-2'), await signIn('cy')];
    expect((await send('redirect', logouts.ask('redirect', { nameId: 'subject-cy', sessionIndexes: ['index-0', 'index-2'] }))).status).toBe(
      303,
    );
    expect([await first.is(), await second.is(), await bare.is()]).toEqual(['cy', null, null]);
  });

  test('before the browser has its cookie has none that counts', async () => {
    const session = await signIn('dee');
    await send('post', logouts.ask('post', { nameId: 'subject-dee' }));
    expect(await session.is()).toBeNull();
    expect(await (await signIn('dee')).is()).toBe('dee');
  });

  test('may be named in secret', async () => {
    const session = await signIn('eve');
    const certificate = /use="encryption"[\s\S]*?<ds:X509Certificate>([^<]+)</.exec(metadata)?.[1];
    const template = (xml: string) =>
      decode(
        encryptAssertion(encode(xml.replace(/<saml:NameID>.*<\/saml:NameID>/, '<saml:Assertion>x</saml:Assertion>')), {
          certificate: `-----BEGIN CERTIFICATE-----\n${certificate}\n-----END CERTIFICATE-----`,
          plaintext: () => '<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">subject-eve</saml:NameID>',
        }),
      ).replaceAll('EncryptedAssertion', 'EncryptedID');
    expect((await send('redirect', logouts.ask('redirect', { nameId: '', template }))).status).toBe(303);
    expect(await session.is()).toBeNull();
  });

  test('of nobody who is here is answered the same', async () => {
    expect((await send('post', logouts.ask('post', { nameId: 'subject-nobody' }))).status).toBe(303);
  });
});

describe('refused, and nothing ends', () => {
  const ZED = { nameId: 'subject-zed' };
  const both = (changes: Partial<LogoutChanges>) =>
    (['redirect', 'post'] as const).map((binding) => [binding, () => logouts.ask(binding, { ...ZED, ...changes })] as const);
  /** Signed over the query as somebody spells it. */
  const query = (parts: string, algorithm = 'rsa-sha256', hash = 'sha256') => {
    const signed = `${parts}&SigAlg=${encodeURIComponent(`http://www.w3.org/2001/04/xmldsig-more#${algorithm}`)}`;
    return `${origin}/api/saml/corp/slo?${signed}&Signature=${encodeURIComponent(sign(hash, Buffer.from(signed), idp.key).toString('base64'))}`;
  };
  const messageIn = (address: string) => encodeURIComponent(new URL(address).searchParams.get('SAMLRequest') ?? '');
  const forged = () => logouts.ask('redirect', { ...ZED, unsigned: true });
  const innocent = () => logouts.ask('redirect', { nameId: 'subject-nobody' });
  const stranger = () => logoutsOf({ ...idp, key: makeRsaCertificate().key }, metadata);

  test.each<[string, readonly (readonly ['redirect' | 'post', () => string | Promise<string>])[]]>([
    ['unsigned', both({ unsigned: true })],
    [
      'by a stranger',
      [
        ['redirect', () => stranger().ask('redirect', ZED)],
        ['post', () => stranger().ask('post', ZED)],
      ],
    ],
    ['of another issuer', both({ issuer: 'https://other.example' })],
    ['for another address', both({ destination: 'https://other.example/slo' })],
    ['for no address', both({ template: (xml) => xml.replace(/ Destination="[^"]+"/, '') })],
    ['too old', both({ issuedAt: -302 })],
    ['from the future', both({ issuedAt: 60 })],
    ['expired', both({ notOnOrAfter: -2 })],
    ['with two names', both({ template: (xml) => xml.replace('<saml:NameID>', '<saml:NameID>subject-x</saml:NameID><saml:NameID>') })],
    ['without an id', [['redirect', () => logouts.ask('redirect', { ...ZED, template: (xml) => xml.replace(/ ID="[^"]+"/, '') })]]],
    [
      'no logout request',
      [['redirect', () => query(`SAMLRequest=${encodeURIComponent(deflateRawSync('<LogoutRequest/>').toString('base64'))}`)]],
    ],
    [
      'no XML',
      [
        ['redirect', () => query(`SAMLRequest=${encodeURIComponent(deflateRawSync('<a').toString('base64'))}`)],
        ['post', () => 'AAAA'],
      ],
    ],
    [
      'longer than any',
      [['redirect', () => query(`SAMLRequest=${encodeURIComponent(deflateRawSync(Buffer.alloc(1 << 20, 'a')).toString('base64'))}`)]],
    ],
    [
      'another message under a good signature',
      [['redirect', () => innocent().replace(/SAMLRequest=[^&]+/, `SAMLRequest=${messageIn(forged())}`)]],
    ],
    ['two messages, the signed one first', [['redirect', () => `${innocent()}&SAMLRequest=${messageIn(forged())}`]]],
    ['two messages, the signed one last', [['redirect', () => innocent().replace('?', `?SAMLRequest=${messageIn(forged())}&`)]]],
    ['a changed state', [['redirect', () => logouts.ask('redirect', { ...ZED, relayState: 'a' }).replace('RelayState=a', 'RelayState=b')]]],
    [
      'by SHA-1',
      [
        ['redirect', () => query(`SAMLRequest=${messageIn(forged())}`, 'rsa-sha1', 'sha1')],
        ['post', () => logoutsOf(idp, metadata, 'rsa-sha1').ask('post', ZED)],
      ],
    ],
    ['by an algorithm without a key', [['redirect', () => query(`SAMLRequest=${messageIn(forged())}`, 'sha256')]]],
    [
      'wrapped: the signed one inside a forged one',
      [
        [
          'post',
          () => {
            const signed = decode(logouts.ask('post', { nameId: 'subject-nobody' }));
            const other = decode(logouts.ask('post', { ...ZED, unsigned: true }));
            return encode(other.replace('</saml:Issuer>', () => `</saml:Issuer><samlp:Extensions>${signed}</samlp:Extensions>`));
          },
        ],
        [
          'post',
          () => {
            const signed = decode(logouts.ask('post', { nameId: 'subject-nobody' }));
            const other = decode(logouts.ask('post', { ...ZED, unsigned: true }));
            const signature =
              /<ds:Signature[\s\S]*<\/ds:Signature>/.exec(signed)?.[0] ?? /<Signature[\s\S]*<\/Signature>/.exec(signed)?.[0];
            return encode(
              other.replace('</saml:Issuer>', () => `</saml:Issuer>${signature}<samlp:Extensions>${signed}</samlp:Extensions>`),
            );
          },
        ],
      ],
    ],
    [
      'changed',
      [['post', () => encode(decode(logouts.ask('post', { nameId: 'subject-nobody' })).replace('subject-nobody', 'subject-zed'))]],
    ],
    [
      'a signed response in place of a request',
      [['post', async () => signMessage(await idp.respond({ inResponseTo: '_', ...ZED, attributes: {} }), 'Response', idp.key)]],
    ],
  ])('%s', async (_name, messages) => {
    const session = await signIn('zed', 'index-z');
    for (const [binding, message] of messages) {
      expect(await send(binding, await message())).toEqual({ status: 400, to: null });
      expect(await session.is()).toBe('zed');
    }
  });

  test.each(['redirect', 'post'] as const)('used before, by %s', async (binding) => {
    const first = await signIn('rex');
    const request = logouts.ask(binding, { nameId: 'subject-rex' });
    const tries = await Promise.all(Array.from({ length: 4 }, () => send(binding, request)));
    expect(tries.map(({ status }) => status).sort()).toEqual([303, 400, 400, 400]);
    expect(await first.is()).toBeNull();
    const again = await signIn('rex');
    expect((await send(binding, request)).status).toBe(400);
    expect(await again.is()).toBe('rex');
  });

  test('for another provider’s people', async () => {
    const session = await signIn('zed');
    await db.store.insert(identityProviders).values({
      ...{ id: 'idp_other', position: 1, name: 'other' },
      settings: { type: 'saml', name: 'other', metadata: idp.metadata, clockSkewMs: 0, principal: { claim: 'uid' } },
    });
    const theirs = logoutsOf(idp, await (await fetch(`${origin}/api/saml/other/metadata`)).text());
    expect((await send('redirect', theirs.ask('redirect', ZED))).status).toBe(303);
    expect(await session.is()).toBe('zed');
  });
});

test('a sign-on is kept as long as the console session that rests on it', async () => {
  await db.store.update(signOns).set({ createdAt: new Date(Date.now() - 14 * 3_600_000) });
  const session = await signIn('last');
  expect(await db.store.select().from(signOns)).toHaveLength(1);
  expect(await session.is()).toBe('last');
});

const decode = (message: string) => Buffer.from(message, 'base64').toString();
const encode = (xml: string) => Buffer.from(xml).toString('base64');
