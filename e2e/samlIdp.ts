import { generateKeyPairSync, sign } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AsnConvert } from '@peculiar/asn1-schema';
import * as x509 from '@peculiar/asn1-x509';
import { Constants, IdentityProvider, ServiceProvider, setSchemaValidator } from 'samlify';

/** A real SAML identity provider with one page, which signs in whoever comes as `nameId` and posts its response by itself. */
export interface SamlIdp {
  metadata: string;
  /** Where it sends a browser whose person it signs out. */
  signsOut(): string;
  /** Whom it was asked to sign out. */
  signedOut: readonly string[];
  stop(): void;
}

/** At localhost: another site than the console's 127.0.0.1, so that its form carries no cookie of ours. */
export async function startSamlIdp(spMetadata: string, nameId: string): Promise<SamlIdp> {
  // What is judged is the console's judgement; samlify need not judge what it made.
  setSchemaValidator({ validate: async () => 'not validated' });
  const signedOut: string[] = [];
  const page = createServer();
  await new Promise<void>((resolve) => page.listen(0, 'localhost', resolve));
  const address = `http://localhost:${(page.address() as AddressInfo).port}`;
  const { redirect, post } = Constants.namespace.binding;
  const idp = IdentityProvider({
    ...makeKey(),
    entityID: `${address}/metadata`,
    ...{ dataEncryptionAlgorithm: 'http://www.w3.org/2009/xmlenc11#aes256-gcm', isAssertionEncrypted: true },
    ...{ wantLogoutRequestSigned: true, wantLogoutResponseSigned: true },
    singleSignOnService: [redirect, post].map((Binding) => ({ Binding, Location: `${address}/sso` })),
    singleLogoutService: [{ Binding: redirect, Location: `${address}/slo` }],
    nameIDFormat: ['urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'],
  });
  const sp = ServiceProvider({ metadata: spMetadata, wantLogoutRequestSigned: true, wantLogoutResponseSigned: true });
  page.on('request', async (req, res) => {
    const { pathname, search, searchParams } = new URL(req.url ?? '/', address);
    const query = Object.fromEntries(searchParams);
    if (pathname === '/slo') {
      // Both are thrown at when no key of the console's metadata signed them.
      const message = { query, octetString: search.slice(1).replace(/&Signature=.*$/, '') };
      if (query.SAMLResponse !== undefined) {
        const { extract } = await idp.parseLogoutResponse(sp, 'redirect', message);
        res.end(`Signed out everywhere, says ${String(extract.issuer)}`);
      } else {
        const { extract } = await idp.parseLogoutRequest(sp, 'redirect', message);
        signedOut.push(String(extract.nameID));
        const answer = idp.createLogoutResponse(sp, { extract } as never, 'redirect');
        res.writeHead(303, { location: answer.context }).end();
      }
      return;
    }
    const request = await idp.parseLoginRequest(sp, 'redirect', { query });
    const { context } = await idp.createLoginResponse(sp, request as never, 'post', { email: nameId });
    res.setHeader('content-type', 'text/html');
    res.end(`<form method="post" action="${String(sp.entityMeta.getAssertionConsumerService('post'))}">
      <input type="hidden" name="SAMLResponse" value="${context}"><input type="hidden" name="RelayState" value="https://evil.example/">
      </form><script>document.forms[0].submit()</script>`);
  });
  const signsOut = () => idp.createLogoutRequest(sp, 'redirect', { logoutNameID: nameId, sessionIndex: '' }).context;
  return { metadata: idp.getMetadata(), signedOut, signsOut, stop: () => void page.close() };
}

function makeKey(): { privateKey: string; signingCert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const name = new x509.Name([
    new x509.RelativeDistinguishedName([
      new x509.AttributeTypeAndValue({ type: '2.5.4.3', value: new x509.AttributeValue({ utf8String: 'idp' }) }),
    ]),
  ]);
  const algorithm = new x509.AlgorithmIdentifier({ algorithm: '1.2.840.113549.1.1.11', parameters: null });
  const toSign = new x509.TBSCertificate({
    version: x509.Version.v3,
    serialNumber: new Uint8Array([1]).buffer,
    signature: algorithm,
    issuer: name,
    subject: name,
    validity: new x509.Validity({ notBefore: new Date(), notAfter: new Date(Date.now() + 3_600_000) }),
    subjectPublicKeyInfo: AsnConvert.parse(publicKey.export({ type: 'spki', format: 'der' }), x509.SubjectPublicKeyInfo),
  });
  const signature = sign('sha256', Buffer.from(AsnConvert.serialize(toSign)), privateKey);
  const signatureValue = new Uint8Array(signature).buffer;
  const der = AsnConvert.serialize(new x509.Certificate({ tbsCertificate: toSign, signatureAlgorithm: algorithm, signatureValue }));
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    signingCert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
  };
}
