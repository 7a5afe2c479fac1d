import { sql } from 'drizzle-orm';
import { newId } from '../../db/ids';
import { queueEvent } from '../../db/notifications/queue';
import { approvalGrants, type approvalRequests } from '../../db/schema/approvals';
import type { ApprovalScope } from '../../db/schema/shapes';
import type { StoreTransaction } from '../../db/store';
import { recordAction } from '../actions/record';
import type { Actor } from '../identity/actor';

/**
 * How far an approval reaches that several people gave: no further than each of them said. Null: one run. Pure.
 *
 * @param scopes of every approval, null for one run
 */
export function commonScope(scopes: readonly (ApprovalScope | null)[]): { session: boolean; minutes: number | null } | null {
  if (scopes.length === 0 || scopes.some((scope) => scope === null || scope.kind === 'once')) return null;
  const minutes = scopes.flatMap((scope) => (scope?.kind === 'minutes' ? [scope.minutes] : []));
  return { session: scopes.some((scope) => scope?.kind === 'session'), minutes: minutes.length === 0 ? null : Math.min(...minutes) };
}

/** Makes the grant that the approvals of a request allow, if any, in the transaction of the last of them. */
export async function makeGrant(
  tx: StoreTransaction,
  actor: Actor,
  request: typeof approvalRequests.$inferSelect,
  approvals: readonly { reviewerName: string; scope?: ApprovalScope | null }[],
): Promise<string | null> {
  const scope = commonScope(approvals.map((approval) => approval.scope ?? null));
  if (scope === null || request.shape === '') return null;
  const id = newId('grt');
  const { principalId, principalName, ownerId, ownerName, connectionName, rule, policyVersion, shape, shapeIsExact } = request;
  const [made] = await tx
    .insert(approvalGrants)
    .values({
      ...{ id, requestId: request.id, principalId, principalName, ownerId, ownerName, connectionName, rule, policyVersion },
      ...{ shape, shapeIsExact, sql: request.sql },
      sessionId: scope.session ? request.sessionId : null,
      expiresAt: scope.minutes === null ? null : sql`clock_timestamp() + make_interval(mins => ${scope.minutes})`,
      reviewers: approvals.map((approval) => approval.reviewerName),
    })
    .returning({ expiresAt: approvalGrants.expiresAt });
  const until = made?.expiresAt?.toISOString();
  await recordAction(tx, actor, {
    action: 'grant.make',
    subject: id,
    after: {
      requestId: request.id,
      principal: principalName,
      connection: connectionName,
      rule,
      sessionId: scope.session ? request.sessionId : null,
      until,
    },
  });
  await queueEvent(tx, {
    kind: 'grant.made',
    subject: id,
    connection: connectionName,
    facts: {
      principal: principalName,
      owner: ownerName,
      by: actor.name,
      rule,
      requestId: request.id,
      groups: request.reviewerGroups,
      ...(until === undefined ? {} : { until }),
    },
  });
  return id;
}
