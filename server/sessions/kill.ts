import { and, eq, isNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import { sessions } from '../../db/schema/audit';
import { notify, recordAction } from '../actions/record';
import { notFound, ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';

export const killSchema = z.object({ id: z.string(), reason: z.string().trim().max(500).nullish() });

/** Asks the worker that owns a session to end it (FATAL 57P01 at its client). Returns when it was asked, which may be earlier. */
export async function killSession({ store, actor }: Call, input: unknown): Promise<{ id: string; killRequestedAt: Date }> {
  demand(actor, 'sessions:kill');
  const { id, reason } = parseInput(killSchema, input);
  return store.transaction(async (tx) => {
    const [row] = await tx
      .update(sessions)
      .set({ killRequestedAt: sql`coalesce(${sessions.killRequestedAt}, now())` })
      .where(and(eq(sessions.id, id), isNull(sessions.endedAt)))
      .returning({
        principalName: sessions.principalName,
        connectionName: sessions.connectionName,
        killRequestedAt: sessions.killRequestedAt,
      });
    if (row === undefined || row.killRequestedAt === null) {
      const [ended] = await tx.select({ endReason: sessions.endReason }).from(sessions).where(eq(sessions.id, id));
      if (ended === undefined) throw notFound('session', id);
      throw new ServiceError('CONFLICT', `session ${id} has ended already${ended.endReason === null ? '' : ` (${ended.endReason})`}`);
    }
    await recordAction(tx, actor, {
      action: 'session.kill',
      subject: id,
      after: { principal: row.principalName, connection: row.connectionName, reason: reason ?? null },
    });
    await notify(tx, 'gatehouse_sessions', id);
    return { id, killRequestedAt: row.killRequestedAt };
  });
}
