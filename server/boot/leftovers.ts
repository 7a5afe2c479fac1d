import { and, eq, inArray, isNull, lte, type SQL, sql } from 'drizzle-orm';
import { approvalRequests } from '../../db/schema/approvals';
import { sessions, statements } from '../../db/schema/audit';
import type { Store } from '../../db/store';
import { notify } from '../actions/record';

/**
 * Closes in the store what a dead process can no longer close itself: its sessions end, its undecided and unused approvals wait for their
 * clients to send the statement again (a held statement is never released by a restart), and its statements say that their outcome is not
 * known.
 *
 * @param of the gateway, or one worker of it; `before` leaves alone what its successor has opened since
 */
export async function closeLeftovers(
  store: Store,
  of: { gatewayId: string; workerId?: string; before: Date; reason: string },
): Promise<{ sessions: number; requests: number }> {
  const at = sql`now()`;
  return store.transaction(async (tx) => {
    const owned = (table: typeof sessions | typeof approvalRequests): SQL | undefined =>
      and(eq(table.gatewayId, of.gatewayId), of.workerId === undefined ? undefined : eq(table.workerId, of.workerId));
    const ended = await tx
      .update(sessions)
      .set({ endedAt: at, endReason: of.reason })
      .where(and(owned(sessions), isNull(sessions.endedAt), lte(sessions.startedAt, of.before)))
      .returning({ id: sessions.id });
    const left = await tx
      .update(approvalRequests)
      .set({ waiting: false })
      .where(
        and(
          owned(approvalRequests),
          approvalRequests.waiting,
          inArray(approvalRequests.status, ['pending', 'approved']),
          lte(approvalRequests.createdAt, of.before),
        ),
      )
      .returning({ id: approvalRequests.id });
    // Found by their session, all that this gateway or worker ever ended: its journal may have been copied only now.
    const own = tx
      .select({ id: sessions.id })
      .from(sessions)
      .where(and(owned(sessions), lte(sessions.startedAt, of.before)));
    await tx
      .update(statements)
      .set({ status: sql`case when ${statements.status} = 'held' then 'withdrawn' else 'unknown' end` })
      .where(and(inArray(statements.status, ['running', 'held']), lte(statements.at, of.before), inArray(statements.sessionId, own)));
    for (const { id } of ended) await notify(tx, 'gatehouse_sessions', id);
    for (const { id } of left) await notify(tx, 'gatehouse_approvals', id);
    return { sessions: ended.length, requests: left.length };
  });
}
