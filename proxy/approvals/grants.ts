import { and, eq, isNull, sql } from 'drizzle-orm';
import { approvalGrants } from '../../db/schema/approvals';
import type { Store } from '../../db/store';
import type { HoldRequest } from './desk';

/** A grant that covers a statement, used once more by asking. */
export interface Granted {
  id: string;
  requestId: string;
  reviewers: readonly string[];
  expiresAt: Date | null;
}

/**
 * The grant that lets a held statement run, if there is one: of its shape, its principal, its connection and its rule, under the very version
 * of the policy it was given under. Counted and found in one statement, so that none is used after it was revoked.
 * @throws when the store does not answer
 */
export async function takeGrant(store: Store, request: HoldRequest): Promise<Granted | null> {
  const { shape, policyVersion } = request;
  if (shape === undefined || shape === '' || policyVersion === undefined) return null;
  const covers = and(
    eq(approvalGrants.shape, shape),
    eq(approvalGrants.principalId, request.principalId),
    sql`${approvalGrants.ownerId} is not distinct from ${request.ownerId ?? null}::text`,
    eq(approvalGrants.connectionName, request.connectionName),
    eq(approvalGrants.rule, request.rule),
    eq(approvalGrants.policyVersion, policyVersion),
    isNull(approvalGrants.revokedAt),
    sql`(${approvalGrants.expiresAt} is null or ${approvalGrants.expiresAt} > clock_timestamp())`,
    sql`(${approvalGrants.sessionId} is null or ${approvalGrants.sessionId} = ${request.sessionId})`,
  );
  const first = store.select({ id: approvalGrants.id }).from(approvalGrants).where(covers).orderBy(approvalGrants.id).limit(1);
  const [grant] = await store
    .update(approvalGrants)
    .set({ uses: sql`${approvalGrants.uses} + 1`, lastUsedAt: sql`clock_timestamp()` })
    // The conditions again: what was revoked while this waited for the row is not used.
    .where(and(sql`${approvalGrants.id} = (${first})`, covers))
    .returning({
      id: approvalGrants.id,
      requestId: approvalGrants.requestId,
      reviewers: approvalGrants.reviewers,
      expiresAt: approvalGrants.expiresAt,
    });
  return grant ?? null;
}
