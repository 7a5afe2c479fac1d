import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import type { IdentityProvider } from '../../../db/schema/identityShapes';

/** What a sign-on needs of an identity provider's metadata (SAML 2.0 Metadata §2.4.3). */
export interface IdpMetadata {
  entityId: string;
  /** Where a browser is sent with a request, by HTTP-Redirect. */
  signOnUrl: string;
  /** PEM; several while the provider changes its key. */
  certificates: string[];
  /** Where it hears of sign-outs, by HTTP-Redirect; null where it does not. */
  logout: { requests: string; responses: string } | null;
  /** It takes no request that is not signed. */
  wantsSignedRequests: boolean;
}

const text = z.union([z.string(), z.object({ _: z.string() }).transform(({ _: value }) => value)]);
const service = z.object({ $: z.object({ Binding: z.string(), Location: z.string(), ResponseLocation: z.string().optional() }) });
const key = z.object({
  $: z.object({ use: z.string().optional() }).optional(),
  KeyInfo: z.array(z.object({ X509Data: z.array(z.object({ X509Certificate: z.array(text).default([]) })).default([]) })).default([]),
});
const descriptor = z.object({
  $: z.object({ entityID: z.string().min(1) }),
  IDPSSODescriptor: z
    .array(
      z.object({
        $: z.object({ WantAuthnRequestsSigned: z.string().optional() }).optional(),
        KeyDescriptor: z.array(key).default([]),
        SingleLogoutService: z.array(service).default([]),
        SingleSignOnService: z.array(service).default([]),
      }),
    )
    .min(1),
});
const document = z.union([
  z.object({ EntityDescriptor: descriptor }).transform(({ EntityDescriptor }) => [EntityDescriptor]),
  z
    .object({ EntitiesDescriptor: z.object({ EntityDescriptor: z.array(z.unknown()) }) })
    .transform(({ EntitiesDescriptor }) => EntitiesDescriptor.EntityDescriptor.flatMap((each) => descriptor.safeParse(each).data ?? [])),
]);

const REDIRECT = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect';

/** @throws Error with what is missing, in words for the operator */
export async function readIdpMetadata(xml: string): Promise<IdpMetadata> {
  // Loaded when somebody uses SAML: a start need not wait for it.
  const { parseXml2JsFromString } = await import('@node-saml/node-saml/lib/xml.js');
  const parsed = document.safeParse(await parseXml2JsFromString(xml).catch(() => null));
  const [entity, ...others] = parsed.data ?? [];
  if (entity === undefined) throw new Error('the metadata is of no identity provider');
  if (others.length > 0) throw new Error('the metadata is of several identity providers: give the one');
  const roles = entity.IDPSSODescriptor;
  const signOnUrl = roles.flatMap((role) => role.SingleSignOnService).find(({ $ }) => $.Binding === REDIRECT)?.$.Location;
  if (signOnUrl === undefined || !isWebAddress(signOnUrl))
    throw new Error('the metadata has no SingleSignOnService with the HTTP-Redirect binding');
  const certificates = roles
    .flatMap((role) => role.KeyDescriptor)
    .filter(({ $ }) => $?.use === undefined || $.use === 'signing')
    // The first of a chain is the one that signs; the others vouch for it, and must not sign in its place.
    .flatMap(({ KeyInfo }) => KeyInfo.flatMap(({ X509Data }) => X509Data.flatMap(({ X509Certificate }) => X509Certificate.slice(0, 1))))
    .map(pemOf);
  if (certificates.length === 0) throw new Error('the metadata has no signing certificate');
  return {
    entityId: entity.$.entityID,
    signOnUrl,
    certificates: [...new Set(certificates)],
    logout: logoutOf(roles.flatMap((role) => role.SingleLogoutService)),
    wantsSignedRequests: roles.some(({ $ }) => /^(true|1)$/.test($?.WantAuthnRequestsSigned ?? '')),
  };
}

const isWebAddress = (text: string): boolean => /^https?:$/.test(URL.canParse(text) ? new URL(text).protocol : '');

/** An address that a browser cannot be sent to is none: the sign-on need not suffer from it. */
function logoutOf(services: readonly z.output<typeof service>[]): IdpMetadata['logout'] {
  const found = services.find(({ $ }) => $.Binding === REDIRECT)?.$;
  if (found === undefined) return null;
  const responses = found.ResponseLocation ?? found.Location;
  return isWebAddress(found.Location) && isWebAddress(responses) ? { requests: found.Location, responses } : null;
}

function pemOf(base64: string): string {
  try {
    return new X509Certificate(Buffer.from(base64, 'base64')).toString();
  } catch {
    throw new Error('the metadata has a certificate that cannot be read');
  }
}

/** What of the metadata in a policy signs nobody in, in words for whoever applies it. */
export async function metadataWarnings(providers: readonly IdentityProvider[]): Promise<string[]> {
  const found = providers.map(async (each) => {
    if (each.type !== 'saml') return [];
    return readIdpMetadata(each.metadata).then(
      () => [],
      (error: Error) => [`identity provider ${each.name} signs nobody in: ${error.message}`],
    );
  });
  return (await Promise.all(found)).flat();
}
