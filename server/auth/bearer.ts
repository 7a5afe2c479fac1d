import { and, eq, gt, isNull, lt, or, sql } from 'drizzle-orm';
import { tokens } from '../../db/schema/identity';
import { hashSecret } from '../../db/secrets';
import type { Store } from '../../db/store';
import { loadPrincipal } from '../../proxy/identity/principal';
import type { Principal } from '../../proxy/policy/types';

/** The principal an access token belongs to; null when it is unknown, expired or revoked, or its principal is disabled. */
export async function principalOfToken(store: Store, secret: string): Promise<Principal | null> {
  if (!/^gh_a[tk]_/.test(secret) || secret.length > 100) return null;
  const [token] = await store
    .select({ id: tokens.id, principalId: tokens.principalId })
    .from(tokens)
    .where(
      // One for some connections is for the proxy alone.
      and(
        isNull(tokens.connections),
        eq(tokens.hash, hashSecret(secret)),
        isNull(tokens.revokedAt),
        or(isNull(tokens.expiresAt), gt(tokens.expiresAt, sql`now()`)),
      ),
    );
  if (token === undefined) return null;
  // Once a minute is precise enough for "last used", and spares a write on every call of a busy script.
  await store
    .update(tokens)
    .set({ lastUsedAt: sql`now()` })
    .where(and(eq(tokens.id, token.id), or(isNull(tokens.lastUsedAt), lt(tokens.lastUsedAt, sql`now() - interval '1 minute'`))));
  return loadPrincipal(store, token.principalId);
}
