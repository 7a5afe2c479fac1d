import { sql } from 'drizzle-orm';
import { approvalRequests } from '../../db/schema/approvals';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { ownRequests } from '../identity/scope';
import type { ApprovalStats } from './shape';

/** How the queue is doing. A day is a UTC day. */
export async function approvalStats({ store, actor }: Call): Promise<ApprovalStats> {
  demand(actor, 'approvals:own');
  const today = sql`${approvalRequests.decidedAt} >= date_trunc('day', now(), 'UTC')`;
  const [row] = await store
    .select({
      pending: sql<number>`count(*) filter (where ${approvalRequests.status} = 'pending')::int`,
      decidedToday: sql<number>`count(*) filter (where ${today})::int`,
      medianWaitMs: sql<
        number | null
      >`percentile_cont(0.5) within group (order by extract(epoch from ${approvalRequests.decidedAt} - ${approvalRequests.createdAt}) * 1000) filter (where ${today})`,
    })
    .from(approvalRequests)
    .where(ownRequests(actor));
  return {
    pending: row?.pending ?? 0,
    decidedToday: row?.decidedToday ?? 0,
    medianWaitMs: row?.medianWaitMs == null ? null : Math.round(row.medianWaitMs),
  };
}
