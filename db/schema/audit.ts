import { sql } from 'drizzle-orm';
import { bigint, boolean, customType, date, index, integer, jsonb, pgTable, primaryKey, real, text, timestamp } from 'drizzle-orm/pg-core';
import type { TokenIdentity } from './identityShapes';
import type { Action, Detected, Enforcement, RelationUse, Reviewer, StatementStatus } from './shapes';

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });
const bytes = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

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
    /** How it proved who it is; null until the log says so, as with all that follows. */
    method: text('method'),
    encrypted: boolean('encrypted'),
    /** Who it is by a provider's word; null where a token of ours said it alone. */
    identity: jsonb('identity').$type<TokenIdentity | null>(),
    statementsRun: bigint('statements_run', { mode: 'number' }),
    bytesIn: bigint('bytes_in', { mode: 'number' }),
    bytesOut: bigint('bytes_out', { mode: 'number' }),
    node: text('node'),
    openIndex: bigint('open_index', { mode: 'number' }),
    closeIndex: bigint('close_index', { mode: 'number' }),
  },
  (t) => [
    index('sessions_open').on(t.endedAt, t.startedAt),
    // For the search by identity; patterns too.
    index('sessions_subject').on(sql`(${t.identity} ->> 'subject') text_pattern_ops`).where(sql`${t.identity} is not null`),
    index('sessions_client').on(sql`(${t.identity} ->> 'client') text_pattern_ops`).where(sql`${t.identity} is not null`),
    index('sessions_actors').using('gin', sql`(${t.identity} -> 'actors')`).where(sql`${t.identity} is not null`),
  ],
);

/**
 * What statements repeat, kept once: who asks from where by which connection. A digest of it all tells two apart (SHA-256, so that nobody
 * can make two of them share a row).
 */
export const statementSources = pgTable(
  'statement_sources',
  {
    id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    digest: bytes('digest').notNull().unique(),
    /** The gateway that recorded it. */
    node: text('node').notNull(),
    principalName: text('principal_name').notNull(),
    ownerName: text('owner_name'),
    connectionName: text('connection_name').notNull(),
    applicationName: text('application_name').notNull(),
    /** The client's address without its port. */
    clientHost: text('client_host').notNull(),
    /** The last day it was used on, within a day. */
    seenOn: date('seen_on', { mode: 'string' }).notNull(),
  },
  (t) => [index('statement_sources_principal').on(t.principalName), index('statement_sources_owner').on(t.ownerName)],
);

/** What a statement is without its constants, kept once however often it runs. */
export const statementForms = pgTable(
  'statement_forms',
  {
    id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    digest: bytes('digest').notNull().unique(),
    kind: text('kind').notNull(),
    /** The text with every constant as `?`. */
    shape: text('shape').notNull(),
    fingerprint: text('fingerprint').notNull(),
    /** simple, extended, or function call. */
    protocol: text('protocol').notNull(),
    relations: jsonb('relations').$type<RelationUse[]>().notNull(),
    /** Their names alone. */
    tables: text('tables').array().notNull(),
    /** `schema.table.column` of what it reads or writes. */
    columns: text('columns').array().notNull(),
    effects: jsonb('effects').$type<string[]>().notNull(),
    /** A write of it is bounded by no unique key; null where that was not recorded. */
    unbounded: boolean('unbounded'),
    seenOn: date('seen_on', { mode: 'string' }).notNull(),
  },
  (t) => [
    index('statement_forms_kind').on(t.kind),
    index('statement_forms_fingerprint').on(t.fingerprint),
    index('statement_forms_tables').using('gin', t.tables),
    index('statement_forms_columns').using('gin', t.columns),
  ],
);

/** Sets of masked output columns, `schema.table.column` each. */
export const statementMasks = pgTable('statement_masks', {
  id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
  digest: bytes('digest').notNull().unique(),
  columns: text('columns').array().notNull(),
  seenOn: date('seen_on', { mode: 'string' }).notNull(),
});

/**
 * One row a statement, copied from the log by the shipper: the log is the record, this is its index. Partitioned by UTC day
 * (proxy/ship/partitions.ts). What a client sent is not here: it is sealed, in `statement_values`.
 */
export const statements = pgTable(
  'statements',
  {
    id: text('id').notNull(),
    at: instant('at').notNull(),
    sourceId: bigint('source_id', { mode: 'number' }).notNull(),
    formId: bigint('form_id', { mode: 'number' }).notNull(),
    sessionId: text('session_id').notNull(),
    clientPort: integer('client_port'),
    verdict: text('verdict').$type<Action>().notNull(),
    rule: text('rule'),
    status: text('status').$type<StatementStatus>().notNull(),
    sqlstate: text('sqlstate'),
    policyVersion: bigint('policy_version', { mode: 'number' }).notNull(),
    transactionStatus: text('transaction_status').notNull(),
    /** The transaction block it ran in. */
    transactionId: text('transaction_id'),
    /** The statement that this is another run of. */
    runOf: text('run_of'),
    requestId: text('request_id'),
    /** The grant that released it. */
    grantId: text('grant_id'),
    /** It ran without the approval it needed; the reason is among its values. */
    brokeGlass: boolean('broke_glass').notNull(),
    rows: bigint('rows', { mode: 'number' }),
    bytes: bigint('bytes', { mode: 'number' }),
    /** Null: nothing of what it gave out was masked. */
    maskId: bigint('mask_id', { mode: 'number' }),
    /** What rules about content found in columns without a mask of their own; null: nothing. */
    detected: jsonb('detected').$type<Detected[]>(),
    durationMs: real('duration_ms'),
    analysisMs: real('analysis_ms'),
    waitMs: real('wait_ms'),
    upstreamMs: real('upstream_ms'),
    maskingMs: real('masking_ms'),
    /** Its place in the log of the source's node; null for what was recorded before there was a log. */
    logIndex: bigint('log_index', { mode: 'number' }),
    /** The place of its latest outcome. */
    outcomeIndex: bigint('outcome_index', { mode: 'number' }),
    /** Keyed hashes of its constants and parameters (LogRecord.words), as signed 64-bit integers. */
    words: bigint('words', { mode: 'bigint' }).array(),
    /** Who decided on it; null: nobody was asked, or nobody had decided when it ended. */
    reviewers: jsonb('reviewers').$type<Reviewer[]>(),
  },
  (t) => [
    primaryKey({ columns: [t.id, t.at] }),
    index('statements_at').on(t.at, t.id),
    index('statements_form').on(t.formId, t.at),
    index('statements_source').on(t.sourceId, t.at),
    index('statements_session').on(t.sessionId, t.at),
    // What stands out in a session, read from the index alone.
    index('statements_session_marked')
      .on(t.sessionId, t.at, t.verdict, t.status)
      .where(sql`${t.verdict} <> 'allow' or ${t.status} = 'failed'`),
    index('statements_request').on(t.requestId).where(sql`${t.requestId} is not null`),
    index('statements_judged').on(t.verdict, t.at).where(sql`${t.verdict} <> 'allow'`),
    index('statements_not_done').on(t.status, t.at).where(sql`${t.status} <> 'done'`),
    index('statements_sqlstate').on(t.sqlstate, t.at).where(sql`${t.sqlstate} is not null`),
    index('statements_rule').on(t.rule, t.at).where(sql`${t.rule} is not null`),
    index('statements_mask').on(t.maskId, t.at).where(sql`${t.maskId} is not null`),
    index('statements_detected').on(t.at).where(sql`${t.detected} is not null`),
    index('statements_broke_glass').on(t.at).where(sql`${t.brokeGlass}`),
    index('statements_reviewed').on(t.at).where(sql`${t.reviewers} is not null`),
    index('statements_rows').on(t.rows).where(sql`${t.rows} >= 100`),
    index('statements_bytes').on(t.bytes).where(sql`${t.bytes} >= 100000`),
    index('statements_duration').on(t.durationMs).where(sql`${t.durationMs} >= 100`),
    index('statements_words').using('gin', t.words),
  ],
);

/** What a client sent with a statement, sealed as the log has it (SealedValues). Partitioned as `statements`. */
export const statementValues = pgTable(
  'statement_values',
  {
    id: text('id').notNull(),
    at: instant('at').notNull(),
    keyId: text('key_id').notNull(),
    box: bytes('box').notNull(),
  },
  (t) => [primaryKey({ columns: [t.id, t.at] })],
);

/**
 * Statements an hour by what they have in common, kept exact: counts, charts and facets need not read ten million rows. Form 0 holds the
 * sums over all forms, for whoever does not ask for a form.
 */
export const statementHours = pgTable(
  'statement_hours',
  {
    hour: instant('hour').notNull(),
    sourceId: bigint('source_id', { mode: 'number' }).notNull(),
    formId: bigint('form_id', { mode: 'number' }).notNull(),
    verdict: text('verdict').$type<Action>().notNull(),
    status: text('status').$type<StatementStatus>().notNull(),
    /** Empty: none. */
    sqlstate: text('sqlstate').notNull(),
    rule: text('rule').notNull(),
    /** Something of what it gave out was masked. */
    masked: boolean('masked').notNull(),
    statements: bigint('statements', { mode: 'number' }).notNull(),
    rows: bigint('rows', { mode: 'number' }).notNull(),
    bytes: bigint('bytes', { mode: 'number' }).notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.hour, t.sourceId, t.formId, t.verdict, t.status, t.sqlstate, t.rule, t.masked] }),
    index('statement_hours_form').on(t.formId, t.hour),
    index('statement_hours_source').on(t.sourceId, t.hour),
  ],
);

/** How transaction blocks ended. Partitioned by day. */
export const transactions = pgTable(
  'transactions',
  {
    id: text('id').notNull(),
    at: instant('at').notNull(),
    sessionId: text('session_id').notNull(),
    outcome: text('outcome').$type<'committed' | 'rolledBack' | 'unknown'>().notNull(),
    statements: integer('statements').notNull(),
    node: text('node').notNull(),
    logIndex: bigint('log_index', { mode: 'number' }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.id, t.at] }), index('transactions_session').on(t.sessionId)],
);

/** Rows of results as clients saw them, masked; their cells are sealed. Partitioned by day. */
export const recordedResults = pgTable(
  'recorded_results',
  {
    statementId: text('statement_id').notNull(),
    at: instant('at').notNull(),
    node: text('node').notNull(),
    /** Parts of one result follow each other. */
    logIndex: bigint('log_index', { mode: 'number' }).notNull(),
    /** In the first part. */
    columns: jsonb('columns').$type<{ name: string; typeOid: number }[]>(),
    truncated: boolean('truncated').notNull(),
    /** The values' `rows`. */
    keyId: text('key_id'),
    box: bytes('box'),
  },
  (t) => [primaryKey({ columns: [t.statementId, t.at, t.node, t.logIndex] })],
);

/** Who did not get in. Partitioned by day. */
export const signInFailures = pgTable(
  'sign_in_failures',
  {
    node: text('node').notNull(),
    logIndex: bigint('log_index', { mode: 'number' }).notNull(),
    at: instant('at').notNull(),
    principalName: text('principal_name').notNull(),
    connectionName: text('connection_name').notNull(),
    clientAddress: text('client_address').notNull(),
    sqlstate: text('sqlstate').notNull(),
    reason: text('reason').notNull(),
  },
  (t) => [primaryKey({ columns: [t.at, t.node, t.logIndex] }), index('sign_in_failures_principal').on(t.principalName, t.at)],
);

/** What the log itself says could not be read (DamageEntry), or the store did not take: it is in the log, and not in this index. */
export const recordGaps = pgTable(
  'record_gaps',
  {
    node: text('node').notNull(),
    logIndex: bigint('log_index', { mode: 'number' }).notNull(),
    at: instant('at').notNull(),
    kind: text('kind').$type<'damage' | 'refused'>().notNull(),
    why: text('why').notNull(),
  },
  (t) => [primaryKey({ columns: [t.node, t.logIndex] })],
);

/** How far each node's log has been copied; moved in the transaction that writes the rows, so nothing is lost or doubled. */
export const shipPositions = pgTable('ship_positions', {
  node: text('node').primaryKey(),
  nextIndex: bigint('next_index', { mode: 'number' }).notNull(),
  /** Entries the log had then. */
  logSize: bigint('log_size', { mode: 'number' }).notNull(),
  at: instant('at').notNull(),
});

/** How far an earlier version had copied each journal into the store itself. */
export const journalPositions = pgTable(
  'journal_positions',
  {
    journal: text('journal').notNull(),
    segment: integer('segment').notNull(),
    offset: bigint('offset', { mode: 'number' }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.journal] })],
);

/** Runs of a node's log that are in the archive; where there is none, `place` is empty. Rows of the store are dropped only after this. */
export const archives = pgTable(
  'archives',
  {
    node: text('node').notNull(),
    day: date('day', { mode: 'string' }).notNull(),
    /** With it the day is whole. */
    closesDay: boolean('closes_day').notNull(),
    /** Where it is: a path, or an object's key. */
    place: text('place').notNull(),
    fromIndex: bigint('from_index', { mode: 'number' }).notNull(),
    entries: bigint('entries', { mode: 'number' }).notNull(),
    sizeBytes: bigint('size_bytes', { mode: 'number' }).notNull(),
    /** Of the compressed file, hexadecimal. */
    sha256: text('sha256').notNull(),
    at: instant('at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.node, t.day, t.fromIndex] })],
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
