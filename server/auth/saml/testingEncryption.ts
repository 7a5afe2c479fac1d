import { constants, createCipheriv, publicEncrypt, randomBytes } from 'node:crypto';
import { signXml } from '@node-saml/node-saml/lib/xml.js';

/** Tests only: what an identity provider's XML Encryption may send, sound or not. */

export interface Encryption {
  /** PEM: for whom. */
  certificate: string;
  /** Of the content; without its namespace. */
  content?: 'aes128-gcm' | 'aes256-gcm' | 'aes256-cbc' | 'tripledes-cbc';
  key?: 'rsa-oaep-mgf1p' | 'rsa-oaep' | 'rsa-1_5';
  /** Of RSA-OAEP: digest, and mask where it is another. */
  hash?: 'sha1' | 'sha256';
  mask?: 'sha1' | 'sha256';
  /** What is encrypted in place of the assertion. */
  plaintext?(assertion: string): string;
  /** What becomes of the ciphertext. */
  ciphertext?(bytes: Buffer): Buffer;
}

const XENC = 'http://www.w3.org/2001/04/xmlenc#';
const XENC11 = 'http://www.w3.org/2009/xmlenc11#';
const CIPHERS = { 'aes128-gcm': 'aes-128-gcm', 'aes256-gcm': 'aes-256-gcm', 'aes256-cbc': 'aes-256-cbc', 'tripledes-cbc': 'des-ede3-cbc' };
const KEY_BYTES = { 'aes128-gcm': 16, 'aes256-gcm': 32, 'aes256-cbc': 32, 'tripledes-cbc': 24 };
const DIGESTS = { sha1: 'http://www.w3.org/2000/09/xmldsig#sha1', sha256: `${XENC}sha256` };

/** A response with its assertion encrypted. Base64, as what it is given. */
export function encryptAssertion(response: string, encryption: Encryption): string {
  const xml = Buffer.from(response, 'base64').toString();
  const assertion = /<saml:Assertion[\s\S]*<\/saml:Assertion>/.exec(xml)?.[0] ?? '';
  const encrypted = `<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${encryptedData(assertion, encryption)}</saml:EncryptedAssertion>`;
  return Buffer.from(xml.replace(assertion, () => encrypted)).toString('base64');
}

function encryptedData(assertion: string, encryption: Encryption): string {
  const { content = 'aes256-gcm', key = 'rsa-oaep-mgf1p', hash = 'sha1', mask = hash, certificate } = encryption;
  const symmetric = randomBytes(KEY_BYTES[content]);
  const padding = key === 'rsa-1_5' ? constants.RSA_PKCS1_PADDING : constants.RSA_PKCS1_OAEP_PADDING;
  const wrapped = publicEncrypt({ key: certificate, padding, ...(key === 'rsa-1_5' ? {} : { oaepHash: hash }) }, symmetric);
  const sealed = seal(content, symmetric, encryption.plaintext?.(assertion) ?? assertion);
  const bytes = encryption.ciphertext?.(sealed) ?? sealed;
  const mgf = key === 'rsa-oaep' ? `<x11:MGF xmlns:x11="${XENC11}" Algorithm="${XENC11}mgf1${mask}"/>` : '';
  const cipher = (value: Buffer) => `<x:CipherData><x:CipherValue>${value.toString('base64')}</x:CipherValue></x:CipherData>`;
  return `<x:EncryptedData xmlns:x="${XENC}" Type="${XENC}Element"><x:EncryptionMethod Algorithm="${content.endsWith('gcm') ? XENC11 : XENC}${content}"/>
    <ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><x:EncryptedKey><x:EncryptionMethod Algorithm="${key === 'rsa-oaep' ? XENC11 : XENC}${key}"><ds:DigestMethod Algorithm="${DIGESTS[hash]}"/>${mgf}</x:EncryptionMethod>${cipher(wrapped)}</x:EncryptedKey></ds:KeyInfo>${cipher(bytes)}</x:EncryptedData>`;
}

function seal(content: keyof typeof CIPHERS, key: Buffer, plaintext: string): Buffer {
  const gcm = content.endsWith('gcm');
  const block = content === 'tripledes-cbc' ? 8 : 16;
  const iv = randomBytes(gcm ? 12 : block);
  const cipher = createCipheriv(CIPHERS[content] as 'aes-256-gcm', key, iv).setAutoPadding(false);
  const text = Buffer.from(plaintext);
  const padding = gcm ? 0 : block - (text.length % block);
  const padded = Buffer.concat([text, ...(padding === 0 ? [] : [randomBytes(padding - 1), Buffer.from([padding])])]);
  return Buffer.concat([iv, cipher.update(padded), cipher.final(), gcm ? cipher.getAuthTag() : Buffer.alloc(0)]);
}

/** Signs the message around it all, as `Response`, `LogoutRequest`. Base64. */
export function signMessage(message: string, element: string, privateKey: string): string {
  const xpath = `/*[local-name()='${element}']`;
  const signed = signXml(
    Buffer.from(message, 'base64').toString(),
    xpath,
    { reference: `${xpath}/*[local-name()='Issuer']`, action: 'after' },
    { privateKey, signatureAlgorithm: 'sha256', digestAlgorithm: 'sha256' },
  );
  return Buffer.from(signed).toString('base64');
}
