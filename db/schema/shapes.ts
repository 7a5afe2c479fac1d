/**
 * The shapes of the JSON columns: policy as an operator writes it (docs/policy.md), already validated.
 * They are plain types here because db imports nothing of ours; the zod schemas that produce them are in proxy/policy.
 */

export type Action = 'allow' | 'hold' | 'deny';
export type Mode = 'off' | 'observe' | 'enforce';
export type TlsMode = 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';
/** How TLS begins upstream: asked for by SSLRequest, or at once with ALPN (libpq's sslnegotiation). */
export type TlsNegotiation = 'postgres' | 'direct';
export type PrincipalKind = 'human' | 'agent' | 'service';
export type Role = 'admin' | 'reviewer' | 'auditor' | 'member';
export type Inference = 'open' | 'guarded' | 'closed' | 'masked';

export type MaskSpec =
  | { type: 'redact' }
  | { type: 'null' }
  | { type: 'partial'; keepFirst?: number; keepLast?: number }
  | { type: 'hash' }
  | { type: 'email' }
  | { type: 'date'; truncate: 'year' | 'month' | 'day' }
  | { type: 'number'; round?: number; bucket?: number }
  | { type: 'constant'; value: string };

export type Detector = 'credit_card' | 'ssn' | 'email' | 'iban' | 'phone' | 'api_key';

/**
 * Cells of a result in which a detector of a masking rule found something. `unscanned`: cells that were too much to look through. In mode
 * observe they left as they were. No values.
 */
export interface Detected {
  rule: string;
  detector: Detector | 'unscanned';
  mode: 'observe' | 'enforce';
  cells: number;
}

/** Every given field must match; an absent field matches anything. */
export interface RuleMatch {
  /** Command words, e.g. `DELETE`, `DROP`, `DROP TABLE`, `ALTER ROLE`, `COPY PROGRAM`; a verb alone covers its objects. */
  statements?: string[];
  effects?: string[];
  /** Globs over `schema.table`. */
  tables?: string[];
  /** Globs over `schema.table.column`. */
  columns?: string[];
  functions?: string[];
  fingerprints?: string[];
  /** A write whose conditions do not pin the rows it changes to constants or parameters. */
  unbounded?: boolean;
  /** With `unbounded`: what has to be pinned, a unique key (the default) or any indexed column. */
  boundedBy?: 'key' | 'index';
  opaque?: boolean;
  /** Text pattern over the statement, case-insensitive. */
  sql?: string;
  hours?: { from: string; to: string; timeZone?: string };
  maxAffectedRows?: number;
}

export interface ApprovalSpec {
  groups: string[];
  count: number;
  expiresInMs: number;
  /** commit: inside the client's own transaction the statement runs at once, and its COMMIT is held. Default: statement. */
  at?: 'statement' | 'commit';
  /** Measured by a dry run as soon as it is held. */
  dryRun?: boolean;
  /** How far the run may go beyond what a dry run measured; default: not at all. */
  tolerance?: Tolerance;
  /** Groups whose members may run at once with a reason; absent: nobody. */
  breakGlass?: string[];
  /** Each approval is confirmed with a passkey, in the console. Default: it is not asked for. */
  passkey?: 'required';
}

/** Rows, or percent of the rows measured. */
export type Tolerance = { rows: number } | { percent: number };

/** Who let a statement run or did not let it: by approval, by rejection, or without being asked. */
export interface Reviewer {
  name: string;
  decision: 'approve' | 'reject' | 'breakGlass';
  /** The id of the passkey that confirmed an approval. */
  passkey?: string;
}

/** The passkey that confirmed an approval, as it was called then. */
export interface ConfirmedBy {
  id: string;
  name: string;
}

/** How far an approval reaches: one run, or the statement's shape in its own session or for some time. */
export type ApprovalScope = { kind: 'once' } | { kind: 'session' } | { kind: 'minutes'; minutes: number };

export interface ConnectionLimits {
  /** Of one result, as it leaves. */
  maxRows?: number;
  maxBytes?: number;
  statementTimeoutMs?: number;
  lockTimeoutMs?: number;
  /** The total cost that EXPLAIN estimates. */
  maxCost?: number;
  maxSessions?: number;
  /** The longest text of one Query or Parse; default 1 MiB. */
  maxStatementBytes?: number;
  /** The largest Bind, FunctionCall or CopyData message; default: what PostgreSQL itself takes, 1 GiB. */
  maxMessageBytes?: number;
  /** A session that sends nothing for this long outside a transaction ends. */
  idleTimeoutMs?: number;
  /** The same inside a transaction. */
  idleInTransactionTimeoutMs?: number;
}

export interface PrincipalLimits {
  maxSessions?: number;
  perHour?: Budget;
  perDay?: Budget;
}

/** What a principal may use up in a time, over all its sessions. */
export interface Budget {
  statements?: number;
  /** Rows of results, as they leave. */
  rows?: number;
  /** Distinct values behind masks. */
  maskedValues?: number;
}

/** What SCRAM-SHA-256 keeps of an access token (RFC 5803); the salt is its principal's. Keys in base64. */
export interface ScramVerifier {
  iterations: number;
  storedKey: string;
  serverKey: string;
}

/** group: what one turn of the event loop gathered is handed to the kernel. strict: it is on the disk too. */
export type Durability = 'group' | 'strict';

export interface RecordSpec {
  results: 'off' | 'masked';
  maxRows?: number;
}

/** A bind parameter as the record shows it: its type, and its value as text where that can be shown. */
export interface ParameterValue {
  typeOid: number;
  /** Text form; null is SQL NULL; binary values that have no known text form are `\x…` (cut at 1,024 bytes). */
  value: string | null;
  truncated?: boolean;
}

/** One rule that was looked at on the way to a verdict. */
export interface RuleTrial {
  rule: string;
  mode: Mode;
  action: Action;
  matched: boolean;
  /** The condition that matched, or the first that did not, in words. */
  why: string;
}

/** A relation a statement names, as `schema.table` where the catalog resolved it. */
export interface RelationUse {
  name: string;
  access: 'read' | 'write';
}

/** How access to a connection can be asked for. */
export interface Requestable {
  /** Whose members decide; empty means any reviewer. */
  groups: string[];
  count: number;
  maxDurationMs: number;
}

export type AccessRequestStatus = 'pending' | 'approved' | 'rejected' | 'expired' | 'withdrawn' | 'revoked' | 'ended';

export type ApprovalStatus = 'pending' | 'approved' | 'rejected' | 'expired' | 'withdrawn' | 'executed';

/**
 * running: forwarded, no outcome yet. done, failed: PostgreSQL answered. denied, rejected, withdrawn, expired: never forwarded.
 * held: waits for a person. rolledBack: it ran, and its transaction was rolled back. skipped: PostgreSQL never ran it because an earlier statement of its batch or pipeline failed.
 * unknown: the gateway or the upstream died before an outcome was seen.
 */
export type StatementStatus =
  | 'running'
  | 'held'
  | 'done'
  | 'failed'
  | 'denied'
  | 'rejected'
  | 'withdrawn'
  | 'expired'
  | 'skipped'
  | 'rolledBack'
  | 'unknown';

/** Who keeps masked columns from a session: PostgreSQL itself, or the gateway alone. */
export type Enforcement = 'database' | 'gateway';

/** database: proved. except: every masked column is unreadable, but something could cross. gateway: not enforced by the database. */
export type EnforcementState = 'database' | 'except' | 'gateway';

export type CrossingKind =
  | 'function'
  | 'view'
  | 'trigger'
  | 'rule'
  | 'foreign server'
  | 'outside function'
  | 'statistics'
  | 'large object'
  | 'create'
  | 'privilege'
  | 'system catalog';

/** Something a role could use to have a masked value read for it. */
export interface Crossing {
  kind: CrossingKind;
  object: string;
  /** One sentence: how it could cross, or what to do. */
  detail: string;
}

/** One masked column and the two proofs that it cannot be read. */
export interface ColumnProof {
  /** `schema.table.column` */
  column: string;
  /** The masking rule it comes from. */
  rule: string;
  /** has_column_privilege(role, column, 'SELECT') */
  privilege: boolean;
  /** What `SELECT column FROM table LIMIT 0` as that role came to: refused is SQLSTATE 42501. */
  attempt: 'refused' | 'answered' | 'not tried' | `failed ${string}`;
}

/** What `gatehouse connections verify` found. */
export interface EnforcementReport {
  state: EnforcementState;
  /** The upstream role it is about. */
  role: string;
  columns: ColumnProof[];
  /** The masking views that were recognised, as `schema.view`. */
  maskingViews: string[];
  /** Why it is not the database that enforces; empty when it does. */
  reasons: string[];
  crossings: Crossing[];
}

/** What a held statement's session is, as far as a run of it elsewhere has to be like it. */
export interface HeldState {
  /** Process id of its upstream session; null when the server gave none. */
  backendPid: number | null;
  /** The role it acts as; null for the one it signed in as. */
  role: string | null;
  /** Settings that a session which begins now would not have; null where they are not known. */
  settings: Readonly<Record<string, string>> | null;
  /** The server was asked for them: settings of the application's own (`app.tenant`) are not among them. */
  asked: boolean;
}

/** Rows of one table, as PostgreSQL's own statistics counted them inside the transaction. */
export interface TableRows {
  /** `schema.table` */
  table: string;
  inserted: number;
  updated: number;
  deleted: number;
}

/** Some of the rows of one table, every masking rule applied. Cells are PostgreSQL's text form; null is SQL NULL. */
export interface RowSample {
  table: string;
  columns: { name: string; masked: boolean }[];
  rows: SampledRow[];
}

export interface SampledRow {
  change: 'inserted' | 'updated' | 'deleted';
  before: (string | null)[] | null;
  after: (string | null)[] | null;
  /** Columns by position whose shown value differs. */
  changed: number[];
}

/** What a dry run came to. Refused: it was not run. Failed: it was, and the server said no; it is rolled back either way. */
export type Measured = { at: string; by: string } & (
  | {
      kind: 'measured';
      durationMs: number;
      /** All rows of all tables. */
      rows: number;
      tables: TableRows[];
      triggers: { name: string; table: string; calls: number }[];
      samples: RowSample[];
      notes: string[];
    }
  | { kind: 'refused' | 'failed'; why: string[] }
);

/** The transaction that waits at its COMMIT. */
export interface HeldTransaction {
  statements: { sql: string; rule: string | null; rows: number | null }[];
  /** More than are listed. */
  more: number;
  tables: TableRows[];
}

/** Where a connection's password is, when the store does not hold it. Resolved by the worker that connects (proxy/credentials). */
export type PasswordFrom = { env: string } | { file: string } | { vault: VaultReference } | { rds: { region: string } };

/** A secret of HashiCorp Vault by the path of its HTTP API, without `v1/`: `secret/data/shop` (KV version 2) or `database/creds/readonly`. */
export interface VaultReference {
  path: string;
  /** Which of its fields; `password` unless said. */
  field: string;
}

/** What the upstream knows of who is there. */
export interface UpstreamSession {
  /** Settings of the upstream session, e.g. `app.user`, and what each carries. */
  variables: Readonly<Record<string, SessionFact>>;
  /** `person`: principal and session stand behind the client's own application_name. */
  applicationName?: 'person';
}

export type SessionFact = 'principal' | 'owner' | 'groups' | 'session';
