import { IdentityRefused } from '../../../proxy/identity/assertion';

const DSIG = 'http://www.w3.org/2000/09/xmldsig#';
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

/** @throws IdentityRefused where a signature of the message is by what is not safe any more, whether it holds or not */
export async function refuseWeakSignatures(xml: string): Promise<void> {
  const { parseDomFromString, xpath } = await import('@node-saml/node-saml/lib/xml.js');
  const document = await parseDomFromString(xml);
  const named = (parent: string, name: string) =>
    xpath
      .selectElements(document.documentElement, `//*[local-name()='${parent}']/*[local-name()='${name}' and namespace-uri()='${DSIG}']`)
      .map((element) => element.getAttribute('Algorithm') ?? '');
  const weak =
    named('SignedInfo', 'SignatureMethod').find((algorithm) => !SIGNED_BY.has(algorithm)) ??
    named('Reference', 'DigestMethod').find((algorithm) => !DIGESTED_BY.has(algorithm));
  if (weak !== undefined)
    throw new IdentityRefused(`the signature is by ${weak.slice(0, 100)}: have the provider sign with RSA and SHA-256`);
}
