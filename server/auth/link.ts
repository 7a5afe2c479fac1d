import { and, eq, gt, isNull, sql } from 'drizzle-orm';
import { newId } from '../../db/ids';
import { signInLinks } from '../../db/schema/identity';
import { hashSecret, newSecret } from '../../db/secrets';
import type { Store, StoreHandle } from '../../db/store';
import { loadPrincipal } from '../../proxy/identity/principal';
import type { Principal } from '../../proxy/policy/types';
import { recordFailedSignIn, recordSignIn } from './recordSignIn';

/** How long a printed link may lie around before it is used. */
const LINK_TTL_MS = 15 * 60_000;

/**
 * Makes a one-time sign-in link for a principal and returns its path and secret, `/sign-in?link=gh_ln_…`.
 * Only the hash is stored. The caller prints it where the principal, and nobody else, reads it.
 */
export async function createSignInLink(store: StoreHandle, principalId: string): Promise<{ path: string; expiresAt: Date }> {
  const secret = newSecret('gh_ln');
  const expiresAt = new Date(Date.now() + LINK_TTL_MS);
  await store.insert(signInLinks).values({ id: newId('lnk'), hash: hashSecret(secret), principalId, expiresAt });
  return { path: `/sign-in?link=${secret}`, expiresAt };
}

/**
 * Redeems a link. The conditional update is the decision: of any number of attempts at once, one gets the row.
 * Null for an unknown, used or expired link and for a disabled principal: the caller cannot tell them apart.
 */
export async function redeemSignInLink(store: Store, secret: string): Promise<Principal | null> {
  const principal = await store.transaction(async (tx) => {
    const [link] = await tx
      .update(signInLinks)
      .set({ usedAt: sql`now()` })
      .where(and(eq(signInLinks.hash, hashSecret(secret)), isNull(signInLinks.usedAt), gt(signInLinks.expiresAt, sql`now()`)))
      .returning({ principalId: signInLinks.principalId });
    const found = link === undefined ? null : await loadPrincipal(tx, link.principalId);
    if (found !== null) await recordSignIn(tx, found);
    return found;
  });
  if (principal === null) await recordFailedSignIn(store, 'console', 'one-time link');
  return principal;
}
