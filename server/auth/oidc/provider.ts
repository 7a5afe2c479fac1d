import type { OAuthConfig } from 'next-auth/providers/oauth';
import { createJwtVerifier, type JwtVerifier } from '../../../proxy/identity/verifyJwt';
import type { Runtime } from '../../runtime';
import type { OidcSignOn } from '../providers';
import { recordSignIn } from '../recordSignIn';
import { type SignOn, signOn } from '../signOn';
import { exchangeCode } from './exchange';

/** A person waits for it, and is told within three seconds. */
const ISSUER_TIMEOUT_MS = 2_500;
/** Without `openid`, which is always asked for. */
const USUAL_SCOPES = ['profile', 'email'];

/** By provider, so that its keys are kept from one sign-in to the next. */
const verifiers = new Map<string, JwtVerifier>();

/** How a sign-in that next-auth ran came out; handed from its `profile` to its `signIn`. */
export interface EndedUser {
  id: string;
  ended: SignOn;
  providerId: string;
}

/**
 * An OIDC provider as next-auth takes it. next-auth keeps state, nonce and PKCE in cookies of the browser that began, and asks the issuer;
 * what comes back is verified as at the proxy. Made anew for each request, so that what the policy says now is what counts.
 */
export function oidcProvider({ store }: Pick<Runtime, 'store'>, provider: OidcSignOn): OAuthConfig<object> {
  const { clientId, clientSecret, scopes, label } = provider.console;
  const verifier = verifiers.get(provider.id) ?? createJwtVerifier();
  verifiers.set(provider.id, verifier);
  let ended: SignOn = { state: 'unfinished' };
  return {
    id: provider.name,
    name: label ?? provider.name,
    type: 'oauth',
    wellKnown: `${provider.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
    clientId,
    ...(clientSecret === undefined ? { client: { token_endpoint_auth_method: 'none' } } : { clientSecret }),
    authorization: { params: { scope: [...new Set(['openid', ...(scopes ?? USUAL_SCOPES)])].join(' ') } },
    idToken: true,
    checks: ['pkce', 'state', 'nonce'],
    httpOptions: { timeout: ISSUER_TIMEOUT_MS },
    token: {
      request: async ({ client, params, checks, provider: { callbackUrl } }) => {
        ended = await signOn(store, provider, () => exchangeCode({ provider, verifier, client, params, checks, callbackUrl }));
        if (ended.state === 'signedIn') {
          const { principal } = ended;
          await store.transaction((tx) => recordSignIn(tx, principal, provider.name));
        }
        return { tokens: {} };
      },
    },
    // Neither the provider's tokens nor its claims go further than the exchange.
    userinfo: { request: async () => ({}) },
    profile: (): EndedUser => ({ id: ended.state === 'signedIn' ? ended.principal.id : 'nobody', ended, providerId: provider.id }),
  };
}
