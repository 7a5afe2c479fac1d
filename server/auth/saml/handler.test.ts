import { and, eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { actions } from '../../../db/schema/audit';
import { identityProviders, principals, samlRequests } from '../../../db/schema/identity';
import type { SamlProvider } from '../../../db/schema/identityShapes';
import { IdentityRefused } from '../../../proxy/identity/assertion';
import { mapAssertion } from '../../../proxy/identity/mapAssertion';
import { loadPrincipal } from '../../../proxy/identity/principal';
import { type HttpServer, listenHttp } from '../../http';
import { type TestStore, withStore } from '../../testing';
import { redeemSignInLink } from '../link';
import { type SamlSignOn, samlSignOn } from '../providers';
import { createSamlHandler } from './handler';
import { requestsOf } from './requests';
import { verifyResponse } from './response';
import { serviceProvider } from './serviceProvider';
import { makeIdp, makeRsaCertificate, type ResponseChanges, type TestIdp } from './testing';

let db: TestStore;
let http: HttpServer;
let origin: string;
let idp: TestIdp;
let stranger: TestIdp;
beforeAll(async () => {
  db = await withStore();
  http = await listenHttp({ host: '127.0.0.1', port: 0 });
  origin = `http://127.0.0.1:${http.port}`;
  http.routes.saml = createSamlHandler({ store: db.store, consoleUrl: origin, secretKey: db.secretKey });
  const ours = await (await fetch(`${origin}/api/saml/corp/metadata`)).text();
  // With a second certificate, as a provider publishes while it changes its key.
  idp = makeIdp(ours, { others: [makeRsaCertificate().certificate] });
  stranger = makeIdp(ours);
  const settings: SamlProvider = {
    type: 'saml',
    name: 'corp',
    metadata: idp.metadata,
    clockSkewMs: 1_000,
    principal: { claim: 'uid', create: 'human' },
    groups: { claim: 'memberOf', names: { 'Platform DBAs': 'dba' } },
  };
  await db.store.insert(identityProviders).values({ id: 'idp_corp', position: 0, name: 'corp', settings });
  await db.as('member', { name: 'in-dba', groups: ['dba'] });
});
afterAll(async () => {
  await http.close();
  await db.close();
});

/** A browser that pressed the button: its cookie, and the request it carries to the provider. */
async function begin(next = '/approvals'): Promise<{ cookie: string; id: string }> {
  const answer = await fetch(`${origin}/api/saml/corp/login?next=${encodeURIComponent(next)}`, { redirect: 'manual' });
  const { id, issuer, acs } = await idp.readRequest(answer.headers.get('location') ?? '');
  expect([issuer, acs]).toEqual([`${origin}/api/saml/corp/metadata`, `${origin}/api/saml/corp/acs`]);
  const cookie = answer.headers.get('set-cookie') ?? '';
  expect(cookie).toMatch(/^gatehouse\.saml=[\w-]{32}; Path=\/api\/saml\/; Max-Age=600; HttpOnly; SameSite=Lax$/);
  return { cookie: cookie.split(';')[0] ?? '', id };
}

async function post(SAMLResponse: string, cookie: string | null, fields: Record<string, string> = {}) {
  const answer = await fetch(`${origin}/api/saml/corp/acs`, {
    method: 'POST',
    redirect: 'manual',
    headers: cookie === null ? {} : { cookie },
    body: new URLSearchParams({ SAMLResponse, ...fields }),
  });
  const location = answer.headers.get('location');
  return { status: answer.status, body: await answer.text(), to: location === null ? null : new URL(location) };
}

const ANA = { nameId: 'subject-ana', attributes: { uid: ['ana'], memberOf: ['Platform DBAs', 'Everyone'] } };
const says = (inResponseTo: string, changes: Partial<ResponseChanges> = {}) => idp.respond({ inResponseTo, ...ANA, ...changes });
const endedOf = ({ to }: { to: URL | null }) => to?.searchParams.get('ended');
const decode = (response: string) => Buffer.from(response, 'base64').toString();
const encode = (xml: string) => Buffer.from(xml).toString('base64');

describe('a sign-on by SAML', () => {
  test('ends in a ticket for the person, made and in the groups that the provider says, and leads where they were going', async () => {
    const { cookie, id } = await begin('/audit?q=who%3Aana');
    const { status, to } = await post(await says(id), cookie, { RelayState: 'https://evil.example/' });
    expect(status).toBe(303);
    expect([to?.origin, to?.pathname, to?.searchParams.get('next')]).toEqual([origin, '/sign-in', '/audit?q=who%3Aana']);
    const redeemed = await redeemSignInLink(db.store, to?.searchParams.get('link') ?? '');
    expect(redeemed).toMatchObject({ providerId: 'idp_corp', principal: { name: 'ana', kind: 'human', role: 'member', groups: ['dba'] } });
    const [recorded] = await db.store
      .select({ after: actions.after })
      .from(actions)
      .where(and(eq(actions.action, 'console.signIn'), eq(actions.subject, 'ana')));
    expect(recorded?.after).toEqual({ by: 'corp' });
  });

  test('of groups, what the provider said last counts', async () => {
    const { cookie, id } = await begin();
    await post(await says(id, { attributes: { uid: ['ana'], memberOf: ['Everyone'] } }), cookie);
    const [row] = await db.store.select({ id: principals.id }).from(principals).where(eq(principals.name, 'ana'));
    expect((await loadPrincipal(db.store, row?.id ?? ''))?.groups).toEqual([]);
  });

  test('a form of another site carries no cookie: the page that answers posts it again from here, once', async () => {
    const { cookie, id } = await begin();
    const response = await says(id);
    const first = await post(response, null);
    expect(first).toMatchObject({ status: 200, to: null });
    const form = /name="again" value="(\d)".*name="SAMLResponse" value="([^"]+)"/.exec(first.body);
    expect(form?.[2]).toBe(response);
    expect(endedOf(await post(response, null, { again: form?.[1] ?? '' }))).toBe('unfinished');
    expect((await post(response, cookie, { again: '1' })).to?.searchParams.get('link')).toMatch(/^gh_ln_/);
  });

  test('the place to go is on this console, whatever was asked for', async () => {
    const { cookie, id } = await begin('//evil.example/');
    expect((await post(await says(id), cookie)).to?.searchParams.get('next')).toBe('/');
  });

  test('a comment, which signatures do not cover, cuts no name short', async () => {
    const { cookie, id } = await begin();
    const response = await says(id, { nameId: 'subject-analyst', attributes: { uid: ['analyst'] } });
    const { to } = await post(encode(decode(response).replace('>analyst<', '>ana<!-- -->lyst<')), cookie);
    const redeemed = await redeemSignInLink(db.store, to?.searchParams.get('link') ?? '');
    expect(redeemed?.principal.name).toBe('analyst');
  });

  test('what is no response, or for no provider, is not taken', async () => {
    expect((await post('"><script>', null)).status).toBe(400);
    expect((await fetch(`${origin}/api/saml/other/login`, { redirect: 'manual' })).status).toBe(404);
    expect((await fetch(`${origin}/api/saml/corp/acs`)).status).toBe(404);
  });
});

describe('refused, each with its reason in the record', () => {
  let provider: SamlSignOn;
  beforeAll(async () => {
    const found = await samlSignOn(db.store, 'corp');
    if (found === null) throw new Error('no provider');
    provider = found;
  });
  const signature = /<ds:Signature[\s\S]*?<\/ds:Signature>/;
  /** The signed assertion is carried along for its signature, and another one stands where it is read. */
  const wrapped = (xml: string, place: (signed: string, forged: string) => string) => {
    const signed = /<saml:Assertion[\s\S]*<\/saml:Assertion>/.exec(xml)?.[0] ?? '';
    const forged = signed
      .replace(signature, '')
      .replace(/ID="[^"]+"/, 'ID="_forged"')
      .replaceAll('>ana<', '>admin<');
    return xml.replace(signed, () => place(signed, forged));
  };

  test.each<[string, (id: string) => Promise<string>, RegExp]>([
    ['unsigned', async (id) => encode(decode(await says(id)).replace(signature, '')), /Invalid signature/],
    ['unsigned, in a signed response', (id) => says(id, { signed: 'response' }), /Invalid signature/],
    [
      'signed with SHA-1',
      (id) => says(id, { signedBy: 'rsa-sha1' }),
      /signature is by .*sha1: have the provider sign with RSA and SHA-256/,
    ],
    ['signed by a key that is not in the metadata', (id) => stranger.respond({ inResponseTo: id, ...ANA }), /Invalid signature/],
    ['an attribute changed', async (id) => encode(decode(await says(id)).replace('>ana<', '>admin<')), /Invalid signature/],
    ['wrapped: a second assertion first', async (id) => encode(wrapped(decode(await says(id)), (s, f) => f + s)), /multiple assertions/],
    [
      'wrapped: the signed one inside the forged one',
      async (id) => encode(wrapped(decode(await says(id)), (s, f) => f.replace('</saml:Assertion>', () => `${s}</saml:Assertion>`))),
      /Invalid signature/,
    ],
    [
      'wrapped: the signature of the other one on the forged one',
      async (id) =>
        encode(
          wrapped(decode(await says(id)), (s, f) =>
            f
              .replace('</saml:Issuer>', () => `</saml:Issuer>${signature.exec(s)?.[0]}`)
              .replace('</saml:Assertion>', () => `<saml:Advice>${s.replace(signature, '')}</saml:Advice></saml:Assertion>`),
          ),
        ),
      /Invalid signature/,
    ],
    [
      'wrapped: the signed one among the extensions',
      async (id) => encode(wrapped(decode(await says(id)), (s, f) => `<samlp:Extensions>${s}</samlp:Extensions>${f}`)),
      /Invalid signature/,
    ],
    ['expired', (id) => says(id, { notBefore: -600, notOnOrAfter: -300 }), /expired|No valid subject/],
    ['not valid yet', (id) => says(id, { notBefore: 60 }), /not yet valid/],
    ['for another audience', (id) => says(id, { audience: 'https://other.example' }), /audience mismatch/],
    [
      'for no audience',
      (id) => says(id, { template: (xml) => xml.replace(/<saml:AudienceRestriction>.*<\/saml:AudienceRestriction>/, '') }),
      /AudienceRestriction/,
    ],
    ['for another recipient', (id) => says(id, { recipient: 'https://other.example/acs' }), /another recipient/],
    ['for no recipient', (id) => says(id, { template: (xml) => xml.replace(' Recipient="{SubjectRecipient}"', '') }), /another recipient/],
    ['without a bearer confirmation', (id) => says(id, { template: (xml) => xml.replace('cm:bearer', 'cm:sender-vouches') }), /no bearer/],
    ['of another issuer', (id) => says(id, { issuer: 'https://other.example' }), /another issuer/],
    ['under a transient name', (id) => says(id, { nameIdFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient' }), /transient/],
    ['of somebody without the attribute', (id) => says(id, { attributes: {} }), /no claim uid/],
  ])('%s', async (_name, respond, words) => {
    const { cookie, id } = await begin();
    const response = await respond(id);
    const requests = requestsOf(db.store, { providerId: provider.id, browser: cookie.split('=')[1] ?? '' });
    const service = await serviceProvider(provider, origin, { requestId: '_', requests });
    const refusal = verifyResponse(provider, service, response, new Date(), async () => []).then(({ assertion }) =>
      mapAssertion(provider, assertion),
    );
    await expect(refusal).rejects.toThrow(words);
    await expect(refusal).rejects.toBeInstanceOf(IdentityRefused);
    const answer = await post(response, cookie);
    expect([answer.status, endedOf(answer), answer.to?.searchParams.get('link')]).toEqual([303, 'refused', null]);
  });

  test('used before: the assertion too, not only the request', async () => {
    const { cookie, id } = await begin();
    const response = await says(id);
    const tries = await Promise.all(Array.from({ length: 8 }, () => post(response, cookie)));
    expect(tries.filter(({ to }) => to?.searchParams.has('link'))).toHaveLength(1);
    await db.store.update(samlRequests).set({ usedAt: null }).where(eq(samlRequests.id, id));
    expect(endedOf(await post(response, cookie))).toBe('refused');
    // The request alone is enough too: another assertion for it is not taken.
    await db.store.update(samlRequests).set({ usedAt: new Date() }).where(eq(samlRequests.id, id));
    expect(endedOf(await post(await says(id), cookie))).toBe('unfinished');
  });

  test('asked for by another browser, by nobody, too long ago, or for another request than the signed one', async () => {
    const mine = await begin();
    const theirs = await begin();
    expect(endedOf(await post(await says(mine.id), theirs.cookie))).toBe('unfinished');
    expect(endedOf(await post(await says('_nobody'), mine.cookie))).toBe('unfinished');
    const unsolicited = (xml: string) => xml.replaceAll(' InResponseTo="{InResponseTo}"', '');
    expect(endedOf(await post(await says('', { template: unsolicited }), mine.cookie))).toBe('refused');
    // The response says one of ours, the assertion another.
    const swapped = encode(decode(await says(theirs.id)).replace(`InResponseTo="${theirs.id}"`, `InResponseTo="${mine.id}"`));
    expect(endedOf(await post(swapped, mine.cookie))).toBe('refused');
    const late = await begin();
    await db.store
      .update(samlRequests)
      .set({ expiresAt: new Date(Date.now() - 1) })
      .where(eq(samlRequests.id, late.id));
    expect(endedOf(await post(await says(late.id), late.cookie))).toBe('unfinished');
    expect((await post(await says(mine.id), mine.cookie)).to?.searchParams.get('link')).toMatch(/^gh_ln_/);
  });

  test('a person who is disabled, in the words that anybody gets', async () => {
    const { id: requestId, cookie } = await begin();
    await db.store.update(principals).set({ disabledAt: new Date() }).where(eq(principals.name, 'ana'));
    const disabled = await post(await says(requestId), cookie);
    const other = await begin();
    const unknown = await post(await says(other.id, { attributes: { uid: ['not a name!'] } }), other.cookie);
    expect(disabled.to?.href).toBe(unknown.to?.href);
    await db.store.update(principals).set({ disabledAt: null }).where(eq(principals.name, 'ana'));
  });
});
