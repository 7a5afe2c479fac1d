import { sql } from 'drizzle-orm';
import { bigint, boolean, doublePrecision, index, integer, jsonb, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';
import type { Action, Detected, Enforcement, ParameterValue, RelationUse, RuleTrial, StatementStatus } from './shapes';

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });

export const sessions = pgTable(
  'sessions',
  {
    id: text('id').primaryKey(),
    gatewayId: text('gateway_id').notNull(),
    workerId: text('worker_id').notNull(),
    principalId: text('principal_id').notNull(),
    principalName: text('principal_name').notNull(),
    ownerName: text('owner_name'),
    connectionName: text('connection_name').notNull(),
    clientAddress: text('client_address').notNull(),
    applicationName: text('application_name').notNull().default(''),
    startedAt: instant('started_at').notNull().defaultNow(),
    endedAt: instant('ended_at'),
    endReason: text('end_reason'),
    /** Who keeps masked columns from the session, as it was when the session opened. */
    enforcement: text('enforcement').$type<Enforcement>().notNull().default('gateway'),
    /** Set by an administrator; the worker that owns the session ends it with 57P01. */
    killRequestedAt: instant('kill_requested_at'),
  },
  (t) => [index('sessions_open').on(t.endedAt, t.startedAt)],
);

/** One row a statement, copied from the journal by the shipper: the journal is the record, this is its index. */
export const statements = pgTable(
  'statements',
  {
    id: text('id').primaryKey(),
    sessionId: text('session_id').notNull(),
    principalName: text('principal_name').notNull(),
    ownerName: text('owner_name'),
    connectionName: text('connection_name').notNull(),
    clientAddress: text('client_address').notNull(),
    applicationName: text('application_name').notNull().default(''),
    at: instant('at').notNull(),
    kind: text('kind').notNull(),
    sql: text('sql').notNull(),
    /** As it was forwarded, where that is not as it came. */
    rewritten: text('rewritten'),
    fingerprint: text('fingerprint').notNull().default(''),
    /** simple, extended, or sql for EXECUTE and FETCH. */
    protocol: text('protocol').notNull(),
    parameters: jsonb('parameters').$type<ParameterValue[]>().notNull(),
    relations: jsonb('relations').$type<RelationUse[]>().notNull(),
    effects: jsonb('effects').$type<string[]>().notNull(),
    /** A write of it is bounded by no unique key; null where that was not recorded. */
    unbounded: boolean('unbounded'),
    verdict: text('verdict').$type<Action>().notNull(),
    rule: text('rule'),
    why: text('why').notNull().default(''),
    tried: jsonb('tried').$type<RuleTrial[]>().notNull(),
    policyVersion: bigint('policy_version', { mode: 'number' }).notNull(),
    requestId: text('request_id'),
    /** The grant that released it. */
    grantId: text('grant_id'),
    /** The reason given when it ran without the approval it needed. */
    breakGlass: text('break_glass'),
    status: text('status').$type<StatementStatus>().notNull(),
    rows: bigint('rows', { mode: 'number' }),
    bytes: bigint('bytes', { mode: 'number' }),
    sqlstate: text('sqlstate'),
    /** `schema.table.column` of every masked output column. */
    maskedColumns: jsonb('masked_columns').$type<string[]>().notNull(),
    /** What rules about content found in columns without a mask of their own. */
    detected: jsonb('detected').$type<Detected[]>().notNull().default([]),
    durationMs: doublePrecision('duration_ms'),
    analysisMs: doublePrecision('analysis_ms'),
    waitMs: doublePrecision('wait_ms'),
    transactionStatus: text('transaction_status').notNull().default('I'),
  },
  (t) => [
    index('statements_at').on(t.at.desc(), t.id.desc()),
    index('statements_session').on(t.sessionId, t.at),
    index('statements_principal').on(t.principalName, t.at.desc()),
    index('statements_fingerprint').on(t.fingerprint, t.at.desc()),
  ],
);

/** How far the shipper has copied each journal; advanced in the transaction that writes the rows, so nothing is lost or doubled. */
export const journalPositions = pgTable(
  'journal_positions',
  {
    journal: text('journal').notNull(),
    segment: integer('segment').notNull(),
    offset: bigint('offset', { mode: 'number' }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.journal] })],
);

/** What people and the CLI did: written in the transaction that made the change. Never holds a secret. */
export const actions = pgTable(
  'actions',
  {
    id: text('id').primaryKey(),
    at: instant('at').notNull().defaultNow(),
    actorId: text('actor_id'),
    actorName: text('actor_name').notNull(),
    via: text('via').$type<'console' | 'cli' | 'slack' | 'system'>().notNull(),
    /** noun.verb, e.g. `connection.update`. */
    action: text('action').notNull(),
    subject: text('subject').notNull(),
    before: jsonb('before').$type<unknown>(),
    after: jsonb('after').$type<unknown>(),
    /** Whose log it becomes an entry of; null until a gateway has taken it. */
    gatewayId: text('gateway_id'),
    /** Its place there; null until it is in it. */
    logIndex: bigint('log_index', { mode: 'number' }),
  },
  (t) => [index('actions_at').on(t.at.desc()), index('actions_to_log').on(t.gatewayId, t.id).where(sql`${t.logIndex} is null`)],
);
