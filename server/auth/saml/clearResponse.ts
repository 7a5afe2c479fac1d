import { randomBytes } from 'node:crypto';
import { IdentityRefused } from '../../../proxy/identity/assertion';
import { decryptElement } from './decrypt';
import { refuseWeakSignatures } from './signatures';

/**
 * The response with its encrypted assertion in the clear, in its place; whatever it says is then judged like one that came so: anybody can encrypt
 * for our key, so that encryption proves nothing of who wrote it. One without an encrypted assertion is given back as it is.
 *
 * @param samlResponse base64
 * @param expects.certificates whose signature over the response allows AES-CBC
 * @param expects.keys asked for when something is encrypted
 * @throws IdentityRefused for what does not open, what is signed with SHA-1, and for a clear assertion where an encrypted one is `required`
 */
export async function clearResponse(
  samlResponse: string,
  expects: { certificates: string[]; required: boolean; keys(): Promise<string[]> },
): Promise<string> {
  const { getVerifiedXml, parseDomFromString, xpath } = await import('@node-saml/node-saml/lib/xml.js');
  const read = async (xml: string) => {
    const root = (await parseDomFromString(xml)).documentElement;
    const named = (name: string) => xpath.selectElements(root, `self::*[local-name()='Response']/*[local-name()='${name}']`);
    return { root, clear: named('Assertion'), encrypted: named('EncryptedAssertion'), signatures: named('Signature') };
  };
  const xml = Buffer.from(samlResponse, 'base64').toString('utf8');
  await refuseWeakSignatures(xml);
  const received = await read(xml);
  if (received.encrypted.length === 0) {
    if (received.clear.length > 0 && expects.required)
      throw new IdentityRefused('the assertion is not encrypted, and the policy asks for it');
    return samlResponse;
  }
  if (received.encrypted.length + received.clear.length > 1) throw new IdentityRefused('the response has multiple assertions');
  const verified = getVerifiedXml(xml, received.root, expects.certificates);
  // Of a signed response what the signature covers is read, and nothing else.
  const { root, encrypted, signatures } = verified === null ? received : await read(verified);
  const [element] = encrypted;
  if (element === undefined) throw new IdentityRefused('the signed response has no encrypted assertion');
  const assertion = decryptElement(element, await expects.keys(), { verified: verified !== null });
  // As text, not as nodes: the assertion's own signature is over what it says to the byte.
  const place = `place-${randomBytes(16).toString('hex')}`;
  root.replaceChild(root.ownerDocument.createTextNode(place), element);
  // That of the response was over the ciphertext.
  for (const signature of signatures) root.removeChild(signature);
  const clear = root.toString().replace(place, () => assertion);
  await refuseWeakSignatures(clear);
  return Buffer.from(clear).toString('base64');
}
