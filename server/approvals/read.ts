import { asc, desc, eq, inArray, type SQL, sql } from 'drizzle-orm';
import { approvalDecisions, approvalRequests } from '../../db/schema/approvals';
import type { StoreHandle } from '../../db/store';
import type { RequestDecision, RequestRow } from './shape';

export type StoredRequest = typeof approvalRequests.$inferSelect & { approvals: number };

// Names are spelt out: in a select of one table Drizzle leaves a column's table off, and `id` would then mean the decision's.
const approvals = sql<number>`(select count(*)::int from approval_decisions d where d.request_id = approval_requests.id and d.decision = 'approve')`;

/** Requests with their count of approvals, newest first (ids sort by time). */
export async function readRequests(store: StoreHandle, where: SQL | undefined, limit: number): Promise<StoredRequest[]> {
  const rows = await store
    .select({ request: approvalRequests, approvals })
    .from(approvalRequests)
    .where(where)
    .orderBy(desc(approvalRequests.id))
    .limit(limit);
  return rows.map((row) => ({ ...row.request, approvals: row.approvals }));
}

export async function readRequest(store: StoreHandle, id: string): Promise<StoredRequest | undefined> {
  const [row] = await readRequests(store, eq(approvalRequests.id, id), 1);
  return row;
}

export async function readDecisions(
  store: StoreHandle,
  ids: readonly string[],
): Promise<(RequestDecision & { requestId: string; reviewerId: string })[]> {
  if (ids.length === 0) return [];
  return store
    .select()
    .from(approvalDecisions)
    .where(inArray(approvalDecisions.requestId, [...ids]))
    .orderBy(asc(approvalDecisions.at));
}

export const toRequestRow = (request: StoredRequest): RequestRow => ({
  id: request.id,
  status: request.status,
  principalName: request.principalName,
  ownerName: request.ownerName,
  connectionName: request.connectionName,
  sql: request.sql,
  kind: request.kind,
  rule: request.rule,
  why: request.why,
  effects: request.effects,
  relations: request.relations,
  unbounded: request.unbounded,
  transactionStatus: request.transactionStatus,
  required: request.required,
  approvals: request.approvals,
  createdAt: request.createdAt,
  expiresAt: request.expiresAt,
  decidedAt: request.decidedAt,
  requesterReason: request.requesterReason,
});
