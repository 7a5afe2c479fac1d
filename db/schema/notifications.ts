import { sql } from 'drizzle-orm';
import { bigserial, boolean, index, integer, jsonb, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';
import type { ChannelConfig, ChannelKind, DeliveryState, EventFacts, EventKind, SlackMessageRef } from './notificationShapes';

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });

/** Where notifications go. Empty `connections` and `groups` mean all. */
export const notificationChannels = pgTable('notification_channels', {
  id: text('id').primaryKey(),
  name: text('name').notNull().unique(),
  kind: text('kind').$type<ChannelKind>().notNull(),
  /** What may be shown. */
  config: jsonb('config').$type<ChannelConfig>().notNull(),
  /** JSON of the channel's secrets in an envelope (server/notifications/secrets.ts). Never leaves the server. */
  secretsSealed: text('secrets_sealed').notNull(),
  events: jsonb('events').$type<EventKind[]>().notNull(),
  connections: jsonb('connections').$type<string[]>().notNull(),
  /** Reviewer groups: only requests that one of them may decide. */
  groups: jsonb('groups').$type<string[]>().notNull(),
  includeSql: boolean('include_sql').notNull().default(false),
  disabledAt: instant('disabled_at'),
  /** Why, when it was not a person who switched it off. */
  disabledWhy: text('disabled_why'),
  createdAt: instant('created_at').notNull().defaultNow(),
  updatedAt: instant('updated_at').notNull().defaultNow(),
});

/**
 * The queue: one row for each event and channel it concerns, written in the transaction of what it tells of (db/notifications/queue.ts).
 * pending → delivered | dead; dead → pending when somebody sends it again. Whoever holds the lease sends it; a lease that ran out is
 * anybody's, so a gateway that was killed while sending delivers twice rather than never.
 */
export const notificationDeliveries = pgTable(
  'notification_deliveries',
  {
    id: text('id').primaryKey(),
    /** In the order of the transactions that wrote them; deliveries of one subject to one channel go out in this order. */
    seq: bigserial('seq', { mode: 'number' }).notNull(),
    /** The receiver's key against doubles: the same for every attempt and every channel. */
    eventId: text('event_id').notNull(),
    channelId: text('channel_id')
      .notNull()
      .references(() => notificationChannels.id, { onDelete: 'cascade' }),
    event: text('event').$type<EventKind>().notNull(),
    /** The id of what it is about. */
    subject: text('subject').notNull(),
    connectionName: text('connection_name'),
    facts: jsonb('facts').$type<EventFacts>().notNull(),
    at: instant('at').notNull().defaultNow(),
    state: text('state').$type<DeliveryState>().notNull().default('pending'),
    attempts: integer('attempts').notNull().default(0),
    nextAttemptAt: instant('next_attempt_at').notNull().defaultNow(),
    leasedUntil: instant('leased_until'),
    /** The gateway that holds the lease, or held it last. */
    leasedBy: text('leased_by'),
    endedAt: instant('ended_at'),
    /** Why the last attempt failed: no secret, nothing of the receiver's answer but its status. */
    lastError: text('last_error'),
  },
  (t) => [
    // Long queues stay cheap: what is due is found by its channel, and what comes due next by its time.
    index('notification_deliveries_due').on(t.channelId, t.nextAttemptAt, t.seq).where(sql`state = 'pending'`),
    index('notification_deliveries_next').on(t.nextAttemptAt).where(sql`state = 'pending'`),
    index('notification_deliveries_order').on(t.channelId, t.subject, t.seq),
  ],
);

/** Slack messages that later events of their subject update in place. */
export const slackMessages = pgTable(
  'slack_messages',
  {
    channelId: text('channel_id')
      .notNull()
      .references(() => notificationChannels.id, { onDelete: 'cascade' }),
    subject: text('subject').notNull(),
    ref: jsonb('ref').$type<SlackMessageRef>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.channelId, t.subject] })],
);

/** Signatures of interactions that were taken, for as long as their timestamp would be accepted: none is taken twice, on any gateway. */
export const slackInteractions = pgTable('slack_interactions', {
  signature: text('signature').primaryKey(),
  at: instant('at').notNull().defaultNow(),
});
