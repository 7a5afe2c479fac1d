import { and, eq, inArray, isNull, lte, or, sql } from 'drizzle-orm';
import { queueEvent } from '../../db/notifications/queue';
import { accessRequests } from '../../db/schema/accessRequests';
import type { Store } from '../../db/store';
import { codeOf } from '../../proxy/worker/shownError';
import { recordAction } from '../actions/record';
import { systemActor } from '../identity/actor';
import { log } from '../log';

const EVERY_MS = 2_000;
const MOST_AT_ONCE = 100;

/**
 * Writes down what time has done: requests nobody decided expire, access that ran out has ended. Access itself goes by its own time and
 * does not wait for this. Any number of gateways may sweep: each row moves once.
 */
export function startAccessSweep(store: Store): { stop(): Promise<void> } {
  let running: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    running = running
      .then(() => sweepAccess(store))
      .catch((error: unknown) => log.warn({ code: codeOf(error) }, 'access that ended could not be written down'));
  }, EVERY_MS);
  timer.unref();
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}

export async function sweepAccess(store: Store): Promise<void> {
  await move(store, 'pending', 'expired');
  await move(store, 'approved', 'ended');
}

async function move(store: Store, from: 'pending' | 'approved', to: 'expired' | 'ended'): Promise<void> {
  const over = from === 'pending' ? accessRequests.expiresAt : accessRequests.grantedUntil;
  await store.transaction(async (tx) => {
    const due = await tx
      .select({ id: accessRequests.id })
      .from(accessRequests)
      .where(and(eq(accessRequests.status, from), or(lte(over, sql`now()`), isNull(accessRequests.connectionId))))
      .limit(MOST_AT_ONCE)
      .for('update', { skipLocked: true });
    if (due.length === 0) return;
    const moved = await tx
      .update(accessRequests)
      .set({ status: to, endedAt: sql`least(${over}, now())` })
      .where(
        inArray(
          accessRequests.id,
          due.map(({ id }) => id),
        ),
      )
      .returning();
    for (const request of moved) {
      const { id, principalName: principal, connectionName: connection } = request;
      await recordAction(tx, systemActor, { action: `access.${to}`, subject: id, after: { status: to, principal, connection } });
      await queueEvent(tx, { kind: `access.${to}`, subject: id, connection, facts: { groups: request.reviewerGroups } });
    }
  });
}
