import { IdentityRefused } from '../../../proxy/identity/assertion';

/** RSA and digests of SHA-2 (RFC 9231 §2.1, §2.3): in SHA-1 two texts can be made that have one signature. */
const SIGNED_BY: ReadonlySet<string> = new Set([
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha384',
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512',
  'http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1',
]);
const DIGESTED_BY: ReadonlySet<string> = new Set([
  'http://www.w3.org/2001/04/xmlenc#sha256',
  'http://www.w3.org/2001/04/xmldsig-more#sha384',
  'http://www.w3.org/2001/04/xmlenc#sha512',
]);

/**
 * Looked for by their names alone, in whichever namespace, as whoever verifies them does.
 * @throws IdentityRefused where a signature of the message is by what is not safe any more, whether it holds or not
 */
export async function refuseWeakSignatures(xml: string): Promise<void> {
  const { parseDomFromString, xpath } = await import('@node-saml/node-saml/lib/xml.js');
  const { documentElement } = await parseDomFromString(xml);
  const algorithms = (path: string) =>
    xpath.selectElements(documentElement, path).map((element) => element.getAttribute('Algorithm') ?? '');
  const weak =
    algorithms("//*[local-name()='SignatureMethod']").find((algorithm) => !SIGNED_BY.has(algorithm)) ??
    // One of an EncryptionMethod is OAEP's, which does not rest on collisions.
    algorithms("//*[local-name()='Reference']/*[local-name()='DigestMethod']").find((algorithm) => !DIGESTED_BY.has(algorithm));
  if (weak !== undefined)
    throw new IdentityRefused(`the signature is by ${weak.slice(0, 100)}: have the provider sign with RSA and SHA-256`);
}
