import { and, eq, gt, isNull, sql } from 'drizzle-orm';
import { newId } from '../../db/ids';
import { identityProviders, signInLinks } from '../../db/schema/identity';
import { hashSecret, newSecret } from '../../db/secrets';
import type { Store, StoreHandle, StoreTransaction } from '../../db/store';
import { loadPrincipal } from '../../proxy/identity/principal';
import type { Principal } from '../../proxy/policy/types';
import { BY_LINK, recordFailedSignIn, recordSignIn } from './recordSignIn';

/** How long a printed link may lie around before it is used. */
const LINK_TTL_MS = 15 * 60_000;
/** Of the last step of a sign-on elsewhere: a browser follows it at once. */
const TICKET_TTL_MS = 60_000;

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

/** The last step of a sign-on at a provider that cannot end at next-auth: its secret, `gh_ln_…`, for the browser that signed on. */
export async function createTicket(
  store: StoreHandle,
  { principalId, providerId, signOnId }: { principalId: string; providerId: string; signOnId: string },
): Promise<string> {
  const secret = newSecret('gh_ln');
  const expiresAt = new Date(Date.now() + TICKET_TTL_MS);
  await store.insert(signInLinks).values({ id: newId('lnk'), hash: hashSecret(secret), principalId, providerId, signOnId, expiresAt });
  return secret;
}

/** Who a link signed in, and the provider that had vouched for them. */
export interface Redeemed {
  principal: Principal;
  providerId: string | null;
  signOnId: string | null;
}

/**
 * Redeems a link. The conditional update is the decision: of any number of attempts at once, one gets the row.
 * Null for an unknown, used or expired link and for a disabled principal: the caller cannot tell them apart.
 */
export async function redeemSignInLink(store: Store, secret: string): Promise<Redeemed | null> {
  const redeemed = await store.transaction(async (tx) => {
    const [link] = await tx
      .update(signInLinks)
      .set({ usedAt: sql`now()` })
      .where(and(eq(signInLinks.hash, hashSecret(secret)), isNull(signInLinks.usedAt), gt(signInLinks.expiresAt, sql`now()`)))
      .returning({ principalId: signInLinks.principalId, providerId: signInLinks.providerId, signOnId: signInLinks.signOnId });
    const principal = link === undefined ? null : await loadPrincipal(tx, link.principalId);
    if (link === undefined || principal === null) return null;
    await recordSignIn(tx, principal, await vouchedBy(tx, link.providerId));
    return { principal, providerId: link.providerId, signOnId: link.signOnId };
  });
  if (redeemed === null) await recordFailedSignIn(store, 'console', BY_LINK);
  return redeemed;
}

async function vouchedBy(tx: StoreTransaction, providerId: string | null): Promise<string> {
  if (providerId === null) return BY_LINK;
  const [provider] = await tx.select({ name: identityProviders.name }).from(identityProviders).where(eq(identityProviders.id, providerId));
  return provider?.name ?? BY_LINK;
}
