import { constants, createDecipheriv, privateDecrypt } from 'node:crypto';
import { IdentityRefused } from '../../../proxy/identity/assertion';

/**
 * XML Encryption 1.1 as far as SAML needs it, and no further than is sound: RSA-OAEP for the key; AES-GCM for the content, and AES-CBC, which proves
 * nothing by itself, only where a signature over the ciphertext was verified before (XML Encryption 1.1 §5.2.4, §6.1). RSA 1.5 and Triple DES are
 * never opened. The library that node-saml has knows neither the RSA-OAEP of 1.1, which providers send by default, nor two keys of ours.
 */

const XENC = 'http://www.w3.org/2001/04/xmlenc#';
const XENC11 = 'http://www.w3.org/2009/xmlenc11#';
const DSIG = 'http://www.w3.org/2000/09/xmldsig#';

interface Content {
  cipher: 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm' | 'aes-128-cbc' | 'aes-192-cbc' | 'aes-256-cbc';
  keyBytes: number;
}

const CONTENT: Readonly<Record<string, Content>> = {
  [`${XENC11}aes128-gcm`]: { cipher: 'aes-128-gcm', keyBytes: 16 },
  [`${XENC11}aes192-gcm`]: { cipher: 'aes-192-gcm', keyBytes: 24 },
  [`${XENC11}aes256-gcm`]: { cipher: 'aes-256-gcm', keyBytes: 32 },
  [`${XENC}aes128-cbc`]: { cipher: 'aes-128-cbc', keyBytes: 16 },
  [`${XENC}aes192-cbc`]: { cipher: 'aes-192-cbc', keyBytes: 24 },
  [`${XENC}aes256-cbc`]: { cipher: 'aes-256-cbc', keyBytes: 32 },
};

/** SHA-1 is what both default to; OAEP does not rest on collisions. */
const DIGESTS: Readonly<Record<string, string>> = {
  [`${DSIG}sha1`]: 'sha1',
  [`${XENC}sha256`]: 'sha256',
  'http://www.w3.org/2001/04/xmldsig-more#sha384': 'sha384',
  [`${XENC}sha512`]: 'sha512',
};
const MASKS: Readonly<Record<string, string>> = {
  [`${XENC11}mgf1sha1`]: 'sha1',
  [`${XENC11}mgf1sha256`]: 'sha256',
  [`${XENC11}mgf1sha384`]: 'sha384',
  [`${XENC11}mgf1sha512`]: 'sha512',
};

/** Of more recipients than these none is looked for: each is an RSA operation. */
const MOST_KEYS = 4;

/** What is offered in our metadata, the best first. */
export const OFFERED_METHODS: readonly string[] = [
  `${XENC11}aes256-gcm`,
  `${XENC11}aes128-gcm`,
  `${XENC11}rsa-oaep`,
  `${XENC}rsa-oaep-mgf1p`,
];

/**
 * Opens an EncryptedAssertion, or an EncryptedID.
 * @param keys private keys as PEM, any of which may be the one
 * @param options.verified whether a signature that covers all of `element` was verified
 * @throws IdentityRefused, in the same words whatever of the ciphertext was wrong
 */
export function decryptElement(element: Element, keys: readonly string[], options: { verified: boolean }): string {
  const data = only(element, XENC, 'EncryptedData');
  const method = only(data, XENC, 'EncryptionMethod').getAttribute('Algorithm') ?? '';
  const content = Object.hasOwn(CONTENT, method) ? CONTENT[method] : undefined;
  if (content === undefined) throw new IdentityRefused(`the assertion is encrypted by an algorithm that is not taken: ${named(method)}`);
  if (!options.verified && content.cipher.endsWith('cbc'))
    throw new IdentityRefused('the assertion is encrypted by AES-CBC: choose AES-GCM, or have the provider sign the response too');
  const wrapped = [
    ...children(data, DSIG, 'KeyInfo').flatMap((info) => children(info, XENC, 'EncryptedKey')),
    ...children(element, XENC, 'EncryptedKey'),
  ];
  if (wrapped.length === 0 || wrapped.length > MOST_KEYS) throw new IdentityRefused('the assertion is encrypted, with no key or too many');
  const ciphertext = cipherValue(data);
  for (const { bytes, oaepHash } of wrapped.map(wrappedKey))
    for (const key of keys) {
      const opened = openContent(
        content,
        () => privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, bytes),
        ciphertext,
      );
      if (opened !== null) return opened;
    }
  throw new IdentityRefused('the assertion cannot be decrypted: it is encrypted for another key, or was changed');
}

function wrappedKey(encryptedKey: Element): { bytes: Buffer; oaepHash: string } {
  const method = only(encryptedKey, XENC, 'EncryptionMethod');
  const algorithm = method.getAttribute('Algorithm') ?? '';
  const [digest = `${DSIG}sha1`] = children(method, DSIG, 'DigestMethod').map(algorithmOf);
  const [mask = `${XENC11}mgf1sha1`] = algorithm === `${XENC11}rsa-oaep` ? children(method, XENC11, 'MGF').map(algorithmOf) : [];
  if (algorithm !== `${XENC11}rsa-oaep` && algorithm !== `${XENC}rsa-oaep-mgf1p`)
    throw new IdentityRefused(`the assertion's key is encrypted by an algorithm that is not taken: ${named(algorithm)}`);
  const oaepHash = DIGESTS[digest];
  // OpenSSL's OAEP has one hash for both here.
  if (oaepHash === undefined || MASKS[mask] !== oaepHash)
    throw new IdentityRefused(
      `the assertion's key is encrypted with digest ${named(digest)} and mask ${named(mask)}: both have to be one hash`,
    );
  if (children(method, XENC, 'OAEPparams').length > 0) throw new IdentityRefused('the assertion’s key is encrypted with OAEPparams');
  return { bytes: cipherValue(encryptedKey), oaepHash };
}

/** Null for whatever does not open: which step it was is nobody's to know. */
function openContent({ cipher, keyBytes }: Content, unwrap: () => Buffer, sealed: Buffer): string | null {
  try {
    const key = unwrap();
    if (key.length !== keyBytes) return null;
    const bytes = cipher.endsWith('gcm') ? openGcm(cipher as 'aes-256-gcm', key, sealed) : openCbc(cipher, key, sealed);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** 96 bits of nonce, ciphertext, 128 bits of tag (§5.2.4). */
function openGcm(cipher: 'aes-256-gcm', key: Buffer, sealed: Buffer): Buffer {
  const decipher = createDecipheriv(cipher, key, sealed.subarray(0, 12), { authTagLength: 16 });
  decipher.setAuthTag(sealed.subarray(-16));
  return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
}

/** The last byte says how many are padding, and the others of it are anything (§5.2.1): not PKCS #7. */
function openCbc(cipher: string, key: Buffer, sealed: Buffer): Buffer {
  const decipher = createDecipheriv(cipher, key, sealed.subarray(0, 16)).setAutoPadding(false);
  const padded = Buffer.concat([decipher.update(sealed.subarray(16)), decipher.final()]);
  const padding = padded.at(-1) ?? 0;
  if (padding < 1 || padding > 16) throw new Error('padding');
  return padded.subarray(0, -padding);
}

function cipherValue(parent: Element): Buffer {
  return Buffer.from(only(only(parent, XENC, 'CipherData'), XENC, 'CipherValue').textContent ?? '', 'base64');
}

const algorithmOf = (element: Element): string => element.getAttribute('Algorithm') ?? '';

/** Of what was sent, as much as the record may hold. */
const named = (algorithm: string): string => algorithm.slice(0, 100).replace(/[^\w:/.#-]/g, '?');

/** The elements of this name right below another one. */
export function children(parent: Element, namespace: string, name: string): Element[] {
  return Array.from(parent.childNodes).filter(
    (node): node is Element => node.nodeType === 1 && (node as Element).namespaceURI === namespace && (node as Element).localName === name,
  );
}

/** One, so that nothing is said twice. */
function only(parent: Element, namespace: string, name: string): Element {
  const [one, ...others] = children(parent, namespace, name);
  if (one === undefined || others.length > 0) throw new IdentityRefused(`the encrypted assertion has no ${name}, or several`);
  return one;
}
