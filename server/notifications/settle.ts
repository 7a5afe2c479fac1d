import { and, eq, sql } from 'drizzle-orm';
import { notificationChannels, notificationDeliveries } from '../../db/schema/notifications';
import type { Store } from '../../db/store';
import { recordAction } from '../actions/record';
import { systemActor } from '../identity/actor';
import { delayAfter } from './backoff';
import type { Outcome } from './outcome';
import type { Taken } from './take';

/** Writes down what became of a try. Only who holds the lease may: the count of tries says whether it is still ours. */
export async function settleDelivery(
  store: Store,
  { delivery, channel }: Taken,
  outcome: Outcome,
  { random, firstMs }: { random: number; firstMs?: number },
): Promise<void> {
  const mine = and(
    eq(notificationDeliveries.id, delivery.id),
    eq(notificationDeliveries.attempts, delivery.attempts),
    eq(notificationDeliveries.state, 'pending'),
  );
  const end = (state: 'delivered' | 'dead', lastError: string | null) =>
    ({ state, lastError, endedAt: sql`now()`, leasedUntil: null }) as const;
  switch (outcome.kind) {
    case 'delivered':
      await store.update(notificationDeliveries).set(end('delivered', null)).where(mine);
      return;
    case 'retry': {
      const delayMs = delayAfter(delivery.attempts, {
        random,
        askedMs: outcome.askedMs ?? null,
        ...(firstMs === undefined ? {} : { firstMs }),
      });
      await store
        .update(notificationDeliveries)
        .set(
          delayMs === null
            ? end('dead', `given up after ${delivery.attempts} tries: ${outcome.error}`)
            : {
                nextAttemptAt: sql`now() + make_interval(secs => ${delayMs / 1_000})`,
                leasedUntil: null,
                lastError: outcome.error,
              },
        )
        .where(mine);
      return;
    }
    case 'dead':
      await store.update(notificationDeliveries).set(end('dead', outcome.error)).where(mine);
      return;
    case 'gone':
      await store.transaction(async (tx) => {
        await tx.update(notificationDeliveries).set(end('dead', outcome.error)).where(mine);
        const off = await tx
          .update(notificationChannels)
          .set({ disabledAt: sql`now()`, disabledWhy: outcome.error })
          .where(and(eq(notificationChannels.id, channel.id), sql`disabled_at is null`))
          .returning({ id: notificationChannels.id });
        if (off.length === 0) return;
        await tx
          .update(notificationDeliveries)
          .set(end('dead', 'the channel was switched off'))
          .where(and(eq(notificationDeliveries.channelId, channel.id), eq(notificationDeliveries.state, 'pending')));
        await recordAction(tx, systemActor, { action: 'notification.disable', subject: channel.name, after: { why: outcome.error } });
      });
      return;
    default:
      outcome satisfies never;
  }
}

/** A gateway that stops gives back what it was sending: another one, or the next start, sends it at once. */
export async function giveBack(store: Store, { delivery }: Taken): Promise<void> {
  await store
    .update(notificationDeliveries)
    .set({ leasedUntil: null, nextAttemptAt: sql`now()`, attempts: sql`attempts - 1` })
    .where(
      and(
        eq(notificationDeliveries.id, delivery.id),
        eq(notificationDeliveries.attempts, delivery.attempts),
        eq(notificationDeliveries.state, 'pending'),
      ),
    );
}
