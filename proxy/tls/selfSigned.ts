import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import * as x509 from '@peculiar/asn1-x509';

/** ecdsa-with-SHA256, and the commonName attribute. */
const ECDSA_SHA256 = '1.2.840.10045.4.3.2';
const COMMON_NAME = '2.5.4.3';
/** Clocks of clients may be behind ours. */
const BACKDATED_MS = 60 * 60_000;

/**
 * A self-signed server certificate over a new EC P-256 key, as PEM. It is a leaf: whoever trusts it trusts this key for these names and
 * nothing it could sign.
 *
 * @param options.names host names and addresses, the first of them the subject's
 */
export function makeSelfSigned(options: { names: readonly string[]; now: Date; validMs: number }): { certificate: string; key: string } {
  const { names, now, validMs } = options;
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const subject = new x509.Name([
    new x509.RelativeDistinguishedName([
      new x509.AttributeTypeAndValue({ type: COMMON_NAME, value: new x509.AttributeValue({ utf8String: names[0] ?? 'gatehouse' }) }),
    ]),
  ]);
  const algorithm = new x509.AlgorithmIdentifier({ algorithm: ECDSA_SHA256 });
  const toSign = new x509.TBSCertificate({
    version: x509.Version.v3,
    serialNumber: serialNumber(),
    signature: algorithm,
    issuer: subject,
    subject,
    validity: new x509.Validity({ notBefore: new Date(now.getTime() - BACKDATED_MS), notAfter: new Date(now.getTime() + validMs) }),
    subjectPublicKeyInfo: AsnConvert.parse(publicKey.export({ type: 'spki', format: 'der' }), x509.SubjectPublicKeyInfo),
    extensions: extensions(names, publicKey),
  });
  const signature = sign('sha256', Buffer.from(AsnConvert.serialize(toSign)), privateKey);
  const certificate = AsnConvert.serialize(
    new x509.Certificate({ tbsCertificate: toSign, signatureAlgorithm: algorithm, signatureValue: exactly(signature) }),
  );
  return { certificate: pem(Buffer.from(certificate)), key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

function extensions(names: readonly string[], publicKey: KeyObject): x509.Extensions {
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const keyId = exactly(createHash('sha256').update(spki).digest().subarray(0, 20));
  const generalNames = names.map((name) => new x509.GeneralName(isIP(name) === 0 ? { dNSName: name } : { iPAddress: name }));
  return new x509.Extensions([
    extension(x509.id_ce_basicConstraints, true, new x509.BasicConstraints({ cA: false })),
    extension(x509.id_ce_keyUsage, true, new x509.KeyUsage(x509.KeyUsageFlags.digitalSignature)),
    extension(x509.id_ce_extKeyUsage, false, new x509.ExtendedKeyUsage([x509.id_kp_serverAuth])),
    extension(x509.id_ce_subjectKeyIdentifier, false, new x509.SubjectKeyIdentifier(keyId)),
    extension(x509.id_ce_subjectAltName, false, new x509.SubjectAlternativeName(generalNames)),
  ]);
}

const extension = (extnID: string, critical: boolean, value: object): x509.Extension =>
  new x509.Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });

/** Positive, and of full length: the first bit is 0 and the first byte is not. */
function serialNumber(): ArrayBuffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return exactly(bytes);
}

/** A Buffer may be a view of a larger one; ASN.1 wants the bytes alone. */
const exactly = (bytes: Buffer): ArrayBuffer => new Uint8Array(bytes).buffer;

const pem = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${(der.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`;
