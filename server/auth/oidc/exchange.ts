import type { TokenEndpointHandler } from 'next-auth/providers/oauth';
import { type Assertion, IdentityRefused, IssuerUnavailable } from '../../../proxy/identity/assertion';
import { claimOf } from '../../../proxy/identity/claim';
import type { JwtVerifier } from '../../../proxy/identity/verifyJwt';
import type { OidcSignOn } from '../providers';
import { Unfinished } from '../signOn';

type Context = Parameters<NonNullable<TokenEndpointHandler['request']>>[0];

interface Answer {
  provider: OidcSignOn;
  verifier: JwtVerifier;
  client: Context['client'];
  /** What the provider sent the browser back with. */
  params: Context['params'];
  /** What the browser that began was given. */
  checks: Context['checks'] & { nonce?: string };
  callbackUrl: string;
}

/**
 * Turns the code that a browser came back with into what the provider says of its person (OpenID Connect Core §3.1.3).
 * @throws IdentityRefused | IssuerUnavailable; anything else means that the sign-in was not completed
 */
export async function exchangeCode({ provider, verifier, client, params, checks, callbackUrl }: Answer): Promise<Assertion> {
  if (client.issuer.metadata.issuer !== provider.issuer) throw new IdentityRefused('the discovery document is of another issuer');
  if (checks.state === undefined || params.state !== checks.state) throw new Unfinished('state is of another sign-in');
  // RFC 9207: an answer that another provider gave is not handed to this one.
  if (params.iss !== undefined && params.iss !== provider.issuer) throw new IdentityRefused('the answer is of another issuer');
  if (params.code === undefined) throw new Unfinished('the answer has no code');
  const tokens = await askProvider(provider, () =>
    client.grant({ grant_type: 'authorization_code', code: params.code, redirect_uri: callbackUrl, code_verifier: checks.code_verifier }),
  );
  if (tokens.id_token === undefined) throw new IdentityRefused('the provider gave no ID token');
  const assertion = await verifier.verify([{ ...provider, audiences: [provider.console.clientId] }], tokens.id_token, new Date());
  demandForUs(assertion, provider.console.clientId, checks.nonce);
  if (!lacksClaims(provider, assertion.claims) || client.issuer.metadata.userinfo_endpoint === undefined) return assertion;
  if (tokens.access_token === undefined) return assertion;
  const more = await askProvider(provider, () => client.userinfo(tokens.access_token ?? ''));
  // §5.3.2: without this, one person's userinfo could speak for another.
  if (more.sub !== assertion.subject) throw new IdentityRefused('userinfo speaks of another subject');
  return { ...assertion, claims: { ...more, ...assertion.claims } };
}

/** §3.1.3.7: made for this client, and for the sign-in that this browser began. Pure. */
export function demandForUs({ claims }: Pick<Assertion, 'claims'>, clientId: string, nonce: string | undefined): void {
  if (nonce === undefined || claims.nonce !== nonce) throw new IdentityRefused('the ID token is of another sign-in: its nonce differs');
  if (claims.azp !== undefined && claims.azp !== clientId) throw new IdentityRefused('the ID token was made for another client');
  if (Array.isArray(claims.aud) && claims.aud.length > 1 && claims.azp === undefined)
    throw new IdentityRefused('the ID token is for several audiences and does not say which client it was made for');
}

/** Some providers put only the subject into the ID token. Pure. */
export const lacksClaims = (provider: Pick<OidcSignOn, 'principal' | 'groups'>, claims: Assertion['claims']): boolean =>
  [provider.principal.claim, provider.groups?.claim ?? 'email', 'email'].some((claim) => claimOf(claims, claim) === undefined);

/** An error that the provider answered with is its word; anything else means that it could not be asked. */
async function askProvider<T>(provider: OidcSignOn, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof Error && error.name === 'OPError' && 'error' in error)
      throw new Unfinished(`the provider answered ${String(error.error).slice(0, 100)}`);
    throw new IssuerUnavailable(provider.name);
  }
}
