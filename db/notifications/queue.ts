import { type SQL, sql } from 'drizzle-orm';
import { newId } from '../ids';
import type { EventFacts, EventKind } from '../schema/notificationShapes';
import type { StoreHandle } from '../store';

export interface NewEvent {
  kind: EventKind;
  /** The id of what it is about; deliveries of one subject keep their order. */
  subject: string;
  /** Null for what concerns no connection: told to channels of any. */
  connection: string | null;
  facts: EventFacts;
}

/**
 * Queues an event for every channel it concerns. Call it in the transaction of what it tells of: then there is never one without the other,
 * and a gateway that dies afterwards has lost nothing. Without a channel that wants it nothing is written.
 */
export async function queueEvent(tx: StoreHandle, event: NewEvent): Promise<void> {
  await queue(tx, event, sql`${event.connection}::text`, sql`${JSON.stringify(event.facts.groups ?? [])}::jsonb`, sql``);
}

/** The same for an approval request whose row already says connection and reviewer groups. */
export async function queueRequestEvent(tx: StoreHandle, kind: EventKind, requestId: string, facts: EventFacts = {}): Promise<void> {
  const from = sql`join approval_requests r on r.id = ${requestId}`;
  await queue(tx, { kind, subject: requestId, facts }, sql`r.connection_name`, sql`r.reviewer_groups`, from);
}

/**
 * A channel that already shows the subject in a message it can update hears of every change of it: a button must not outlive its request.
 * The names are spelt out, as in any statement that Drizzle's builder has no words for.
 */
async function queue(tx: StoreHandle, event: Omit<NewEvent, 'connection'>, connection: SQL, groups: SQL, from: SQL): Promise<void> {
  const eventId = newId('evt');
  await tx.execute(sql`
    with queued as (
      insert into notification_deliveries (id, event_id, channel_id, event, subject, connection_name, facts)
      select ${eventId}::text || '.' || c.id, ${eventId}::text, c.id, ${event.kind}::text, ${event.subject}::text, ${connection}, ${JSON.stringify(event.facts)}::jsonb
      from notification_channels c ${from}
      where c.disabled_at is null
        and (c.events ? ${event.kind}::text or (c.kind = 'slack' and exists (
          select 1 from notification_deliveries d where d.channel_id = c.id and d.subject = ${event.subject}::text)))
        and (${connection} is null or c.connections = '[]' or c.connections ?| array['*', ${connection}])
        and (${groups} = '[]' or c.groups = '[]' or c.groups ?| array(select jsonb_array_elements_text(${groups})))
      returning 1
    )
    select pg_notify('gatehouse_notifications', '') from queued limit 1`);
}
