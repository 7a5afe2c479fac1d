import { and, eq, gt, sql } from 'drizzle-orm';
import { newId } from '../../db/ids';
import { queueRequestEvent } from '../../db/notifications/queue';
import { approvalDecisions, approvalRequests } from '../../db/schema/approvals';
import type { ApprovalScope } from '../../db/schema/shapes';
import type { Store, StoreHandle } from '../../db/store';
import { notify, recordAction } from '../actions/record';
import { notFound, ServiceError } from '../errors';
import type { Actor } from '../identity/actor';
import { isOwn } from '../identity/scope';
import { relyingParty } from '../passkeys/relyingParty';
import { type ConfirmedDecision, unconfirmedWords } from './confirmed';
import { readEditors } from './editors';
import { describeRequest } from './get';
import { makeGrant } from './grant';
import { mayDecide, settledWords } from './mayDecide';
import { readReviewers } from './people';
import { readDecisions, readRequest, type StoredRequest } from './read';
import type { RequestDetail } from './shape';

/**
 * Records one reviewer's decision. The request's row is locked first, so that two approvals of "two needed" count each other; then one
 * conditional update moves it, so that nothing is ever decided twice nor after its time. The worker that holds the client is woken when
 * the transaction commits.
 */
export async function decideRequest(
  store: Store,
  actor: Actor,
  decision: {
    id: string;
    decision: 'approve' | 'reject';
    reason: string | null;
    scope?: ApprovalScope | null;
    confirmed?: ConfirmedDecision | null;
  },
): Promise<RequestDetail> {
  return store.transaction(async (tx) => {
    const [locked] = await tx
      .select({ id: approvalRequests.id })
      .from(approvalRequests)
      .where(eq(approvalRequests.id, decision.id))
      .for('update');
    const request = locked === undefined ? undefined : await readRequest(tx, locked.id);
    if (request === undefined || !isOwn(actor, request)) throw notFound('request', decision.id);
    const { reviewerId, decisions } = await demandDecidable(tx, actor, request);
    const confirmed = decision.confirmed ?? null;
    const unconfirmed = decision.decision === 'approve' ? unconfirmedWords(request, confirmed, relyingParty) : null;
    if (unconfirmed !== null) throw new ServiceError('FORBIDDEN', unconfirmed);

    const scope = decision.scope ?? null;
    if (scope !== null && scope.kind !== 'once' && request.shape === '')
      throw new ServiceError('INVALID', 'scope: this request can be approved for one run only');
    await tx.insert(approvalDecisions).values({
      id: newId('dec'),
      requestId: request.id,
      reviewerId,
      reviewerName: actor.name,
      decision: decision.decision,
      reason: decision.reason,
      scope: scope?.kind === 'once' ? null : scope,
      passkey: confirmed?.passkey ?? null,
    });
    const status =
      decision.decision === 'reject'
        ? ('rejected' as const)
        : request.approvals + 1 >= request.required
          ? ('approved' as const)
          : ('pending' as const);
    const moved = await tx
      .update(approvalRequests)
      .set({
        status,
        ...(status === 'pending' ? {} : { decidedAt: sql`clock_timestamp()` }),
        // Nobody waits: its client has as long to come for the approval as the reviewer had to give it.
        ...(status === 'approved' && !request.waiting
          ? { expiresAt: sql`clock_timestamp() + (${approvalRequests.expiresAt} - ${approvalRequests.createdAt})` }
          : {}),
      })
      // clock_timestamp, not now(): this transaction may have waited for the lock past the deadline.
      .where(
        and(
          eq(approvalRequests.id, request.id),
          eq(approvalRequests.status, 'pending'),
          gt(approvalRequests.expiresAt, sql`clock_timestamp()`),
        ),
      )
      .returning({ id: approvalRequests.id });
    if (moved.length === 0) throw new ServiceError('CONFLICT', 'expired a moment ago; nothing was executed');
    await recordAction(tx, actor, {
      action: `request.${decision.decision}`,
      subject: request.id,
      before: { status: 'pending', approvals: request.approvals },
      after: {
        status,
        required: request.required,
        reason: decision.reason,
        ...(scope === null || scope.kind === 'once' ? {} : { scope }),
        ...(confirmed === null ? {} : { passkey: confirmed.passkey }),
        statementId: request.statementId,
      },
    });
    await queueRequestEvent(tx, status === 'pending' ? 'request.progress' : `request.${status}`, request.id, {
      by: actor.name,
      reason: decision.reason,
      ...(status === 'rejected' ? {} : { approvals: request.approvals + 1, required: request.required }),
    });
    if (status === 'approved') {
      const approvals = [...decisions.filter((item) => item.decision === 'approve'), { reviewerName: actor.name, scope }];
      await makeGrant(tx, actor, request, approvals);
    }
    await notify(tx, 'gatehouse_approvals', request.id);
    const after = await readRequest(tx, request.id);
    return describeRequest(tx, actor, after ?? request);
  });
}

/** @throws ServiceError in words that say why this person does not decide this now, and who can */
export async function demandDecidable(store: StoreHandle, actor: Actor, request: StoredRequest) {
  const decisions = await readDecisions(store, [request.id]);
  const now = new Date();
  const settled = settledWords(request, decisions, now);
  if (settled !== null) throw new ServiceError('CONFLICT', settled);
  const editors = await readEditors(store, request);
  const may = mayDecide({ request, decisions, editors, actor, people: await readReviewers(store), now });
  if (may.allowed && actor.id !== null) return { reviewerId: actor.id, decisions };
  const already = decisions.some((item) => item.reviewerId === actor.id);
  throw new ServiceError(already ? 'CONFLICT' : 'FORBIDDEN', `${may.why}${may.who.length === 0 ? '' : `. Who can: ${may.who.join(', ')}`}`);
}
