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
  /** Where messages of single logout go. */
  slo: string;
}

/** Pure. */
export function addressesOf(consoleUrl: string, provider: string): Addresses {
  const base = `${consoleUrl}/api/saml/${encodeURIComponent(provider)}`;
  return { metadata: `${base}/metadata`, acs: `${base}/acs`, slo: `${base}/slo` };
}

export interface ServiceProvider {
  saml: Saml;
  idp: IdpMetadata;
  addresses: Addresses;
}

/** Whether requests to this provider are signed: as the policy says, or else as the provider asks for. Pure. */
export const signsRequests = (provider: SamlSignOn, idp: IdpMetadata): boolean => provider.signRequests ?? idp.wantsSignedRequests;

/**
 * Gatehouse towards one identity provider.
 * @param options.requests the requests that are under way, and nothing else answers to
 * @param options.signingKey PEM, asked for where requests are signed; absent where none is made
 */
export async function serviceProvider(
  provider: SamlSignOn,
  consoleUrl: string,
  options: { requestId: string; requests: CacheProvider; signingKey?: () => Promise<string> },
): Promise<ServiceProvider> {
  const { SAML, ValidateInResponseTo } = await import('@node-saml/node-saml');
  const idp = await readIdpMetadata(provider.metadata);
  const addresses = addressesOf(consoleUrl, provider.name);
  const privateKey = signsRequests(provider, idp) ? await options.signingKey?.() : undefined;
  const saml = new SAML({
    ...(privateKey === undefined ? {} : { privateKey, signatureAlgorithm: 'sha256' as const }),
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
