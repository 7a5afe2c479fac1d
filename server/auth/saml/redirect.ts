import { sign, verify } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { IdentityRefused } from '../../../proxy/identity/assertion';

/**
 * The HTTP-Redirect binding with its signature over the query (SAML 2.0 Bindings §3.4.4.1). node-saml's own takes a query without a signature for
 * a valid one, and signs a RelayState that it then spells differently.
 */

const HASHES: Readonly<Record<string, string>> = {
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256': 'sha256',
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha384': 'sha384',
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512': 'sha512',
};
const OURS = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';

/** More than any message to us has; what it unpacks to is not known before. */
const MOST_XML_BYTES = 64 * 1024;

type Kind = 'SAMLRequest' | 'SAMLResponse';

/** The address that carries a message, signed with our key (PEM). Pure. */
export function signedAddress(location: string, message: { kind: Kind; xml: string; relayState: string | null }, key: string): string {
  const parts = [
    [message.kind, deflateRawSync(message.xml).toString('base64')],
    ...(message.relayState === null ? [] : [['RelayState', message.relayState]]),
    ['SigAlg', OURS],
  ];
  // Signed is the query as it is spelled, so it is spelled once, and so that no browser spells it otherwise.
  const query = parts.map(([name = '', value = '']) => `${name}=${encoded(value)}`).join('&');
  const signature = sign('sha256', Buffer.from(query), key).toString('base64');
  return `${location}${location.includes('?') ? '&' : '?'}${query}&Signature=${encoded(signature)}`;
}

/**
 * What a signed query says.
 * @param query as it came, without the question mark
 * @param certificates PEM, any of which may have signed
 * @throws IdentityRefused for one that is not signed by them. Pure.
 */
export function readSigned(query: string, kind: Kind, certificates: readonly string[]): { xml: string; relayState: string | null } {
  const raw = new Map<string, string>();
  for (const part of query.split('&')) {
    const at = part.indexOf('=');
    const name = part.slice(0, Math.max(at, 0));
    // Said twice, it could be read here and verified there.
    if (raw.has(name)) throw new IdentityRefused(`the query says ${name.slice(0, 20)} twice`);
    raw.set(name, part.slice(at + 1));
  }
  const message = raw.get(kind);
  const algorithm = raw.get('SigAlg');
  const signature = raw.get('Signature');
  if (message === undefined || algorithm === undefined || signature === undefined) throw new IdentityRefused('the message is not signed');
  const hash = HASHES[decoded(algorithm)];
  if (hash === undefined) throw new IdentityRefused('the message is signed by an algorithm that is not taken: choose RSA with SHA-256');
  const relayState = raw.get('RelayState');
  const signed = [`${kind}=${message}`, ...(relayState === undefined ? [] : [`RelayState=${relayState}`]), `SigAlg=${algorithm}`].join('&');
  const bytes = Buffer.from(decoded(signature), 'base64');
  if (!certificates.some((certificate) => verify(hash, Buffer.from(signed), certificate, bytes)))
    throw new IdentityRefused('the signature of the message is not the provider’s');
  return { xml: unpacked(decoded(message)), relayState: relayState === undefined ? null : decoded(relayState) };
}

/** Everything but RFC 3986's unreserved characters: browsers write %27 for an apostrophe. */
const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`);

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new IdentityRefused('the query cannot be read');
  }
}

function unpacked(base64: string): string {
  try {
    return inflateRawSync(Buffer.from(base64, 'base64'), { maxOutputLength: MOST_XML_BYTES }).toString('utf8');
  } catch {
    throw new IdentityRefused('the message cannot be unpacked, or is too long');
  }
}
