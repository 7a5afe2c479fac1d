import { bigint, boolean, index, integer, jsonb, pgTable, text, timestamp, unique } from 'drizzle-orm/pg-core';
import { principals } from './identity';
import type {
  ApprovalScope,
  ApprovalStatus,
  ConfirmedBy,
  HeldState,
  HeldTransaction,
  Measured,
  ParameterValue,
  RelationUse,
  RuleTrial,
  Tolerance,
} from './shapes';

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });

/**
 * A statement that waits for a person.
 * pending → approved → executed; pending → rejected | expired | withdrawn; approved → withdrawn when the client left first, → expired when
 * nobody came for it. Every move is one conditional update, so a race has one winner.
 */
export const approvalRequests = pgTable(
  'approval_requests',
  {
    id: text('id').primaryKey(),
    statementId: text('statement_id').notNull(),
    sessionId: text('session_id').notNull(),
    gatewayId: text('gateway_id').notNull(),
    workerId: text('worker_id').notNull(),
    principalId: text('principal_id').notNull(),
    principalName: text('principal_name').notNull(),
    /** The person the agent acts for. */
    ownerId: text('owner_id'),
    ownerName: text('owner_name'),
    connectionName: text('connection_name').notNull(),
    /** The exact text that runs when approved. */
    sql: text('sql').notNull(),
    parameters: jsonb('parameters').$type<ParameterValue[]>().notNull(),
    /** SHA-256 over all that makes it this statement of this principal (proxy/approvals/digest.ts): what was approved is what runs. */
    digest: text('digest').notNull(),
    /**
     * A client waits for it on its own connection. Otherwise (on_hold=error, or the gateway that held it died) the same statement, sent again,
     * takes its place here: found by its digest.
     */
    waiting: boolean('waiting').notNull().default(true),
    /** A client that does not wait has been given the rejection; the statement sent once more is a new request. */
    told: boolean('told').notNull().default(false),
    /** What a grant would cover (proxy/approvals/shapeOf.ts), and whether that is this very text and nothing else. */
    shape: text('shape').notNull().default(''),
    shapeIsExact: boolean('shape_is_exact').notNull().default(true),
    policyVersion: bigint('policy_version', { mode: 'number' }).notNull().default(0),
    kind: text('kind').notNull(),
    effects: jsonb('effects').$type<string[]>().notNull(),
    relations: jsonb('relations').$type<RelationUse[]>().notNull(),
    unbounded: boolean('unbounded').notNull().default(false),
    rule: text('rule').notNull(),
    why: text('why').notNull(),
    tried: jsonb('tried').$type<RuleTrial[]>().notNull(),
    requesterReason: text('requester_reason'),
    /** ReadyForQuery's status byte when it was held: I idle, T in a transaction, E failed transaction. */
    transactionStatus: text('transaction_status').$type<'I' | 'T' | 'E'>().notNull(),
    reviewerGroups: jsonb('reviewer_groups').$type<string[]>().notNull(),
    required: integer('required').notNull(),
    /** Whoever approves it confirms that with a passkey. */
    passkey: boolean('passkey').notNull().default(false),
    heldState: jsonb('held_state').$type<HeldState | null>(),
    /** Set where what waits is a COMMIT. */
    heldTransaction: jsonb('held_transaction').$type<HeldTransaction | null>(),
    /** The rule asks for a dry run. */
    dryRun: boolean('dry_run').notNull().default(false),
    tolerance: jsonb('tolerance').$type<Tolerance | null>(),
    measured: jsonb('measured').$type<Measured | null>(),
    status: text('status').$type<ApprovalStatus>().notNull().default('pending'),
    createdAt: instant('created_at').notNull().defaultNow(),
    expiresAt: instant('expires_at').notNull(),
    decidedAt: instant('decided_at'),
    endedAt: instant('ended_at'),
  },
  (t) => [
    index('approval_requests_status').on(t.status, t.createdAt),
    index('approval_requests_session').on(t.sessionId),
    index('approval_requests_digest').on(t.digest),
  ],
);

export const approvalDecisions = pgTable(
  'approval_decisions',
  {
    id: text('id').primaryKey(),
    requestId: text('request_id')
      .notNull()
      .references(() => approvalRequests.id, { onDelete: 'cascade' }),
    reviewerId: text('reviewer_id')
      .notNull()
      .references(() => principals.id),
    reviewerName: text('reviewer_name').notNull(),
    decision: text('decision').$type<'approve' | 'reject'>().notNull(),
    reason: text('reason'),
    /** How far this reviewer's approval reaches; null is one run. */
    scope: jsonb('scope').$type<ApprovalScope>(),
    /** The passkey that confirmed an approval, and what it was called. */
    passkey: jsonb('passkey').$type<ConfirmedBy | null>(),
    at: instant('at').notNull().defaultNow(),
  },
  (t) => [unique('approval_decisions_once').on(t.requestId, t.reviewerId)],
);

/**
 * What reviewers allowed beyond one run: statements of one shape, by one principal, on one connection, held by one rule under one version of
 * the policy. Revoked, run out, or of another policy version, it covers nothing.
 */
export const approvalGrants = pgTable(
  'approval_grants',
  {
    id: text('id').primaryKey(),
    requestId: text('request_id')
      .notNull()
      .references(() => approvalRequests.id, { onDelete: 'cascade' }),
    principalId: text('principal_id').notNull(),
    principalName: text('principal_name').notNull(),
    ownerId: text('owner_id'),
    ownerName: text('owner_name'),
    connectionName: text('connection_name').notNull(),
    rule: text('rule').notNull(),
    policyVersion: bigint('policy_version', { mode: 'number' }).notNull(),
    shape: text('shape').notNull(),
    shapeIsExact: boolean('shape_is_exact').notNull(),
    /** The statement that was approved, for people to read. */
    sql: text('sql').notNull(),
    /** The only session it holds in; null for any of the principal's. */
    sessionId: text('session_id'),
    /** Null: as long as its session. */
    expiresAt: instant('expires_at'),
    reviewers: jsonb('reviewers').$type<string[]>().notNull(),
    uses: bigint('uses', { mode: 'number' }).notNull().default(0),
    lastUsedAt: instant('last_used_at'),
    createdAt: instant('created_at').notNull().defaultNow(),
    revokedAt: instant('revoked_at'),
    revokedBy: text('revoked_by'),
  },
  (t) => [index('approval_grants_shape').on(t.shape, t.principalId), index('approval_grants_request').on(t.requestId)],
);

/** Who changed what holds statements: a rule, or a connection's own defaults. Nobody decides what they have just had a hand in. */
export const policyEdits = pgTable(
  'policy_edits',
  {
    id: text('id').primaryKey(),
    kind: text('kind').$type<'rule' | 'connection'>().notNull(),
    name: text('name').notNull(),
    editorId: text('editor_id').notNull(),
    editorName: text('editor_name').notNull(),
    at: instant('at').notNull().defaultNow(),
  },
  (t) => [index('policy_edits_name').on(t.kind, t.name, t.at)],
);
