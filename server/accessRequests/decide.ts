import { and, eq, gt, sql } from 'drizzle-orm';
import { newId } from '../../db/ids';
import { queueEvent } from '../../db/notifications/queue';
import { accessDecisions, accessRequests } from '../../db/schema/accessRequests';
import type { Store } from '../../db/store';
import { moveAccessVersion, recordAction } from '../actions/record';
import { ServiceError } from '../errors';
import type { Actor, Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { describeAccess, mayDecideAccess, readAccessDecisions, readOwnAccessRequest } from './read';
import { type AccessRequestDetail, approveAccessSchema, rejectAccessSchema } from './shape';
import { settledWords } from './state';

/** Approves an access request. With the last approval it needs, access begins at once and ends after the time that was asked for. */
export async function approveAccess({ store, actor }: Call, input: unknown): Promise<AccessRequestDetail> {
  demand(actor, 'accessRequests:own');
  const { id, reason } = parseInput(approveAccessSchema, input);
  return decide(store, actor, { id, decision: 'approve', reason: reason ?? null });
}

/** Rejects an access request; one rejection ends it. */
export async function rejectAccess({ store, actor }: Call, input: unknown): Promise<AccessRequestDetail> {
  demand(actor, 'accessRequests:own');
  const { id, reason } = parseInput(rejectAccessSchema, input);
  return decide(store, actor, { id, decision: 'reject', reason });
}

/** As for statements (approvals/decide.ts): the row is locked, so that approvals count each other, and one conditional update moves it. */
async function decide(
  store: Store,
  actor: Actor,
  decision: { id: string; decision: 'approve' | 'reject'; reason: string | null },
): Promise<AccessRequestDetail> {
  return store.transaction(async (tx) => {
    await tx.select({ id: accessRequests.id }).from(accessRequests).where(eq(accessRequests.id, decision.id)).for('update');
    const request = await readOwnAccessRequest(tx, actor, decision.id);
    const decisions = await readAccessDecisions(tx, [request.id]);
    const now = new Date();
    const settled = settledWords(request, decisions, now);
    if (settled !== null) throw new ServiceError('CONFLICT', settled);
    const may = await mayDecideAccess(tx, actor, request, decisions, now);
    if (!may.allowed || actor.id === null) {
      const already = decisions.some((item) => item.reviewerId === actor.id);
      throw new ServiceError(
        already ? 'CONFLICT' : 'FORBIDDEN',
        `${may.why}${may.who.length === 0 ? '' : `. Who can: ${may.who.join(', ')}`}`,
      );
    }
    if (decision.decision === 'approve' && request.connectionId === null)
      throw new ServiceError('CONFLICT', `connection ${request.connectionName} was removed`);
    await tx.insert(accessDecisions).values({
      id: newId('dec'),
      requestId: request.id,
      reviewerId: actor.id,
      reviewerName: actor.name,
      decision: decision.decision,
      reason: decision.reason,
    });
    const status =
      decision.decision === 'reject'
        ? ('rejected' as const)
        : request.approvals + 1 >= request.required
          ? ('approved' as const)
          : ('pending' as const);
    const [moved] = await tx
      .update(accessRequests)
      .set({
        status,
        ...(status === 'pending' ? {} : { decidedAt: sql`clock_timestamp()` }),
        ...(status === 'approved' ? { grantedUntil: sql`clock_timestamp() + make_interval(secs => ${request.durationMs / 1_000})` } : {}),
      })
      // clock_timestamp, not now(): this transaction may have waited for the lock past the deadline.
      .where(
        and(eq(accessRequests.id, request.id), eq(accessRequests.status, 'pending'), gt(accessRequests.expiresAt, sql`clock_timestamp()`)),
      )
      .returning({ until: accessRequests.grantedUntil });
    if (moved === undefined) throw new ServiceError('CONFLICT', 'expired a moment ago; no access was given');
    const until = moved.until?.toISOString();
    await recordAction(tx, actor, {
      action: `access.${decision.decision}`,
      subject: request.id,
      before: { status: 'pending', approvals: request.approvals },
      after: {
        ...{ status, required: request.required, reason: decision.reason },
        ...{ principal: request.principalName, connection: request.connectionName },
        ...(until === undefined ? {} : { until }),
      },
    });
    if (status === 'approved') await moveAccessVersion(tx);
    await queueEvent(tx, {
      kind: status === 'pending' ? 'access.progress' : `access.${status}`,
      subject: request.id,
      connection: request.connectionName,
      facts: {
        ...{ groups: request.reviewerGroups, by: actor.name, reason: decision.reason },
        ...(status === 'rejected' ? {} : { approvals: request.approvals + 1, required: request.required }),
        ...(until === undefined ? {} : { until }),
      },
    });
    return describeAccess(tx, actor, await readOwnAccessRequest(tx, actor, request.id));
  });
}
