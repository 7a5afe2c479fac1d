import { generateKeyPairSync } from 'node:crypto';
import { AsnConvert } from '@peculiar/asn1-schema';
import * as x509 from '@peculiar/asn1-x509';
import { Constants, IdentityProvider, ServiceProvider, setSchemaValidator } from 'samlify';
import { makeSelfSigned } from '../../../proxy/tls/selfSigned';

/** A real SAML identity provider, for tests: it reads our requests and metadata and signs its responses with a key of its own. */

export interface TestIdp {
  /** As an administrator pastes it into the policy. */
  metadata: string;
  /** PEM; for what is signed beside responses. */
  key: string;
  /** The request a browser was sent with. */
  readRequest(address: string): Promise<{ id: string; issuer: string; acs: string }>;
  /** The same of a request that has to be signed by a key of our metadata. @throws when it is not */
  readSignedRequest(address: string): Promise<{ id: string }>;
  /** A signed response in base64; each part of it can be another. */
  respond(changes: ResponseChanges): Promise<string>;
}

export interface ResponseChanges {
  inResponseTo: string;
  nameId: string;
  attributes?: Readonly<Record<string, readonly string[]>>;
  sessionIndex?: string;
  issuer?: string;
  audience?: string;
  recipient?: string;
  assertionId?: string;
  nameIdFormat?: string;
  /** The response in place of the assertion in it. */
  signed?: 'response';
  /** By samlify's own XML Encryption, for the first key of our metadata. */
  encrypted?: true;
  /** As providers signed long ago. */
  signedBy?: 'rsa-sha1';
  /** From now, in seconds. */
  notBefore?: number;
  notOnOrAfter?: number;
  /** What is done to the response before it is signed. */
  template?(xml: string): string;
}

export const SLO = 'https://idp.example/slo';
const SSO = 'https://idp.example/sso';
const ENTITY = 'https://idp.example/metadata';

/**
 * @param spMetadata what our metadata address answers
 * @param options.others certificates that are published beside its own
 */
export function makeIdp(
  spMetadata: string,
  options: { others?: readonly string[]; wantsSignedRequests?: true; logout?: false } = {},
): TestIdp {
  const { others = [] } = options;
  // What is judged is ours; samlify only has to be told that it need not judge what it made.
  setSchemaValidator({ validate: async () => 'not validated' });
  const { certificate, key } = makeRsaCertificate();
  const signOn = [{ Binding: Constants.namespace.binding.redirect, Location: SSO }];
  const settings = {
    entityID: ENTITY,
    privateKey: key,
    signingCert: certificate,
    singleSignOnService: [...signOn, { Binding: Constants.namespace.binding.post, Location: SSO }],
    ...(options.logout === false ? {} : { singleLogoutService: [{ Binding: Constants.namespace.binding.redirect, Location: SLO }] }),
    nameIDFormat: ['urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'],
  };
  const idp = IdentityProvider({ ...settings, isAssertionEncrypted: false });
  const strict = IdentityProvider({ ...settings, isAssertionEncrypted: false, wantAuthnRequestsSigned: true });
  const algorithms = {
    dataEncryptionAlgorithm: 'http://www.w3.org/2009/xmlenc11#aes256-gcm',
    keyEncryptionAlgorithm: 'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p',
  };
  const encrypting = IdentityProvider({ ...settings, ...algorithms, isAssertionEncrypted: true });
  const old = IdentityProvider({
    ...{ ...settings, isAssertionEncrypted: false },
    requestSignatureAlgorithm: 'http://www.w3.org/2000/09/xmldsig#rsa-sha1',
  });
  const sp = ServiceProvider({ metadata: spMetadata });
  const content = ServiceProvider({ metadata: spMetadata.replace('WantAssertionsSigned="true"', 'WantAssertionsSigned="false"') });
  return {
    key,
    metadata: (options.wantsSignedRequests === true ? strict : idp)
      .getMetadata()
      .replace(
        /<KeyDescriptor use="signing">[\s\S]*?<\/KeyDescriptor>/,
        (own) => others.map((other) => own.replace(bare(certificate), bare(other))).join('') + own,
      ),
    async readRequest(address) {
      const query = Object.fromEntries(new URL(address).searchParams);
      const { extract } = await idp.parseLoginRequest(sp, 'redirect', { query });
      return {
        id: String(extract.request?.id),
        issuer: String(extract.issuer),
        acs: String(extract.request?.assertionConsumerServiceUrl),
      };
    },
    async readSignedRequest(address) {
      const { search, searchParams } = new URL(address);
      const octetString = search.slice(1).replace(/&Signature=.*$/, '');
      const ours = ServiceProvider({ metadata: spMetadata.replace('AuthnRequestsSigned="false"', 'AuthnRequestsSigned="true"') });
      const { extract } = await strict.parseLoginRequest(ours, 'redirect', { query: Object.fromEntries(searchParams), octetString });
      return { id: String(extract.request?.id) };
    },
    async respond(changes) {
      const customTagReplacement = (template: string) => ({
        id: '_response',
        context: fill(changes.template?.(template) ?? template, changes, sp),
      });
      const { context } = await (changes.encrypted === true ? encrypting : changes.signedBy === undefined ? idp : old).createLoginResponse(
        changes.signed === 'response' ? content : sp,
        null as never,
        'post',
        { email: changes.nameId },
        { customTagReplacement },
      );
      return context;
    },
  };
}

const bare = (pem: string) => pem.replace(/-----[A-Z ]+-----|\s/g, '');

function fill(template: string, changes: ResponseChanges, sp: ReturnType<typeof ServiceProvider>): string {
  const at = (seconds: number) => new Date(Date.now() + seconds * 1_000).toISOString();
  const acs = String(sp.entityMeta.getAssertionConsumerService('post'));
  const values: Record<string, string> = {
    ID: '_response',
    AssertionID: changes.assertionId ?? `_${crypto.randomUUID()}`,
    Destination: acs,
    Audience: changes.audience ?? sp.entityMeta.getEntityID(),
    SubjectRecipient: changes.recipient ?? acs,
    Issuer: changes.issuer ?? ENTITY,
    IssueInstant: at(0),
    StatusCode: Constants.StatusCode.Success,
    ConditionsNotBefore: at(changes.notBefore ?? -5),
    ConditionsNotOnOrAfter: at(changes.notOnOrAfter ?? 300),
    SubjectConfirmationDataNotOnOrAfter: at(changes.notOnOrAfter ?? 300),
    NameIDFormat: changes.nameIdFormat ?? 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
    NameID: changes.nameId,
    InResponseTo: changes.inResponseTo,
    AuthnStatement:
      changes.sessionIndex === undefined ? '' : `<saml:AuthnStatement AuthnInstant="${at(0)}" SessionIndex="${changes.sessionIndex}"/>`,
    AttributeStatement: attributesXml(changes.attributes ?? {}),
  };
  return template.replace(/\{(\w+)\}/g, (_, tag: string) => values[tag] ?? '');
}

const attributesXml = (attributes: Readonly<Record<string, readonly string[]>>) =>
  `<saml:AttributeStatement>${Object.entries(attributes)
    .map(([name, values]) => {
      const inner = values.map((value) => `<saml:AttributeValue>${value}</saml:AttributeValue>`).join('');
      return `<saml:Attribute Name="${name}">${inner}</saml:Attribute>`;
    })
    .join('')}</saml:AttributeStatement>`;

/** Signatures of SAML are RSA's. Nobody looks who signed the certificate: metadata names the key. */
export function makeRsaCertificate(): { certificate: string; key: string } {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const { certificate } = makeSelfSigned({ names: ['idp.example'], now: new Date(), validMs: 3_600_000 });
  const der = Buffer.from(bare(certificate), 'base64');
  const parsed = AsnConvert.parse(der, x509.Certificate);
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  parsed.tbsCertificate.subjectPublicKeyInfo = AsnConvert.parse(spki, x509.SubjectPublicKeyInfo);
  const base64 = Buffer.from(AsnConvert.serialize(parsed)).toString('base64');
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${base64.match(/.{1,64}/g)?.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}
