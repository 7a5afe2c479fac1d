import type { SamlNameId } from '../../../db/schema/identityShapes';
import { IdentityRefused } from '../../../proxy/identity/assertion';
import { children, decryptElement } from './decrypt';
import { escaped } from './ownMetadata';

/** The messages of single logout (SAML 2.0 Core §3.7), as far as a service provider says and hears them. */

const PROTOCOL = 'urn:oasis:names:tc:SAML:2.0:protocol';
const ASSERTION = 'urn:oasis:names:tc:SAML:2.0:assertion';

interface Envelope {
  id: string;
  now: Date;
  issuer: string;
  destination: string;
}

/** Asks the provider to sign somebody out. Pure. */
export function logoutRequest(envelope: Envelope, who: { nameId: SamlNameId; sessionIndex: string | null }): string {
  const { value, ...qualifiers } = who.nameId;
  const names = { format: 'Format', nameQualifier: 'NameQualifier', spNameQualifier: 'SPNameQualifier' } as const;
  const attributes = Object.entries(names).flatMap(([field, name]) => {
    const said = qualifiers[field as keyof typeof names];
    return said === undefined ? [] : [` ${name}="${escaped(said)}"`];
  });
  const index = who.sessionIndex === null ? '' : `<samlp:SessionIndex>${escaped(who.sessionIndex)}</samlp:SessionIndex>`;
  return wrap('LogoutRequest', envelope, '', `<saml:NameID${attributes.join('')}>${escaped(value)}</saml:NameID>${index}`);
}

/** Answers the provider that nothing of it is left here. Pure. */
export function logoutResponse(envelope: Envelope, inResponseTo: string): string {
  const status = '<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>';
  return wrap('LogoutResponse', envelope, ` InResponseTo="${escaped(inResponseTo)}"`, status);
}

const wrap = (name: string, { id, now, issuer, destination }: Envelope, attributes: string, inner: string): string =>
  `<samlp:${name} xmlns:samlp="${PROTOCOL}" xmlns:saml="${ASSERTION}" ID="${id}" Version="2.0" IssueInstant="${now.toISOString()}" Destination="${escaped(destination)}"${attributes}><saml:Issuer>${escaped(issuer)}</saml:Issuer>${inner}</samlp:${name}>`;

/** Whom the provider signs out. */
export interface LogoutRequest {
  id: string;
  nameId: string;
  /** Empty: wherever they are signed in. */
  sessionIndexes: string[];
  /** Until then it would be believed. */
  notOnOrAfter: Date;
}

/** A browser carries it here at once. */
const MOST_AGE_MS = 5 * 60_000;

/**
 * @param xml what a signature of the provider covers
 * @param expects.keys our private keys as PEM, asked for when the name is encrypted
 * @throws IdentityRefused for one of another issuer, for somebody else, or of another time
 */
export async function readLogoutRequest(
  xml: string,
  expects: { issuer: string; destination: string; skewMs: number; now: Date; keys(): Promise<string[]> },
): Promise<LogoutRequest> {
  const { parseDomFromString } = await import('@node-saml/node-saml/lib/xml.js');
  const parsed = async (text: string) =>
    (
      await parseDomFromString(text).catch((): never => {
        throw new IdentityRefused('the logout request cannot be read');
      })
    ).documentElement;
  const root = await parsed(xml);
  if (root.localName !== 'LogoutRequest' || root.namespaceURI !== PROTOCOL) throw new IdentityRefused('the message is no logout request');
  const texts = (namespace: string, name: string) => children(root, namespace, name).map((element) => (element.textContent ?? '').trim());
  if (texts(ASSERTION, 'Issuer').join() !== expects.issuer) throw new IdentityRefused('the logout request is of another issuer');
  if (root.getAttribute('Destination') !== expects.destination) throw new IdentityRefused('the logout request is for another address');
  const notOnOrAfter = timesOf(root, expects);
  const id = root.getAttribute('ID') ?? '';
  if (id === '') throw new IdentityRefused('the logout request has no id');
  const clear = children(root, ASSERTION, 'NameID');
  const sealed = children(root, ASSERTION, 'EncryptedID');
  const [name, ...others] = [
    ...clear,
    // The signature was over the ciphertext.
    ...(await Promise.all(
      sealed.slice(0, 1).map(async (element) => parsed(decryptElement(element, await expects.keys(), { verified: true }))),
    )),
  ];
  if (name?.localName !== 'NameID' || others.length > 0 || sealed.length > 1)
    throw new IdentityRefused('the logout request has no NameID, or several');
  const nameId = (name.textContent ?? '').trim();
  if (nameId === '') throw new IdentityRefused('the logout request has no NameID');
  return { id, nameId, sessionIndexes: texts(PROTOCOL, 'SessionIndex'), notOnOrAfter };
}

function timesOf(root: Element, { now, skewMs }: { now: Date; skewMs: number }): Date {
  const issued = Date.parse(root.getAttribute('IssueInstant') ?? '');
  const said = root.getAttribute('NotOnOrAfter') ?? '';
  const ends = Math.min(issued + MOST_AGE_MS, said === '' ? Number.POSITIVE_INFINITY : Date.parse(said));
  if (Number.isNaN(ends)) throw new IdentityRefused('the logout request does not say when it was made');
  if (now.getTime() + skewMs < issued) throw new IdentityRefused('the logout request is not valid yet');
  if (now.getTime() - skewMs >= ends) throw new IdentityRefused('the logout request has expired');
  return new Date(ends + skewMs);
}
