import { generateKeyPair, randomBytes, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { AsnConvert } from '@peculiar/asn1-schema';
import * as x509 from '@peculiar/asn1-x509';

const SHA256_WITH_RSA = '1.2.840.113549.1.1.11';
const COMMON_NAME = '2.5.4.3';
/** Nobody asks who signed the certificate, nor when it ends: metadata names the key. It is long so that no provider's own check ends it. */
const VALID_YEARS = 10;
const BACKDATED_MS = 60 * 60_000;

/** An RSA key and the self-signed certificate that carries it in SAML metadata (SAML 2.0 Metadata §2.4.1.1), as PEM. */
export async function makeSamlPair(options: { name: string; now: Date; bits?: number }): Promise<{ certificate: string; key: string }> {
  const { name, now, bits = 3_072 } = options;
  const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', { modulusLength: bits });
  const subject = new x509.Name([
    new x509.RelativeDistinguishedName([
      new x509.AttributeTypeAndValue({ type: COMMON_NAME, value: new x509.AttributeValue({ utf8String: name }) }),
    ]),
  ]);
  const algorithm = new x509.AlgorithmIdentifier({ algorithm: SHA256_WITH_RSA, parameters: null });
  const serial = randomBytes(16);
  // Positive, and of full length: the first bit is 0 and the first byte is not.
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  const notAfter = new Date(now);
  notAfter.setUTCFullYear(now.getUTCFullYear() + VALID_YEARS);
  const toSign = new x509.TBSCertificate({
    version: x509.Version.v3,
    serialNumber: new Uint8Array(serial).buffer,
    signature: algorithm,
    issuer: subject,
    subject,
    validity: new x509.Validity({ notBefore: new Date(now.getTime() - BACKDATED_MS), notAfter }),
    subjectPublicKeyInfo: AsnConvert.parse(publicKey.export({ type: 'spki', format: 'der' }), x509.SubjectPublicKeyInfo),
  });
  const signatureValue = new Uint8Array(sign('sha256', Buffer.from(AsnConvert.serialize(toSign)), privateKey)).buffer;
  const der = AsnConvert.serialize(new x509.Certificate({ tbsCertificate: toSign, signatureAlgorithm: algorithm, signatureValue }));
  const lines = Buffer.from(der)
    .toString('base64')
    .match(/.{1,64}/g);
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${lines?.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}
