import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

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
  issue(wanted: Wanted): Promise<Issued>;
  /** An authority below this one. */
  intermediate(name: string): Promise<Authority>;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' };
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' };
const DAY_MS = 86_400_000;

x509.cryptoProvider.set(webcrypto as Crypto);

const newKeys = () => webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']) as Promise<CryptoKeyPair>;
const inDays = (days: number) => new Date(Date.now() + days * DAY_MS);
let serial = 1;
const nextSerial = () => (serial++).toString(16).padStart(4, '0');

async function pemOf(certificate: x509.X509Certificate, keys: CryptoKeyPair): Promise<Issued> {
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  return { certificate: `${certificate.toString('pem')}\n`, key: `${x509.PemConverter.encode(key, 'PRIVATE KEY')}\n` };
}

/** An authority that signs itself, and what it issues. Real certificates: tests need no openssl command. */
export async function createAuthority(name: string, { untilDays = 365 }: { untilDays?: number } = {}): Promise<Authority> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: nextSerial(),
    name: `CN=${name}`,
    notBefore: inDays(Math.min(-1, untilDays - 2)),
    notAfter: inDays(untilDays),
    signingAlgorithm: SIGNING,
    keys,
    extensions: authorityExtensions(),
  });
  return authority(certificate, keys);
}

/** What `openssl req -x509` and many an installer leave behind: a server's certificate that no authority signed. */
export async function selfSigned(ip: string): Promise<Issued> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: nextSerial(),
    name: `CN=${ip}`,
    notBefore: inDays(-1),
    notAfter: inDays(90),
    signingAlgorithm: SIGNING,
    keys,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: ip }])],
  });
  return pemOf(certificate, keys);
}

const authorityExtensions = () => [
  new x509.BasicConstraintsExtension(true, undefined, true),
  new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
];

async function authority(certificate: x509.X509Certificate, keys: CryptoKeyPair): Promise<Authority> {
  const sign = (subject: string, publicKey: CryptoKey, notBefore: Date, notAfter: Date, extensions: x509.Extension[]) =>
    x509.X509CertificateGenerator.create({
      serialNumber: nextSerial(),
      subject,
      issuer: certificate.subject,
      notBefore,
      notAfter,
      signingKey: keys.privateKey,
      publicKey,
      signingAlgorithm: SIGNING,
      extensions,
    });
  return {
    ...(await pemOf(certificate, keys)),
    async issue({ name, dns = [], ips = [], fromDays = -1, untilDays = 90 }) {
      const own = await newKeys();
      const names: x509.JsonGeneralName[] = [
        ...dns.map((value) => ({ type: 'dns' as const, value })),
        ...ips.map((value) => ({ type: 'ip' as const, value })),
      ];
      const issued = await sign(`CN=${name}`, own.publicKey, inDays(fromDays), inDays(untilDays), [
        new x509.BasicConstraintsExtension(false),
        ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
      ]);
      return pemOf(issued, own);
    },
    async intermediate(name) {
      const own = await newKeys();
      return authority(await sign(`CN=${name}`, own.publicKey, inDays(-1), inDays(300), authorityExtensions()), own);
    },
  };
}
