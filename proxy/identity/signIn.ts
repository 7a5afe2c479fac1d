import { and, eq, gt, isNull, or } from 'drizzle-orm';
import { tokens } from '../../db/schema/identity';
import { hashSecret } from '../../db/secrets';
import type { Store } from '../../db/store';
import type { Principal } from '../policy/types';
import { loadPrincipal } from './principal';

export interface SignedIn {
  principal: Principal;
  tokenId: string;
  /** The session may not outlive its token. */
  expiresAt: Date | null;
}

/**
 * Verifies an access token given as password. Null for every kind of failure (unknown principal, wrong, expired or revoked token,
 * token of another principal), so that the caller cannot tell them apart either. One query does the work in every case.
 */
export async function signIn(store: Store, request: { user: string; password: string; now: Date }): Promise<SignedIn | null> {
  const [token] = await store
    .select()
    .from(tokens)
    .where(
      and(
        eq(tokens.hash, hashSecret(request.password)),
        isNull(tokens.revokedAt),
        or(isNull(tokens.expiresAt), gt(tokens.expiresAt, request.now)),
      ),
    );
  if (token === undefined) return null;
  const principal = await loadPrincipal(store, token.principalId);
  if (principal === null || principal.name !== request.user) return null;
  await store.update(tokens).set({ lastUsedAt: request.now }).where(eq(tokens.id, token.id));
  return { principal, tokenId: token.id, expiresAt: token.expiresAt };
}

/** Whether a principal may open sessions on a connection: some access grant names both the connection and one of its groups. */
export function mayConnect(
  grants: readonly { connections: readonly string[]; groups: readonly string[] }[],
  principal: Pick<Principal, 'groups'>,
  connection: string,
): boolean {
  return grants.some(
    (grant) =>
      grant.connections.some((name) => name === '*' || name === connection) &&
      grant.groups.some((group) => group === '*' || principal.groups.includes(group)),
  );
}
