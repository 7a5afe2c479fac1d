import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import * as x509 from '@peculiar/asn1-x509';

/** What tests show each other: a certificate and its key in PEM. */
export interface Issued {
  certificate: string;
  key: string;
}

interface Wanted {
  /** Common name. */
  name: string;
  dns?: string[];
  ips?: string[];
  /** Days from now; negative lies in the past. */
  fromDays?: number;
  untilDays?: number;
}

export interface Authority extends Issued {
  issue(wanted: Wanted): Issued;
  /** An authority below this one. */
  intermediate(name: string): Authority;
}

interface Keys {
  privateKey: KeyObject;
  publicKey: KeyObject;
}

const ECDSA_SHA256 = '1.2.840.10045.4.3.2';
const COMMON_NAME = '2.5.4.3';
const DAY_MS = 86_400_000;

/** An authority that signs itself, and what it issues. Real certificates: tests need no openssl command. */
export function createAuthority(name: string, { untilDays = 365 }: { untilDays?: number } = {}): Authority {
  const keys = newKeys();
  const wanted = { name, fromDays: Math.min(-1, untilDays - 2), untilDays };
  return authority(certify(wanted, keys, { name, privateKey: keys.privateKey }, authorityExtensions()), keys, name);
}

/** What `openssl req -x509` and many an installer leave behind: a server's certificate that no authority signed. */
export function selfSigned(ip: string): Issued {
  const keys = newKeys();
  return certify({ name: ip }, keys, { name: ip, privateKey: keys.privateKey }, leafExtensions({ ips: [ip] }));
}

function authority(own: Issued, { privateKey }: Keys, name: string): Authority {
  const issuer = { name, privateKey };
  return {
    ...own,
    issue: (wanted) => certify(wanted, newKeys(), issuer, leafExtensions(wanted)),
    intermediate(below) {
      const keys = newKeys();
      return authority(certify({ name: below }, keys, issuer, authorityExtensions()), keys, below);
    },
  };
}

function certify(
  { name, fromDays = -1, untilDays = 90 }: Wanted,
  keys: Keys,
  issuer: { name: string; privateKey: KeyObject },
  extensions: x509.Extension[],
): Issued {
  const algorithm = new x509.AlgorithmIdentifier({ algorithm: ECDSA_SHA256 });
  const toSign = new x509.TBSCertificate({
    version: x509.Version.v3,
    serialNumber: nextSerial(),
    signature: algorithm,
    issuer: named(issuer.name),
    subject: named(name),
    validity: new x509.Validity({ notBefore: inDays(fromDays), notAfter: inDays(untilDays) }),
    subjectPublicKeyInfo: AsnConvert.parse(keys.publicKey.export({ type: 'spki', format: 'der' }), x509.SubjectPublicKeyInfo),
    extensions: new x509.Extensions(extensions),
  });
  const signatureValue = alone(sign('sha256', Buffer.from(AsnConvert.serialize(toSign)), issuer.privateKey));
  const der = AsnConvert.serialize(new x509.Certificate({ tbsCertificate: toSign, signatureAlgorithm: algorithm, signatureValue }));
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

const newKeys = (): Keys => generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const inDays = (days: number) => new Date(Date.now() + days * DAY_MS);

const named = (commonName: string) =>
  new x509.Name([
    new x509.RelativeDistinguishedName([
      new x509.AttributeTypeAndValue({ type: COMMON_NAME, value: new x509.AttributeValue({ utf8String: commonName }) }),
    ]),
  ]);

const extension = (extnID: string, critical: boolean, value: object) =>
  new x509.Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });

const authorityExtensions = () => [
  extension(x509.id_ce_basicConstraints, true, new x509.BasicConstraints({ cA: true })),
  extension(x509.id_ce_keyUsage, true, new x509.KeyUsage(x509.KeyUsageFlags.keyCertSign)),
];

function leafExtensions({ dns = [], ips = [] }: Pick<Wanted, 'dns' | 'ips'>): x509.Extension[] {
  const names = [
    ...dns.map((name) => new x509.GeneralName({ dNSName: name })),
    ...ips.map((address) => new x509.GeneralName({ iPAddress: address })),
  ];
  return [
    extension(x509.id_ce_basicConstraints, true, new x509.BasicConstraints({ cA: false })),
    ...(names.length === 0 ? [] : [extension(x509.id_ce_subjectAltName, false, new x509.SubjectAlternativeName(names))]),
  ];
}

let serial = 0;
function nextSerial(): ArrayBuffer {
  const bytes = Buffer.alloc(4);
  // The first bit stays 0 and the first byte does not: positive, and encoded in as few bytes as there are.
  bytes.writeUInt32BE(0x40000000 + ++serial);
  return alone(bytes);
}

/** A Buffer may be a view of a larger one; ASN.1 wants the bytes alone. */
const alone = (bytes: Buffer): ArrayBuffer => new Uint8Array(bytes).buffer;
