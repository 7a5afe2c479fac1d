import { bigint, index, integer, jsonb, pgTable, text, timestamp, unique } from 'drizzle-orm/pg-core';
import { principals } from './identity';
import { connections } from './policy';
import type { AccessRequestStatus } from './shapes';

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });

/**
 * A principal that asks for a connection for a time. pending → approved | rejected | expired | withdrawn; approved → revoked | ended.
 * While it is approved and `grantedUntil` lies ahead, its principal may open sessions on the connection.
 */
export const accessRequests = pgTable(
  'access_requests',
  {
    id: text('id').primaryKey(),
    principalId: text('principal_id')
      .notNull()
      .references(() => principals.id, { onDelete: 'cascade' }),
    principalName: text('principal_name').notNull(),
    /** The person the agent acts for. */
    ownerId: text('owner_id'),
    ownerName: text('owner_name'),
    /** Null once the connection is gone: another one of its name is another one. */
    connectionId: text('connection_id').references(() => connections.id, { onDelete: 'set null' }),
    connectionName: text('connection_name').notNull(),
    reason: text('reason').notNull(),
    durationMs: bigint('duration_ms', { mode: 'number' }).notNull(),
    reviewerGroups: jsonb('reviewer_groups').$type<string[]>().notNull(),
    required: integer('required').notNull(),
    status: text('status').$type<AccessRequestStatus>().notNull().default('pending'),
    createdAt: instant('created_at').notNull().defaultNow(),
    /** When an undecided one is given up. */
    expiresAt: instant('expires_at').notNull(),
    decidedAt: instant('decided_at'),
    grantedUntil: instant('granted_until'),
    endedAt: instant('ended_at'),
    /** Who revoked it. */
    endedBy: text('ended_by'),
  },
  (t) => [index('access_requests_status').on(t.status, t.createdAt)],
);

export const accessDecisions = pgTable(
  'access_decisions',
  {
    id: text('id').primaryKey(),
    requestId: text('request_id')
      .notNull()
      .references(() => accessRequests.id, { onDelete: 'cascade' }),
    reviewerId: text('reviewer_id')
      .notNull()
      .references(() => principals.id),
    reviewerName: text('reviewer_name').notNull(),
    decision: text('decision').$type<'approve' | 'reject'>().notNull(),
    reason: text('reason'),
    at: instant('at').notNull().defaultNow(),
  },
  (t) => [unique('access_decisions_once').on(t.requestId, t.reviewerId)],
);
