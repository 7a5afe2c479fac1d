import type { CacheProvider, SAML as Saml } from '@node-saml/node-saml';
import type { SamlSignOn } from '../providers';
import { type IdpMetadata, readIdpMetadata } from './metadata';

/** How long a person may take at their provider. */
export const REQUEST_TTL_MS = 10 * 60_000;

export interface Addresses {
  /** Also our entity id, and so the audience of assertions. */
  metadata: string;
  /** Where responses go: the assertion consumer service. */
  acs: string;
}

/** Pure. */
export function addressesOf(consoleUrl: string, provider: string): Addresses {
  const base = `${consoleUrl}/api/saml/${encodeURIComponent(provider)}`;
  return { metadata: `${base}/metadata`, acs: `${base}/acs` };
}

export interface ServiceProvider {
  saml: Saml;
  idp: IdpMetadata;
  addresses: Addresses;
}

/** Gatehouse towards one identity provider. @param requests the requests that are under way, and nothing else answers to */
export async function serviceProvider(
  provider: SamlSignOn,
  consoleUrl: string,
  options: { requestId: string; requests: CacheProvider },
): Promise<ServiceProvider> {
  const { SAML, ValidateInResponseTo } = await import('@node-saml/node-saml');
  const idp = await readIdpMetadata(provider.metadata);
  const addresses = addressesOf(consoleUrl, provider.name);
  const saml = new SAML({
    entryPoint: idp.signOnUrl,
    idpCert: idp.certificates,
    idpIssuer: idp.entityId,
    issuer: addresses.metadata,
    audience: addresses.metadata,
    callbackUrl: addresses.acs,
    acceptedClockSkewMs: provider.clockSkewMs,
    // The response around it may be signed too; what is believed is the assertion's own.
    wantAssertionsSigned: true,
    wantAuthnResponseSigned: false,
    validateInResponseTo: ValidateInResponseTo.always,
    requestIdExpirationPeriodMs: REQUEST_TTL_MS,
    cacheProvider: options.requests,
    generateUniqueId: () => options.requestId,
    // How people prove themselves, and by which kind of name, is the provider's to say.
    disableRequestedAuthnContext: true,
    identifierFormat: null,
  });
  return { saml, idp, addresses };
}
