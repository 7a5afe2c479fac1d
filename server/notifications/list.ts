import { and, asc, desc, eq, lt, sql } from 'drizzle-orm';
import { notificationChannels, notificationDeliveries } from '../../db/schema/notifications';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { type ChannelRow, type DeliveryRow, deliveriesListSchema } from './shape';

/** The channels, without their secrets. */
export async function listChannels({ store, actor }: Call): Promise<ChannelRow[]> {
  demand(actor, 'notifications:read');
  const of = (what: string) => sql`(select ${sql.raw(what)} from notification_deliveries d where d.channel_id = notification_channels.id`;
  const rows = await store
    .select({
      id: notificationChannels.id,
      name: notificationChannels.name,
      kind: notificationChannels.kind,
      config: notificationChannels.config,
      events: notificationChannels.events,
      connections: notificationChannels.connections,
      groups: notificationChannels.groups,
      includeSql: notificationChannels.includeSql,
      disabledAt: notificationChannels.disabledAt,
      disabledWhy: notificationChannels.disabledWhy,
      updatedAt: notificationChannels.updatedAt,
      pending: sql<number>`${of('count(*)::int')} and d.state = 'pending')`,
      dead: sql<number>`${of('count(*)::int')} and d.state = 'dead')`,
      lastDeliveredAt: sql<string | null>`${of('max(d.ended_at)')} and d.state = 'delivered')`,
    })
    .from(notificationChannels)
    .orderBy(asc(notificationChannels.name));
  return rows.map((row) => ({ ...row, lastDeliveredAt: row.lastDeliveredAt === null ? null : new Date(row.lastDeliveredAt) }));
}

/** Deliveries, newest first. */
export async function listDeliveries({ store, actor }: Call, input: unknown): Promise<{ items: DeliveryRow[]; nextCursor: string | null }> {
  demand(actor, 'notifications:read');
  const { channelId, state, limit, cursor } = parseInput(deliveriesListSchema, input ?? {});
  const rows = await store
    .select({ delivery: notificationDeliveries, channelName: notificationChannels.name })
    .from(notificationDeliveries)
    .innerJoin(notificationChannels, eq(notificationChannels.id, notificationDeliveries.channelId))
    .where(
      and(
        channelId == null ? undefined : eq(notificationDeliveries.channelId, channelId),
        state === 'all' ? undefined : eq(notificationDeliveries.state, state),
        cursor == null || !/^\d{1,15}$/.test(cursor) ? undefined : lt(notificationDeliveries.seq, Number(cursor)),
      ),
    )
    .orderBy(desc(notificationDeliveries.seq))
    .limit(limit + 1);
  const page = rows.slice(0, limit);
  return {
    items: page.map(({ delivery, channelName }) => ({
      id: delivery.id,
      channelId: delivery.channelId,
      channelName,
      event: delivery.event,
      subject: delivery.subject,
      state: delivery.state,
      attempts: delivery.attempts,
      at: delivery.at,
      nextAttemptAt: delivery.state === 'pending' ? delivery.nextAttemptAt : null,
      endedAt: delivery.endedAt,
      lastError: delivery.lastError,
    })),
    nextCursor: rows.length > limit ? String(page.at(-1)?.delivery.seq ?? '') : null,
  };
}
