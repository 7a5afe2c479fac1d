import type { TokenIdentity } from '../../db/schema/identityShapes';
import type { Action, Detected, ParameterValue, RelationUse, Reviewer, RuleTrial, StatementStatus } from '../../db/schema/shapes';

/** What is known of a statement before it is forwarded: written first, so that nothing runs unrecorded. */
export interface StatementEntry {
  type: 'statement';
  id: string;
  sessionId: string;
  principalName: string;
  ownerName: string | null;
  connectionName: string;
  clientAddress: string;
  applicationName: string;
  /** Milliseconds since 1970. */
  atMs: number;
  kind: string;
  sql: string;
  /** The statement as it was forwarded, where that is not as it came: masked columns read through their masks. */
  rewritten: string | null;
  fingerprint: string;
  /** The text with every constant as `?` and without comments: what may be kept in the clear and searched. Absent in earlier journals. */
  shape?: string;
  /** `schema.table.column` of the columns it reads or writes, as far as the catalog resolved them. */
  touchedColumns?: readonly string[];
  /** The text behind the name that an EXECUTE or a FETCH runs. */
  executes?: string | null;
  /** The statement this is another run of: a repeated Execute, a FETCH, an EXECUTE of a PREPARE. */
  runOf?: string | null;
  /** The transaction block it ran in (`txn_…`); null outside one. */
  transactionId?: string | null;
  protocol: 'simple' | 'extended' | 'function call';
  parameters: readonly ParameterValue[];
  relations: readonly RelationUse[];
  effects: readonly string[];
  /** A write of it is bounded by no unique key; absent in journals of earlier versions. */
  unbounded?: boolean;
  verdict: Action;
  rule: string | null;
  why: string;
  tried: readonly RuleTrial[];
  policyVersion: number;
  requestId: string | null;
  /** The grant that released it. */
  grantId?: string | null;
  /** The reason given for running it without the approval it needed. */
  breakGlass?: string | null;
  /** Who had decided on it when this was written: those of its grant, or who broke the glass. */
  reviewers?: readonly Reviewer[] | undefined;
  status: StatementStatus;
  sqlstate: string | null;
  analysisMs: number;
  transactionStatus: string;
}

/** What became of it. Fields left out keep what was recorded before. */
export interface OutcomeEntry {
  type: 'outcome';
  id: string;
  status: StatementStatus;
  requestId?: string;
  /** Who decided on it, once somebody has: it is written before it runs. */
  reviewers?: readonly Reviewer[];
  rows?: number;
  bytes?: number;
  sqlstate?: string;
  maskedColumns?: readonly string[];
  /** Cells in which rules about content found something. */
  detected?: readonly Detected[];
  durationMs?: number;
  waitMs?: number;
  /** From forwarding to the server's first answer, and what masking cost; milliseconds. */
  upstreamMs?: number;
  maskingMs?: number;
  atMs?: number;
}

/** A client signed in and has an upstream session. */
export interface SessionOpenEntry {
  type: 'sessionOpen';
  id: string;
  atMs: number;
  principalName: string;
  ownerName: string | null;
  connectionName: string;
  clientAddress: string;
  applicationName: string;
  /** How it proved itself: token by SCRAM or password, API key, JWT … */
  method: string;
  encrypted: boolean;
  /** Who it is by a provider's word; absent where a token of ours says it alone. */
  identity?: TokenIdentity;
}

export interface SessionCloseEntry {
  type: 'sessionClose';
  id: string;
  atMs: number;
  reason: string;
  statements: number;
  bytesIn: number;
  bytesOut: number;
}

/** Somebody did not get in. What was given as password is never in it. */
export interface SignInFailedEntry {
  type: 'signInFailed';
  atMs: number;
  /** Further failures that were not recorded one by one, because there were too many. */
  count?: number;
  /** As the client said them. */
  principalName: string;
  connectionName: string;
  clientAddress: string;
  sqlstate: string;
  reason: string;
}

/** How a transaction block ended. */
export interface TransactionEntry {
  type: 'transaction';
  id: string;
  sessionId: string;
  atMs: number;
  outcome: 'committed' | 'rolledBack' | 'unknown';
  statements: number;
}

/** Rows of a result as they left, masked; only where the connection records results. Several of one statement follow each other. */
export interface ResultEntry {
  type: 'result';
  id: string;
  /** Whom it was shown to. */
  principalName: string;
  atMs: number;
  /** Names and type oids of the columns; in the first alone. */
  columns?: readonly { name: string; typeOid: number }[];
  /** Text form; null is SQL NULL. */
  rows: readonly (readonly (string | null)[])[];
  /** More left than is recorded. */
  truncated?: boolean;
}

export type JournalEntry =
  | StatementEntry
  | OutcomeEntry
  | SessionOpenEntry
  | SessionCloseEntry
  | SignInFailedEntry
  | TransactionEntry
  | ResultEntry;
