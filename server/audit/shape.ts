import { z } from 'zod';
import type { Action, Detected, Enforcement, ParameterValue, RelationUse, RuleTrial, StatementStatus } from '../../db/schema/shapes';
import type { RequestDecision } from '../approvals/shape';
import { cursorSchema } from '../input';

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
  transactionStatus: string;
  /** Who kept masked columns from its session; null when the session's row is gone. */
  enforcement: Enforcement | null;
  /** Set when the statement was held. */
  approval: { id: string; status: string; required: number; createdAt: Date; decidedAt: Date | null; decisions: RequestDecision[] } | null;
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

const query = z.string().max(2_000).default('');

export const auditSearchSchema = z.object({
  q: query,
  from: z.date().nullish(),
  to: z.date().nullish(),
  limit: z.int().min(1).max(200).default(50),
  cursor: cursorSchema,
});

export const auditHistogramSchema = z.object({ q: query, from: z.date().nullish(), to: z.date().nullish() });

export const actionsListSchema = z.object({ limit: z.int().min(1).max(200).default(50), cursor: cursorSchema });
