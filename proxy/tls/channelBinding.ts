import { createHash } from 'node:crypto';
import { id_RSASSA_PSS, RsaSaPssParams } from '@peculiar/asn1-rsa';
import { AsnConvert } from '@peculiar/asn1-schema';
import { type AlgorithmIdentifier, Certificate } from '@peculiar/asn1-x509';

/** Object identifiers of signature algorithms, and of hashes where RSA-PSS names one, to the hash that channel binding uses. */
const HASHES: ReadonlyMap<string, string> = new Map([
  // RFC 5929, section 4.1: MD5 and SHA-1 are replaced by SHA-256.
  ['1.2.840.113549.1.1.4', 'sha256'],
  ['1.2.840.113549.1.1.5', 'sha256'],
  ['1.2.840.113549.1.1.14', 'sha224'],
  ['1.2.840.113549.1.1.11', 'sha256'],
  ['1.2.840.113549.1.1.12', 'sha384'],
  ['1.2.840.113549.1.1.13', 'sha512'],
  ['1.2.840.10040.4.3', 'sha256'],
  ['2.16.840.1.101.3.4.3.2', 'sha256'],
  ['1.2.840.10045.4.1', 'sha256'],
  ['1.2.840.10045.4.3.1', 'sha224'],
  ['1.2.840.10045.4.3.2', 'sha256'],
  ['1.2.840.10045.4.3.3', 'sha384'],
  ['1.2.840.10045.4.3.4', 'sha512'],
  ['1.3.14.3.2.26', 'sha256'],
  ['2.16.840.1.101.3.4.2.4', 'sha224'],
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
]);

/**
 * The tls-server-end-point channel binding of a certificate (RFC 5929, section 4): its hash, by the hash of its signature algorithm.
 * Null where that algorithm has none (Ed25519, Ed448) or is not known: then there is nothing to bind to.
 *
 * @param der the server's own certificate, not its chain
 */
export function endPointBinding(der: Buffer): Buffer | null {
  const hash = HASHES.get(hashOid(der) ?? '');
  return hash === undefined ? null : createHash(hash).update(der).digest();
}

function hashOid(der: Buffer): string | null {
  try {
    const { signatureAlgorithm } = AsnConvert.parse(der, Certificate);
    return signatureAlgorithm.algorithm === id_RSASSA_PSS ? pssHash(signatureAlgorithm) : signatureAlgorithm.algorithm;
  } catch {
    return null;
  }
}

/** RSA-PSS names its hash in its parameters; absent ones mean SHA-1. */
const pssHash = ({ parameters }: AlgorithmIdentifier): string =>
  parameters == null ? '1.3.14.3.2.26' : AsnConvert.parse(parameters, RsaSaPssParams).hashAlgorithm.algorithm;
