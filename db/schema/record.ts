import { sql } from 'drizzle-orm';
import { bigint, date, index, integer, jsonb, pgTable, primaryKey, text, timestamp, uniqueIndex } from 'drizzle-orm/pg-core';
import type { AuditSettings, RecorderStatus } from './auditShapes';

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });

/** The logs of this store: one for each gateway, told apart by node name. Whoever holds a name, holds it alone. */
export const nodes = pgTable('nodes', {
  name: text('name').primaryKey(),
  /** Of the data directory that the log lies in. */
  gatewayId: text('gateway_id').notNull(),
  /** C2SP verifier key of its checkpoints: a log under the same name with another key is another log. */
  publicKey: text('public_key').notNull(),
  since: instant('since').notNull().defaultNow(),
  /** Where people find its gateway's console (CONSOLE_URL); null: nobody said. */
  consoleUrl: text('console_url'),
  /** When its gateway last said that it runs. */
  seenAt: instant('seen_at').notNull().defaultNow(),
  /** How its record stood then; null before its recorder's first word. */
  status: jsonb('status').$type<RecorderStatus>(),
});

/** Signed tree heads of every node's log. */
export const checkpoints = pgTable(
  'checkpoints',
  {
    node: text('node').notNull(),
    /** Entries of the log that it covers. */
    size: bigint('size', { mode: 'number' }).notNull(),
    /** base64 */
    root: text('root').notNull(),
    /** The signed note as it is published. */
    note: text('note').notNull(),
    at: instant('at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.node, t.size] }), index('checkpoints_at').on(t.at)],
);

/** Keys that seal what clients sent: one for each principal and UTC day. A key that is deleted erases what it sealed, everywhere. */
export const valueKeys = pgTable(
  'value_keys',
  {
    id: text('id').primaryKey(),
    principalName: text('principal_name').notNull(),
    day: date('day', { mode: 'string' }).notNull(),
    /** 32 bytes in base64, sealed with GATEHOUSE_SECRET_KEY (db/secrets.ts) and bound to the id; null once erased. */
    keySealed: text('key_sealed'),
    createdAt: instant('created_at').notNull().defaultNow(),
    erasedAt: instant('erased_at'),
  },
  (t) => [
    // What is recorded after an erasure of the same day gets a key of its own.
    uniqueIndex('value_keys_live').on(t.principalName, t.day).where(sql`${t.erasedAt} is null`),
    index('value_keys_day').on(t.day),
  ],
);

/** What was erased: every gateway takes it out of its own log files too, and says so in `erasure_nodes`. */
export const erasures = pgTable('erasures', {
  id: text('id').primaryKey(),
  at: instant('at').notNull().defaultNow(),
  principalName: text('principal_name'),
  /** UTC days, both included; null: no bound. */
  since: date('since', { mode: 'string' }),
  until: date('until', { mode: 'string' }),
  statementId: text('statement_id'),
  reason: text('reason').notNull(),
});

/** How much of an erasure one gateway's log files have been through. */
export const erasureNodes = pgTable(
  'erasure_nodes',
  {
    erasureId: text('erasure_id').notNull(),
    node: text('node').notNull(),
    doneAt: instant('done_at').notNull().defaultNow(),
    /** Entries whose values were overwritten. */
    entries: integer('entries').notNull(),
  },
  (t) => [primaryKey({ columns: [t.erasureId, t.node] })],
);

/** One row: the policy document's `audit`. */
export const auditSettings = pgTable('audit_settings', {
  id: integer('id').primaryKey(),
  settings: jsonb('settings').$type<AuditSettings>().notNull(),
  /** The secrets among them by their place, as JSON, sealed with GATEHOUSE_SECRET_KEY; null: none. */
  secretsSealed: text('secrets_sealed'),
});
