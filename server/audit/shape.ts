import { z } from 'zod';
import type {
  Action,
  Detected,
  Enforcement,
  ParameterValue,
  RelationUse,
  Reviewer,
  RuleTrial,
  StatementStatus,
} from '../../db/schema/shapes';
import type { RequestDecision } from '../approvals/shape';
import { cursorSchema } from '../input';
import type { OtherLog } from './otherLog';

export interface StatementRow {
  id: string;
  at: Date;
  principalName: string;
  ownerName: string | null;
  connectionName: string;
  sessionId: string;
  kind: string;
  sql: string;
  verdict: Action;
  rule: string | null;
  status: StatementStatus;
  rows: number | null;
  maskedColumns: string[];
  durationMs: number | null;
  sqlstate: string | null;
  requestId: string | null;
  /** The grant that released it. */
  grantId: string | null;
  /** The reason given for running it without the approval it needed. */
  breakGlass: string | null;
  /** Who decided on it, as its entry says. */
  reviewers: Reviewer[];
}

export interface StatementDetail extends StatementRow {
  /** As it was forwarded, where that is not as it came: masked columns are read through their masks. */
  rewritten: string | null;
  clientAddress: string;
  applicationName: string;
  fingerprint: string;
  protocol: string;
  parameters: ParameterValue[];
  relations: RelationUse[];
  effects: string[];
  /** A write of it is bounded by no unique key; null where that was not recorded. */
  unbounded: boolean | null;
  detected: Detected[];
  why: string;
  tried: RuleTrial[];
  policyVersion: number;
  bytes: number | null;
  analysisMs: number | null;
  waitMs: number | null;
  /** From forwarding to the server's first answer. */
  upstreamMs: number | null;
  maskingMs: number | null;
  transactionStatus: string;
  transactionId: string | null;
  /** How its transaction block ended; null outside one, and while it is open. */
  transactionOutcome: string | null;
  /** The statement that this is another run of. */
  runOf: string | null;
  /** `schema.table.column` of what it read or wrote. */
  touchedColumns: string[];
  /** The text with every constant as `?`. */
  shape: string;
  /** What was sent with it has been erased: texts say so, parameters and trials are empty. */
  erased: boolean;
  /** Where it is in the log of its gateway; null for what was recorded before there was one. */
  node: string;
  logIndex: number | null;
  outcomeIndex: number | null;
  /** Set where that gateway is another than this one. */
  elsewhere: OtherLog | null;
  /** Who kept masked columns from its session; null when the session's row is gone. */
  enforcement: Enforcement | null;
  /** Set when the statement was held, or the COMMIT of its transaction was. */
  approval: {
    id: string;
    /** Decided at the COMMIT, when the statement had run. */
    atCommit: boolean;
    status: string;
    required: number;
    createdAt: Date;
    decidedAt: Date | null;
    decisions: RequestDecision[];
  } | null;
}

/** Statements that began in [at, at + width of the bucket), by verdict. */
export interface Bucket {
  at: Date;
  allow: number;
  hold: number;
  deny: number;
}

/** A word of the query bar that was not understood. `start` and `end` are offsets in the text. */
export interface Diagnostic {
  start: number;
  end: number;
  text: string;
  message: string;
}

export interface AuditPage {
  items: StatementRow[];
  nextCursor: string | null;
  count: { value: number; capped: boolean };
  diagnostics: Diagnostic[];
}

/** What the statements of a search have in one field, most frequent first; a capped count is at least that. */
export interface Facet {
  field: string;
  values: { value: string; count: number; capped: boolean }[];
}

/** A console or CLI action. */
export interface ActionRow {
  id: string;
  at: Date;
  actorName: string;
  via: 'console' | 'cli' | 'slack' | 'system';
  action: string;
  subject: string;
  before: unknown;
  after: unknown;
}

/** The orders a search can come in; a measure that is not known yet counts as the smallest. */
export const AUDIT_SORTS = ['newest', 'oldest', 'slowest', 'largest'] as const;
export type AuditSort = (typeof AUDIT_SORTS)[number];

const query = z.string().max(2_000).default('');

export const auditSearchSchema = z.object({
  q: query,
  from: z.date().nullish(),
  to: z.date().nullish(),
  sort: z.enum(AUDIT_SORTS).default('newest'),
  limit: z.int().min(1).max(200).default(50),
  cursor: cursorSchema,
  /** Count what matches (up to a thousand) beside the page. */
  counted: z.boolean().default(true),
});

export const auditHistogramSchema = z.object({ q: query, from: z.date().nullish(), to: z.date().nullish() });

export const actionsListSchema = z.object({ limit: z.int().min(1).max(200).default(50), cursor: cursorSchema });
