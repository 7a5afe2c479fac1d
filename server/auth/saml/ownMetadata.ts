import { OFFERED_METHODS } from './decrypt';
import type { Addresses } from './serviceProvider';

const BINDINGS = 'urn:oasis:names:tc:SAML:2.0:bindings';
const POST = `${BINDINGS}:HTTP-POST`;

/**
 * What we tell a provider of ourselves (SAML 2.0 Metadata §2.4.4). node-saml's own says that requests are signed wherever there is a key, and
 * knows one to encrypt for. Pure.
 *
 * @param certificates PEM; a provider may meet a signature by any of them, and encrypts for the first
 */
export function describeServiceProvider(
  addresses: Addresses,
  certificates: readonly string[],
  options: { signsRequests: boolean },
): string {
  const key = (use: string, certificate: string, methods: readonly string[]) => `
    <KeyDescriptor use="${use}">
      <ds:KeyInfo><ds:X509Data><ds:X509Certificate>${certificate.replace(/-----[A-Z ]+-----|\s/g, '')}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>${methods
        .map((method) => `\n      <EncryptionMethod Algorithm="${method}"/>`)
        .join('')}
    </KeyDescriptor>`;
  const keys = [
    ...certificates.map((certificate) => key('signing', certificate, [])),
    ...certificates.map((certificate) => key('encryption', certificate, OFFERED_METHODS)),
  ];
  return `<?xml version="1.0"?>
<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="${escaped(addresses.metadata)}">
  <SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol" AuthnRequestsSigned="${options.signsRequests}" WantAssertionsSigned="true">${keys.join('')}
    <SingleLogoutService Binding="${BINDINGS}:HTTP-Redirect" Location="${escaped(addresses.slo)}"/>
    <SingleLogoutService Binding="${POST}" Location="${escaped(addresses.slo)}"/>
    <AssertionConsumerService index="1" isDefault="true" Binding="${POST}" Location="${escaped(addresses.acs)}"/>
  </SPSSODescriptor>
</EntityDescriptor>
`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

/** For text and attributes of XML. */
export const escaped = (text: string): string => text.replace(/[&<>"']/g, (each) => ENTITIES[each] ?? each);
