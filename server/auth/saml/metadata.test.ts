import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { metadataWarnings, readIdpMetadata } from './metadata';
import { makeRsaCertificate } from './testing';

const [first, second, chained] = [makeRsaCertificate(), makeRsaCertificate(), makeRsaCertificate()].map(({ certificate }) => certificate);
const bare = (pem = '') => pem.replace(/-----[A-Z ]+-----/g, '');
const key = (use: string, ...certificates: (string | undefined)[]) =>
  `<md:KeyDescriptor${use}><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>${certificates
    .map((each) => `<ds:X509Certificate>${bare(each)}</ds:X509Certificate>`)
    .join('')}</ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`;
const SIGNING = ' use="signing"';
const sso = (binding: string, at = 'https://idp.example/sso') =>
  `<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:${binding}" Location="${at}"/>`;
const slo = (binding: string, more = '') =>
  `<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:${binding}" Location="https://idp.example/slo" ${more}/>`;
const entity = (inner: string, id = 'https://idp.example') =>
  `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="${id}"><md:IDPSSODescriptor>${inner}</md:IDPSSODescriptor></md:EntityDescriptor>`;
const federation = (...entities: string[]) =>
  `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">${entities.join('')}</md:EntitiesDescriptor>`;
const fingerprints = (pems: readonly (string | undefined)[]) => pems.map((pem) => new X509Certificate(pem ?? '').fingerprint256);

describe('what a sign-on needs of metadata', () => {
  test.each<[string, string, (string | undefined)[]]>([
    ['one key', entity(key(SIGNING, first) + sso('HTTP-POST', 'https://idp.example/post') + sso('HTTP-Redirect')), [first]],
    ['a key for everything', entity(key('', first) + sso('HTTP-Redirect')), [first]],
    ['two while it changes', entity(key(SIGNING, first) + key(SIGNING, second) + sso('HTTP-Redirect')), [first, second]],
    ['none that only encrypts', entity(key(SIGNING, first) + key(' use="encryption"', second) + sso('HTTP-Redirect')), [first]],
    ['none that only vouches', entity(key(SIGNING, first, chained) + sso('HTTP-Redirect')), [first]],
    ['a federation of one', federation(entity(key(SIGNING, first) + sso('HTTP-Redirect'))), [first]],
  ])('%s', async (_name, xml, certificates) => {
    const read = await readIdpMetadata(xml);
    expect(read).toMatchObject({ entityId: 'https://idp.example', signOnUrl: 'https://idp.example/sso' });
    expect(fingerprints(read.certificates)).toEqual(fingerprints(certificates));
  });

  test.each<[string, string, object | null]>([
    ['nowhere', '', null],
    ['by post alone', slo('HTTP-POST'), null],
    ['by redirect', slo('HTTP-POST') + slo('HTTP-Redirect'), { requests: 'https://idp.example/slo', responses: 'https://idp.example/slo' }],
    [
      'with an address of its own for answers',
      slo('HTTP-Redirect', 'ResponseLocation="https://idp.example/done"'),
      { requests: 'https://idp.example/slo', responses: 'https://idp.example/done' },
    ],
    ['at an address that a browser would run', slo('HTTP-Redirect', 'ResponseLocation="javascript:alert(1)"'), null],
  ])('sign-outs are heard %s', async (_name, services, logout) => {
    expect((await readIdpMetadata(entity(key(SIGNING, first) + services + sso('HTTP-Redirect')))).logout).toEqual(logout);
  });

  test.each<[string, string, RegExp]>([
    ['no XML', 'https://idp.example/metadata', /no identity provider/],
    ['no key', entity(sso('HTTP-Redirect')), /no signing certificate/],
    ['no certificate that can be read', entity(key(SIGNING, 'AAAA') + sso('HTTP-Redirect')), /cannot be read/],
    ['no redirect', entity(key(SIGNING, first) + sso('HTTP-POST')), /HTTP-Redirect/],
    ['an address that a browser would run', entity(key(SIGNING, first) + sso('HTTP-Redirect', 'javascript:alert(1)')), /HTTP-Redirect/],
    [
      'two providers',
      federation(
        entity(key(SIGNING, first) + sso('HTTP-Redirect')),
        entity(key(SIGNING, second) + sso('HTTP-Redirect'), 'https://b.example'),
      ),
      /several/,
    ],
  ])('%s is refused', async (_name, xml, words) => {
    await expect(readIdpMetadata(xml)).rejects.toThrow(words);
  });
});

test('whoever applies a policy is told what of it signs nobody in', async () => {
  const saml = { type: 'saml' as const, clockSkewMs: 0, principal: { claim: 'uid' } };
  const good = entity(key(SIGNING, first) + sso('HTTP-Redirect'));
  const told = await metadataWarnings([
    { ...saml, name: 'good', metadata: good },
    { ...saml, name: 'bad', metadata: entity(sso('HTTP-Redirect')) },
  ]);
  expect(told).toEqual(['identity provider bad signs nobody in: the metadata has no signing certificate']);
});
