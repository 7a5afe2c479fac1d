import { and, eq, gt, isNull, lt, or, sql } from 'drizzle-orm';
import { identityProviders, tokens } from '../../db/schema/identity';
import type { TokenIdentity } from '../../db/schema/identityShapes';
import { hashSecret } from '../../db/secrets';
import type { Store } from '../../db/store';
import { type KnownPrincipal, loadPrincipal } from '../../proxy/identity/principal';
import { stillVouches } from '../../proxy/worker/whyEnded';

/** Whose token it is, and what of the gateway it opens. */
export interface Bearer {
  principal: KnownPrincipal;
  /** Null: all that its principal may. Otherwise sessions on these, and neither the console nor the API. */
  connections: readonly string[] | null;
}

/** The principal a token belongs to that opens the API; null when there is none. */
export async function principalOfToken(store: Store, secret: string): Promise<KnownPrincipal | null> {
  const bearer = await bearerOf(store, secret);
  return bearer === null || bearer.connections !== null ? null : bearer.principal;
}

/**
 * Whom an access token or API key belongs to; null when it is unknown, expired or revoked, its principal is disabled, or whoever vouched for it
 * does not any more.
 */
export async function bearerOf(store: Store, secret: string): Promise<Bearer | null> {
  if (!/^gh_a[tk]_/.test(secret) || secret.length > 100) return null;
  const [token] = await store
    .select({ id: tokens.id, principalId: tokens.principalId, connections: tokens.connections, identity: tokens.identity })
    .from(tokens)
    .where(
      and(eq(tokens.hash, hashSecret(secret)), isNull(tokens.revokedAt), or(isNull(tokens.expiresAt), gt(tokens.expiresAt, sql`now()`))),
    );
  if (token === undefined) return null;
  if (token.identity !== null && !(await isVouchedFor(store, token.identity))) return null;
  // Once a minute is precise enough for "last used", and spares a write on every call of a busy script.
  await store
    .update(tokens)
    .set({ lastUsedAt: sql`now()` })
    .where(and(eq(tokens.id, token.id), or(isNull(tokens.lastUsedAt), lt(tokens.lastUsedAt, sql`now() - interval '1 minute'`))));
  const principal = await loadPrincipal(store, token.principalId);
  return principal === null ? null : { principal, connections: token.connections };
}

/** The provider is in the policy and the same issuer, and the person an agent acts for is not disabled: as at the proxy. */
async function isVouchedFor(store: Store, identity: TokenIdentity): Promise<boolean> {
  const [provider] = await store.select().from(identityProviders).where(eq(identityProviders.id, identity.providerId));
  if (provider === undefined || !stillVouches([{ ...provider.settings, id: provider.id }], identity)) return false;
  return identity.personId === null || (await loadPrincipal(store, identity.personId)) !== null;
}
