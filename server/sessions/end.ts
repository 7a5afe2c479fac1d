import { and, eq, isNull, sql } from 'drizzle-orm';
import { sessions } from '../../db/schema/audit';
import type { StoreTransaction } from '../../db/store';
import { notify } from '../actions/record';

/** Asks the workers to end every open session of a principal; returns how many. */
export async function endSessionsOf(tx: StoreTransaction, principalId: string): Promise<number> {
  const ending = await tx
    .update(sessions)
    .set({ killRequestedAt: sql`now()` })
    .where(and(eq(sessions.principalId, principalId), isNull(sessions.endedAt), isNull(sessions.killRequestedAt)))
    .returning({ id: sessions.id });
  for (const { id } of ending) await notify(tx, 'gatehouse_sessions', id);
  return ending.length;
}
