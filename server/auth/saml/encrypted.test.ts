import { X509Certificate } from 'node:crypto';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { identityProviders, samlKeys, samlRequests } from '../../../db/schema/identity';
import type { SamlProvider } from '../../../db/schema/identityShapes';
import { IdentityRefused } from '../../../proxy/identity/assertion';
import { type HttpServer, listenHttp } from '../../http';
import type { Call } from '../../identity/actor';
import { type TestStore, withStore } from '../../testing';
import { samlSignOn } from '../providers';
import { createSamlHandler } from './handler';
import { readSamlKeys, rotateSamlKey } from './keys';
import { requestsOf } from './requests';
import { verifyResponse } from './response';
import { serviceProvider } from './serviceProvider';
import { makeIdp, makeRsaCertificate, type ResponseChanges, type TestIdp } from './testing';
import { type Encryption, encryptAssertion, signMessage } from './testingEncryption';

let db: TestStore;
let admin: Call;
let http: HttpServer;
let origin: string;
let idp: TestIdp;
let ours: string;
beforeAll(async () => {
  db = await withStore();
  admin = await db.as('admin', { name: 'ada' });
  http = await listenHttp({ host: '127.0.0.1', port: 0 });
  origin = `http://127.0.0.1:${http.port}`;
  http.routes.saml = createSamlHandler({ store: db.store, consoleUrl: origin, secretKey: db.secretKey });
  // Many at once are the first to ask: one pair is made.
  const asked = await Promise.all(Array.from({ length: 4 }, metadata));
  expect(new Set(asked.map((xml) => certificatesIn(xml, 'encryption').join())).size).toBe(1);
  idp = makeIdp(asked[0] ?? '');
  await use({});
});
afterAll(async () => {
  await http.close();
  await db.close();
});
beforeEach(async () => {
  ours = certificatesIn(await metadata(), 'encryption')[0] ?? '';
});

const metadata = async () => (await fetch(`${origin}/api/saml/corp/metadata`)).text();
const certificatesIn = (xml: string, use: string) =>
  [...xml.matchAll(new RegExp(`use="${use}"[\\s\\S]*?<ds:X509Certificate>([^<]+)<`, 'g'))].map(([, base64 = '']) =>
    new X509Certificate(Buffer.from(base64, 'base64')).toString(),
  );

async function use(asked: Partial<SamlProvider>): Promise<void> {
  const settings: SamlProvider = {
    ...{ type: 'saml', name: 'corp', metadata: idp.metadata, clockSkewMs: 1_000 },
    ...{ principal: { claim: 'uid', create: 'human' }, ...asked },
  };
  await db.store.delete(identityProviders);
  await db.store.insert(identityProviders).values({ id: 'idp_corp', position: 0, name: 'corp', settings });
}

async function begin(): Promise<{ cookie: string; id: string; address: string }> {
  const answer = await fetch(`${origin}/api/saml/corp/login`, { redirect: 'manual' });
  const address = answer.headers.get('location') ?? '';
  return { cookie: (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '', id: (await idp.readRequest(address)).id, address };
}

/** What becomes of a response: `in`, or why not. */
async function take(response: (id: string) => Promise<string>): Promise<string> {
  const { cookie, id } = await begin();
  return post(await response(id), cookie);
}

async function post(SAMLResponse: string, cookie: string): Promise<string> {
  const why = await judge(SAMLResponse, cookie);
  const answer = await fetch(`${origin}/api/saml/corp/acs`, {
    ...{ method: 'POST', redirect: 'manual', headers: { cookie } },
    body: new URLSearchParams({ SAMLResponse }),
  });
  const { searchParams } = new URL(answer.headers.get('location') ?? '');
  expect(searchParams.has('link')).toBe(why === 'in' && searchParams.get('ended') === null);
  return searchParams.get('ended') === null || why !== 'in' ? why : (searchParams.get('ended') ?? '');
}

async function judge(samlResponse: string, cookie: string): Promise<string> {
  const provider = (await samlSignOn(db.store, 'corp')) ?? expect.fail('no provider');
  const requests = requestsOf(db.store, { providerId: provider.id, browser: cookie.split('=')[1] ?? '' });
  const service = await serviceProvider(provider, origin, { requestId: '_', requests });
  const keys = async () => (await readSamlKeys(db.store, db.secretKey, new Date())).all.map((key) => key.privateKey());
  return verifyResponse(provider, service, samlResponse, new Date(), keys).then(
    () => 'in',
    (error: Error) => {
      expect(error).toBeInstanceOf(IdentityRefused);
      return error.message;
    },
  );
}

const ANA = { nameId: 'subject-ana', attributes: { uid: ['ana'] } };
const says = (inResponseTo: string, changes: Partial<ResponseChanges> = {}) => idp.respond({ inResponseTo, ...ANA, ...changes });
const sealed =
  (encryption: Partial<Encryption> = {}, changes: Partial<ResponseChanges> = {}) =>
  async (id: string) =>
    encryptAssertion(await says(id, changes), { certificate: ours, ...encryption });
const signedAround = (response: (id: string) => Promise<string>) => async (id: string) =>
  signMessage(await response(id), 'Response', idp.key);

const signature = /<ds:Signature[\s\S]*?<\/ds:Signature>/;
const forgedFrom = (signed: string) =>
  signed
    .replace(signature, '')
    .replace(/ID="[^"]+"/, 'ID="_forged"')
    .replaceAll('>ana<', '>admin<');

describe('an encrypted assertion', () => {
  test.each<[string, (id: string) => Promise<string>]>([
    ['by samlify', (id) => says(id, { encrypted: true })],
    ['by AES-256-GCM and the OAEP of XML Encryption 1.0', sealed()],
    ['by AES-128-GCM', sealed({ content: 'aes128-gcm' })],
    ['by the OAEP of 1.1 with SHA-256', sealed({ key: 'rsa-oaep', hash: 'sha256' })],
    ['by the OAEP of 1.1 with SHA-1', sealed({ key: 'rsa-oaep' })],
    ['by AES-CBC, in a response that is signed', signedAround(sealed({ content: 'aes256-cbc' }))],
    ['by AES-GCM, in a response that is signed', signedAround(sealed())],
  ])('%s is opened', async (_name, response) => {
    expect(await take(response)).toBe('in');
  });

  test.each<[string, (id: string) => Promise<string>, RegExp]>([
    ['for another key', (id) => sealed({ certificate: makeRsaCertificate().certificate })(id), /another key, or was changed/],
    [
      'changed',
      sealed({ ciphertext: (bytes) => Buffer.concat([bytes.subarray(0, 40), Buffer.from([(bytes[40] ?? 0) ^ 1]), bytes.subarray(41)]) }),
      /another key, or was changed/,
    ],
    ['cut short', sealed({ ciphertext: (bytes) => bytes.subarray(0, 10) }), /another key, or was changed/],
    ['with half a tag', sealed({ ciphertext: (bytes) => bytes.subarray(0, -8) }), /another key, or was changed/],
    ['its key by RSA 1.5', sealed({ key: 'rsa-1_5' }), /not taken: .*rsa-1_5/],
    ['by RSA 1.5 in a signed response', signedAround(sealed({ key: 'rsa-1_5' })), /not taken: .*rsa-1_5/],
    ['by Triple DES', signedAround(sealed({ content: 'tripledes-cbc' })), /not taken: .*tripledes/],
    ['by AES-CBC', sealed({ content: 'aes256-cbc' }), /AES-CBC/],
    [
      'by AES-CBC, in a response that was signed around another one',
      async (id) => {
        const other =
          /<saml:EncryptedAssertion[\s\S]*<\/saml:EncryptedAssertion>/.exec(decode(await sealed({ content: 'aes256-cbc' })(id)))?.[0] ?? '';
        const signed = decode(await signedAround(sealed({ content: 'aes256-cbc' }))(id));
        return encode(signed.replace(/<saml:EncryptedAssertion[\s\S]*<\/saml:EncryptedAssertion>/, () => other));
      },
      /AES-CBC/,
    ],
    ['with a mask of another hash', sealed({ key: 'rsa-oaep', hash: 'sha256', mask: 'sha1' }), /one hash/],
    ['that is signed with SHA-1', sealed({}, { signedBy: 'rsa-sha1' }), /signature is by .*sha1/],
    ['that is not signed', sealed({ plaintext: (assertion) => assertion.replace(signature, '') }), /Invalid signature/],
    [
      'that is not signed, in a response that is',
      signedAround(sealed({ plaintext: (assertion) => assertion.replace(signature, '') })),
      /Invalid signature/,
    ],
    ['that was changed before', sealed({ plaintext: (assertion) => assertion.replace('>ana<', '>admin<') }), /Invalid signature/],
    ['wrapped: a second one beside it', sealed({ plaintext: (assertion) => forgedFrom(assertion) + assertion }), /multiple assertions/],
    [
      'wrapped: the signed one inside the forged one',
      sealed({ plaintext: (assertion) => forgedFrom(assertion).replace('</saml:Assertion>', () => `${assertion}</saml:Assertion>`) }),
      /Invalid signature/,
    ],
    [
      'wrapped: a clear one beside it',
      async (id) => {
        const assertion = /<saml:Assertion[\s\S]*<\/saml:Assertion>/.exec(decode(await says(id)))?.[0] ?? '';
        return encode(
          decode(await sealed()(id)).replace('<saml:EncryptedAssertion', () => `${forgedFrom(assertion)}<saml:EncryptedAssertion`),
        );
      },
      /multiple assertions/,
    ],
    [
      'wrapped: two of them',
      async (id) => encode(decode(await sealed()(id)).replace(/<saml:EncryptedAssertion[\s\S]*<\/saml:EncryptedAssertion>/, '$&$&')),
      /multiple assertions/,
    ],
    [
      'that is encrypted twice',
      sealed({ plaintext: (assertion) => decode(encryptAssertion(encode(assertion), { certificate: ours })) }),
      /./,
    ],
    [
      'with two ciphertexts',
      async (id) => encode(decode(await sealed()(id)).replace(/<x:CipherData>(?![\s\S]*<x:CipherData>)[\s\S]*<\/x:CipherData>/, '$&$&')),
      /no CipherData, or several/,
    ],
    ['for another audience', sealed({}, { audience: 'https://other.example' }), /audience mismatch/],
    ['for another recipient', sealed({}, { recipient: 'https://other.example/acs' }), /another recipient/],
    ['expired', sealed({}, { notBefore: -600, notOnOrAfter: -300 }), /expired|No valid subject/],
    ['of another issuer', sealed({}, { issuer: 'https://other.example' }), /another issuer/],
    [
      'by a stranger',
      async (id) => encryptAssertion(await makeIdp(await metadata()).respond({ inResponseTo: id, ...ANA }), { certificate: ours }),
      /Invalid signature/,
    ],
  ])('%s is refused', async (_name, response, words) => {
    expect(await take(response)).toMatch(words);
  });

  test('is taken once, whatever it is encrypted with', async () => {
    const { cookie, id } = await begin();
    const response = await says(id);
    expect(await post(encryptAssertion(response, { certificate: ours }), cookie)).toBe('in');
    await db.store.update(samlRequests).set({ usedAt: null }).where(eq(samlRequests.id, id));
    expect(await post(encryptAssertion(response, { certificate: ours }), cookie)).toBe('refused');
  });

  test('is asked for where the policy says so, and a clear one is refused', async () => {
    await use({ encryptedAssertions: 'required' });
    expect(await take(says)).toMatch(/not encrypted/);
    expect(await take(signedAround(says))).toMatch(/not encrypted/);
    expect(await take(sealed())).toBe('in');
    await use({});
    expect(await take(says)).toBe('in');
  });
});

describe('requests', () => {
  const signedBy = (address: string, xml: string) =>
    makeIdp(xml)
      .readSignedRequest(address)
      .then(
        ({ id }) => id,
        () => 'not signed by a key of the metadata',
      );

  test('are signed where the policy or the provider’s metadata asks for it, and our metadata says so', async () => {
    for (const [asked, signs] of [
      [{}, false],
      [{ signRequests: true }, true],
      [{ metadata: makeIdp(await metadata(), { wantsSignedRequests: true }).metadata }, true],
      [{ metadata: makeIdp(await metadata(), { wantsSignedRequests: true }).metadata, signRequests: false }, false],
    ] as const) {
      await use(asked);
      const xml = await metadata();
      expect(xml).toContain(`AuthnRequestsSigned="${signs}"`);
      const { id, address } = await begin();
      expect(new URL(address).searchParams.get('SigAlg')).toBe(signs ? 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256' : null);
      if (!signs) continue;
      expect(await signedBy(address, xml)).toBe(id);
      const other = makeRsaCertificate().certificate.replace(/-----[A-Z ]+-----|\s/g, '');
      expect(await signedBy(address, xml.replace(/(use="signing"[\s\S]*?<ds:X509Certificate>)[^<]+/, `$1${other}`))).toMatch(/not signed/);
    }
    await use({});
  });
});

describe('the pair of the store', () => {
  test('is RSA of 3072 bits, sealed, and the same at every gateway', async () => {
    const [row, ...others] = await db.store.select().from(samlKeys);
    expect(others).toEqual([]);
    expect(new X509Certificate(ours).publicKey.asymmetricKeyDetails).toMatchObject({ modulusLength: 3_072 });
    expect(row?.keySealed).toMatch(/^v2\./);
    const { signing } = await readSamlKeys(db.store, db.secretKey, new Date());
    expect(signing.privateKey()).toContain('PRIVATE KEY');
    expect(await metadata()).not.toContain('PRIVATE');
  });

  test('in a rotation the one of before signs and opens until it is over, and both are in the metadata', async () => {
    await use({ signRequests: true });
    const before = ours;
    const made = await rotateSamlKey(admin, { overlapMs: 60_000 });
    const xml = await metadata();
    expect(certificatesIn(xml, 'encryption')).toEqual([made.certificate, before].map((pem) => new X509Certificate(pem).toString()));
    expect(certificatesIn(xml, 'signing')).toHaveLength(2);
    const signs = async () => {
      const { address } = await begin();
      const { signing } = await readSamlKeys(db.store, db.secretKey, new Date());
      const one = xml.replace(/<KeyDescriptor use="signing">[\s\S]*?<\/KeyDescriptor>/g, (each) =>
        each.includes(signing.certificate.replace(/-----[A-Z ]+-----|\s/g, '')) ? each : '',
      );
      await makeIdp(one).readSignedRequest(address);
      return new X509Certificate(signing.certificate).toString();
    };
    expect(await signs()).toBe(before);
    for (const certificate of [before, made.certificate]) expect(await take(sealed({ certificate }))).toBe('in');
    await expect(rotateSamlKey(admin, { overlapMs: 60_000 })).rejects.toThrow(/under way/);

    await db.store
      .update(samlKeys)
      .set({ endsAt: new Date(Date.now() - 1) })
      .where(eq(samlKeys.certificate, before));
    expect(await signs()).toBe(new X509Certificate(made.certificate).toString());
    expect(await take(sealed({ certificate: before }))).toMatch(/another key/);
    expect(await take(sealed({ certificate: made.certificate }))).toBe('in');
    expect(await db.store.select().from(samlKeys)).toHaveLength(1);
    await use({});
  });

  test('without an overlap the one of before opens nothing any more', async () => {
    await rotateSamlKey(admin, { overlapMs: 60_000 });
    const made = await rotateSamlKey(admin, { overlapMs: 0 });
    expect(certificatesIn(await metadata(), 'signing')).toEqual([new X509Certificate(made.certificate).toString()]);
    expect(await take(sealed({ certificate: ours }))).toMatch(/another key/);
    await expect(rotateSamlKey(await db.as('auditor'), {})).rejects.toThrow(/needs role admin/);
  });
});

const decode = (response: string) => Buffer.from(response, 'base64').toString();
const encode = (xml: string) => Buffer.from(xml).toString('base64');
