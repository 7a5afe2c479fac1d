import { IdentityRefused, IssuerUnavailable } from '../identity/assertion';
import { createRefusalLog } from '../identity/refusals';
import { resolveAssertion } from '../identity/resolve';
import { type SignedIn, signIn } from '../identity/signIn';
import { type KnownProvider, looksLikeJwt } from '../identity/verifyJwt';
import { issuerUnavailable } from '../wire/errors';
import type { Gateway } from './gateway';
import { log } from './log';

type OidcProvider = Extract<KnownProvider, { type: 'oidc' }>;

export const oidcProviders = ({ policy }: Pick<Gateway, 'policy'>): OidcProvider[] =>
  (policy.current().providers ?? []).filter((each) => each.type === 'oidc');

const refused = createRefusalLog((line) => log.info(line, 'an identity was refused'));

export interface Secret {
  user: string;
  secret: string;
  maxBytes: number;
  /** Told why an identity is refused, in words for the operator that hold nothing of it. */
  onRefused(reason: string): void;
}

/**
 * Who a client is by what it sent: a token of ours, or a JWT of a provider.
 * @returns null for whatever does not open the door
 * @throws WireError where a provider's keys cannot be had
 */
export async function verifySecret(
  gateway: Pick<Gateway, 'store' | 'policy' | 'jwt'>,
  { user, secret, maxBytes, onRefused }: Secret,
): Promise<SignedIn | null> {
  const now = new Date();
  const providers = oidcProviders(gateway);
  if (providers.length === 0 || !looksLikeJwt(secret)) return signIn(gateway.store, { user, password: secret, now });
  let saidBy: string | null = null;
  try {
    const assertion = await gateway.jwt.verify(providers, secret, now, { maxBytes });
    saidBy = assertion.provider;
    const provider = providers.find(({ id }) => id === assertion.providerId);
    if (provider === undefined || assertion.expiresAt === null) throw new IdentityRefused('the provider is gone');
    const { principal, person, identity } = await resolveAssertion(gateway.store, provider, assertion, now);
    if (principal.name !== user) throw new IdentityRefused(`it is ${principal.name}’s, who is not the user that was named`);
    return { principal, person, identity, credential: { kind: 'jwt' }, expiresAt: assertion.expiresAt };
  } catch (error) {
    if (error instanceof IssuerUnavailable) throw issuerUnavailable(error.provider);
    if (!(error instanceof IdentityRefused)) throw error;
    refused(error.provider ?? saidBy, error.message);
    onRefused(error.message);
    return null;
  }
}
