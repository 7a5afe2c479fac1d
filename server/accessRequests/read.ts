import { asc, desc, eq, inArray, type SQL, sql } from 'drizzle-orm';
import { accessDecisions, accessRequests } from '../../db/schema/accessRequests';
import type { StoreHandle } from '../../db/store';
import { mayDecide } from '../approvals/mayDecide';
import { readReviewers } from '../approvals/people';
import type { MayDecide, RequestDecision } from '../approvals/shape';
import { notFound } from '../errors';
import type { Actor } from '../identity/actor';
import { PERMISSIONS } from '../identity/permission';
import { isOwn } from '../identity/scope';
import type { AccessRequestDetail, AccessRequestRow } from './shape';
import { settledWords, statusAt } from './state';

export type StoredAccessRequest = typeof accessRequests.$inferSelect & { approvals: number };

// Names are spelt out: in a select of one table Drizzle leaves a column's table off, and `id` would then mean the decision's.
const approvals = sql<number>`(select count(*)::int from access_decisions d where d.request_id = access_requests.id and d.decision = 'approve')`;

/** Requests with their count of approvals, newest first. */
export async function readAccessRequests(store: StoreHandle, where: SQL | undefined, limit: number): Promise<StoredAccessRequest[]> {
  const rows = await store
    .select({ request: accessRequests, approvals })
    .from(accessRequests)
    .where(where)
    .orderBy(desc(accessRequests.id))
    .limit(limit);
  return rows.map((row) => ({ ...row.request, approvals: row.approvals }));
}

/** One request that the actor may see. @throws NOT_FOUND, also for one that is not theirs to see */
export async function readOwnAccessRequest(store: StoreHandle, actor: Actor, id: string): Promise<StoredAccessRequest> {
  const [row] = await readAccessRequests(store, eq(accessRequests.id, id), 1);
  if (row === undefined || !isOwn(actor, row)) throw notFound('access request', id);
  return row;
}

export async function readAccessDecisions(
  store: StoreHandle,
  ids: readonly string[],
): Promise<(RequestDecision & { requestId: string; reviewerId: string })[]> {
  if (ids.length === 0) return [];
  return store
    .select()
    .from(accessDecisions)
    .where(inArray(accessDecisions.requestId, [...ids]))
    .orderBy(asc(accessDecisions.at));
}

export function toAccessRow(request: StoredAccessRequest, now: Date): AccessRequestRow {
  const { id, principalName, ownerName, connectionName, reason, durationMs, reviewerGroups, required, approvals: given } = request;
  const { createdAt, expiresAt, decidedAt, grantedUntil, endedAt, endedBy } = request;
  return {
    ...{ id, status: statusAt(request, now), principalName, ownerName, connectionName, reason, durationMs, reviewerGroups, required },
    ...{ approvals: given, createdAt, expiresAt, decidedAt, grantedUntil, endedAt, endedBy },
  };
}

/** Whether the actor may decide it: the same rules as for statements. */
export async function mayDecideAccess(
  store: StoreHandle,
  actor: Actor,
  request: StoredAccessRequest,
  decisions: Awaited<ReturnType<typeof readAccessDecisions>>,
  now: Date,
): Promise<MayDecide> {
  const settled = settledWords(request, decisions, now);
  if (settled !== null) return { allowed: false, why: settled, who: [] };
  // Not a rule asks for it but the connection: nobody is kept out for editing.
  const may = mayDecide({
    request: { ...request, status: 'pending' },
    decisions,
    editors: [],
    actor,
    people: await readReviewers(store),
    now,
  });
  return { ...may, why: may.why.replace(/^the rule asks/, `${request.connectionName} asks`) };
}

/** Whoever asked, and their owner, may end what is theirs at any time; reviewers take back what was given. */
export function mayEnd(actor: Actor, request: StoredAccessRequest, now: Date): boolean {
  const status = statusAt(request, now);
  if (status !== 'pending' && status !== 'approved') return false;
  if (actor.id !== null && (actor.id === request.principalId || actor.id === request.ownerId)) return true;
  const deciders: readonly Actor['role'][] = PERMISSIONS['approvals:decide'];
  return status === 'approved' && deciders.includes(actor.role);
}

export async function describeAccess(store: StoreHandle, actor: Actor, request: StoredAccessRequest): Promise<AccessRequestDetail> {
  const now = new Date();
  const decisions = await readAccessDecisions(store, [request.id]);
  return {
    ...toAccessRow(request, now),
    decisions: decisions.map(({ id, reviewerName, decision, reason, at }) => ({ id, reviewerName, decision, reason, at })),
    mayDecide: await mayDecideAccess(store, actor, request, decisions, now),
    mayEnd: mayEnd(actor, request, now),
  };
}
