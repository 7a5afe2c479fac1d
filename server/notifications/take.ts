import { and, eq, sql } from 'drizzle-orm';
import { notificationChannels, notificationDeliveries } from '../../db/schema/notifications';
import type { Store } from '../../db/store';

/** Longer than any try may last; afterwards the delivery is anybody's again. */
const LEASE_S = 60;

export type Channel = typeof notificationChannels.$inferSelect;
export interface Taken {
  delivery: typeof notificationDeliveries.$inferSelect;
  channel: Channel;
}

/**
 * Takes the next delivery that is due, for this gateway alone, until its lease runs out; null when none is. A delivery waits for earlier
 * ones of its subject to its channel: a receiver never hears of an approval before it heard of the request.
 *
 * @param busy channels that have enough under way
 */
export async function takeDelivery(store: Store, gatewayId: string, busy: readonly string[]): Promise<Taken | null> {
  const { rows } = await store.execute<{ id: string }>(sql`
    update notification_deliveries set leased_until = now() + make_interval(secs => ${LEASE_S}), attempts = attempts + 1, leased_by = ${gatewayId}
    where id = (
      select d.id from notification_channels c cross join lateral (
        select d.id, d.seq, d.next_attempt_at from notification_deliveries d
        where d.channel_id = c.id and d.state = 'pending' and d.next_attempt_at <= now()
          and (d.leased_until is null or d.leased_until < now())
          and not exists (
            select 1 from notification_deliveries e
            where e.channel_id = d.channel_id and e.subject = d.subject and e.seq < d.seq and e.state = 'pending')
        order by d.next_attempt_at, d.seq
        limit 1
        for update skip locked) d
      where c.disabled_at is null and not (c.id = any(array(select jsonb_array_elements_text(${JSON.stringify(busy)}::jsonb))))
      order by d.next_attempt_at, d.seq
      limit 1)
    returning id`);
  const id = rows[0]?.id;
  if (id === undefined) return null;
  const [taken] = await store
    .select({ delivery: notificationDeliveries, channel: notificationChannels })
    .from(notificationDeliveries)
    .innerJoin(notificationChannels, eq(notificationChannels.id, notificationDeliveries.channelId))
    .where(eq(notificationDeliveries.id, id));
  return taken ?? null;
}

/** A gateway that was killed while sending need not wait for leases that nobody but it could use. */
export async function releaseOwnLeases(store: Store, gatewayId: string): Promise<void> {
  await store
    .update(notificationDeliveries)
    .set({ leasedUntil: null })
    .where(and(eq(notificationDeliveries.state, 'pending'), eq(notificationDeliveries.leasedBy, gatewayId)));
}

/**
 * How long until a try comes due, at most `mostMs`. What is due already and was not taken waits for something that wakes us when it ends:
 * an earlier delivery of its subject, or a place of its channel.
 */
export async function nextDueMs(store: Store, mostMs: number): Promise<number> {
  const { rows } = await store.execute<{ ms: number | null }>(sql`
    select (extract(epoch from min(next_attempt_at) - now()) * 1000)::float8 as ms
    from notification_deliveries where state = 'pending' and next_attempt_at > now()`);
  const ms = rows[0]?.ms;
  return ms == null ? mostMs : Math.max(0, Math.min(mostMs, Math.ceil(ms)));
}
