import { and, asc, desc, eq, gt, inArray, sql } from 'drizzle-orm';
import { newId } from '../../db/ids';
import { queueRequestEvent } from '../../db/notifications/queue';
import { approvalDecisions, approvalRequests } from '../../db/schema/approvals';
import type { Reviewer } from '../../db/schema/shapes';
import type { Store, StoreHandle } from '../../db/store';
import { type ApprovedRows, approvedRows } from '../preview/tolerance';
import type { HoldRequest } from './desk';

type Request = typeof approvalRequests.$inferSelect;

/** Which process files or takes a request. */
export interface Owner {
  gatewayId: string;
  workerId: string;
}

/** What a statement finds that does not wait, and who has decided on it so far. */
export type Claim = { reviewers: readonly Reviewer[] } & (
  | { kind: 'approved'; requestId: string; most?: ApprovedRows }
  | { kind: 'pending'; requestId: string; expiresAt: Date }
  | { kind: 'rejected'; requestId: string; reviewer: string; reason: string }
);

/**
 * Takes the place of the same statement sent before, by its digest: an approval is used up, at most once however many send it at the same
 * time and through however many gateways; a rejection is handed over once; what still waits is answered with its own id; otherwise a request
 * is filed. Those of one digest come one after the other.
 * @throws when the store does not answer: nothing may run
 */
export async function claim(store: Store, request: HoldRequest, owner: Owner, now: Date): Promise<Claim> {
  return store.transaction(async (tx) => {
    await oneAtATime(tx, request.digest);
    const [found] = await tx
      .select()
      .from(approvalRequests)
      .where(
        and(
          sameStatement(request.digest),
          sql`((${approvalRequests.status} in ('pending', 'approved') and ${gt(approvalRequests.expiresAt, now)})
            or (${approvalRequests.status} = 'rejected' and not ${approvalRequests.told}))`,
        ),
      )
      .orderBy(sql`${approvalRequests.status} = 'approved' desc`, asc(approvalRequests.id))
      .limit(1)
      .for('update');
    const reviewers = found === undefined ? [] : await reviewersOf(tx, found.id);
    switch (found?.status) {
      case 'approved':
        await tx
          .update(approvalRequests)
          .set({ status: 'executed', endedAt: now, ...runBy(request, owner) })
          .where(eq(approvalRequests.id, found.id));
        await tell(tx, found.id, 'request.executed');
        return { kind: 'approved', requestId: found.id, reviewers, ...mostOf(found) };
      case 'rejected':
        await tx.update(approvalRequests).set({ told: true }).where(eq(approvalRequests.id, found.id));
        return { kind: 'rejected', requestId: found.id, reviewers, ...(await rejectionOf(tx, found.id)) };
      case 'pending':
        return { kind: 'pending', requestId: found.id, reviewers, expiresAt: found.expiresAt };
      default: {
        const id = await file(tx, { ...request, waiting: false }, owner, now);
        return { kind: 'pending', requestId: id, reviewers, expiresAt: request.expiresAt };
      }
    }
  });
}

/**
 * Files a request whose client waits, or takes up the one its statement left behind when the gateway that held it died, approved meanwhile
 * or not.
 */
export async function fileOrAdopt(store: Store, request: HoldRequest, owner: Owner, now: Date): Promise<{ id: string; expiresAt: Date }> {
  return store.transaction(async (tx) => {
    await oneAtATime(tx, request.digest);
    const [left] = await tx
      .select({ id: approvalRequests.id, expiresAt: approvalRequests.expiresAt })
      .from(approvalRequests)
      .where(
        and(sameStatement(request.digest), inArray(approvalRequests.status, ['pending', 'approved']), gt(approvalRequests.expiresAt, now)),
      )
      .orderBy(sql`${approvalRequests.status} = 'approved' desc`, asc(approvalRequests.id))
      .limit(1)
      .for('update');
    if (left === undefined) return { id: await file(tx, request, owner, now), expiresAt: request.expiresAt };
    await tx
      .update(approvalRequests)
      .set({ waiting: true, ...runBy(request, owner) })
      .where(eq(approvalRequests.id, left.id));
    return left;
  });
}

/** Ends what nobody came for in time: requests whose clients do not wait, approved or not. */
export async function expireUnclaimed(store: Store, now: Date): Promise<void> {
  await store.transaction(async (tx) => {
    const expired = await tx
      .update(approvalRequests)
      .set({ status: 'expired', endedAt: now })
      .where(
        and(
          eq(approvalRequests.waiting, false),
          inArray(approvalRequests.status, ['pending', 'approved']),
          sql`${approvalRequests.expiresAt} <= ${now}`,
        ),
      )
      .returning({ id: approvalRequests.id });
    for (const { id } of expired) await tell(tx, id, 'request.expired');
  });
}

/** Who has decided on it, in the order they did. */
export async function reviewersOf(store: StoreHandle, requestId: string): Promise<Reviewer[]> {
  const rows = await store
    .select({ name: approvalDecisions.reviewerName, decision: approvalDecisions.decision, passkey: approvalDecisions.passkey })
    .from(approvalDecisions)
    .where(eq(approvalDecisions.requestId, requestId))
    .orderBy(asc(approvalDecisions.at), asc(approvalDecisions.id));
  return rows.map(({ passkey, ...row }) => (passkey == null ? row : { ...row, passkey: passkey.id }));
}

/** Who rejected it and why, in the words a client gets. */
export async function rejectionOf(store: StoreHandle, requestId: string): Promise<{ reviewer: string; reason: string }> {
  const [decision] = await store
    .select()
    .from(approvalDecisions)
    .where(and(eq(approvalDecisions.requestId, requestId), eq(approvalDecisions.decision, 'reject')))
    .orderBy(desc(approvalDecisions.at))
    .limit(1);
  return { reviewer: decision?.reviewerName ?? 'a reviewer', reason: decision?.reason ?? 'No reason was given.' };
}

const mostOf = (request: Request): { most?: ApprovedRows } => {
  const most = approvedRows(request);
  return most === null ? {} : { most };
};

const sameStatement = (digest: string) => and(eq(approvalRequests.digest, digest), eq(approvalRequests.waiting, false));

/** The statement and session that run it now are not those that asked first. */
const runBy = ({ statementId, sessionId, heldState }: HoldRequest, { gatewayId, workerId }: Owner): Partial<Request> => ({
  statementId,
  sessionId,
  ...(heldState === undefined ? {} : { heldState }),
  gatewayId,
  workerId,
});

async function oneAtATime(tx: StoreHandle, digest: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${digest}, 0))`);
}

async function file(tx: StoreHandle, request: HoldRequest & { waiting?: boolean }, owner: Owner, now: Date): Promise<string> {
  const id = newId('req', now.getTime());
  await tx.insert(approvalRequests).values({ ...request, ...owner, id, createdAt: now });
  await tell(tx, id, 'request.filed');
  return id;
}

async function tell(tx: StoreHandle, id: string, event: 'request.filed' | 'request.executed' | 'request.expired'): Promise<void> {
  await queueRequestEvent(tx, event, id);
  await tx.execute(sql`select pg_notify('gatehouse_approvals', ${id})`);
}
