import { z } from 'zod';
import type {
  ApprovalScope,
  ApprovalStatus,
  ConfirmedBy,
  HeldTransaction,
  Measured,
  ParameterValue,
  RelationUse,
  RuleTrial,
  StatementStatus,
  Tolerance,
} from '../../db/schema/shapes';
import type { Touched } from '../../proxy/preview/effects';
import type { Estimate } from '../../proxy/preview/estimate';
import type { UpstreamTransaction } from '../../proxy/preview/sessionState';
import { cursorSchema } from '../input';

export interface RequestRow {
  id: string;
  status: ApprovalStatus;
  principalName: string;
  /** The person the agent acts for. */
  ownerName: string | null;
  connectionName: string;
  sql: string;
  kind: string;
  rule: string;
  why: string;
  effects: string[];
  relations: RelationUse[];
  unbounded: boolean;
  transactionStatus: 'I' | 'T' | 'E';
  required: number;
  /** Approvals so far. */
  approvals: number;
  createdAt: Date;
  expiresAt: Date;
  decidedAt: Date | null;
  requesterReason: string | null;
}

export interface RequestDecision {
  id: string;
  reviewerName: string;
  decision: 'approve' | 'reject';
  reason: string | null;
  /** How far an approval reaches; null is one run. */
  scope?: ApprovalScope | null;
  /** The passkey that confirmed an approval. */
  passkey?: ConfirmedBy | null;
  at: Date;
}

/** Whether the caller may decide a request, why (not), and the names of those who can. */
export interface MayDecide {
  allowed: boolean;
  why: string;
  who: string[];
}

export interface RequestDetail extends RequestRow {
  statementId: string;
  sessionId: string;
  parameters: ParameterValue[];
  tried: RuleTrial[];
  reviewerGroups: string[];
  endedAt: Date | null;
  decisions: RequestDecision[];
  /** The last dry run that says most; null when none was made. */
  measured: Measured | null;
  /** The most rows it may change when it is released; null where nothing was measured. */
  mostRows: number | null;
  tolerance: Tolerance | null;
  /** The transaction whose COMMIT waits; null for a statement. */
  heldTransaction: HeldTransaction | null;
  mayDecide: MayDecide;
  /** Whoever approves it confirms that with a passkey: how many the caller has, and where browsers take them, or why nowhere. */
  passkey: { own: number; origin: string | null; whyNot: string | null } | null;
  /** Its client waits on its connection; otherwise it sends the statement again. */
  waits: boolean;
  /** What an approval beyond one run would cover: the shape, this very text with its parameters, or nothing. */
  grantable: 'shape' | 'text' | 'no';
  /** The grant that came of it. */
  grantId: string | null;
  /** What became of earlier requests with the same text on the same connection. */
  similar: { approved: number; rejected: number; executed: number };
  /** What became of the statement itself; null until it was recorded. */
  outcome: { status: StatementStatus; rows: number | null; sqlstate: string | null; durationMs: number | null } | null;
}

/** What a held statement would do, as far as can be said without running it. */
export interface RequestImpact {
  /** From PostgreSQL's grammar and the catalog. */
  touched: Touched;
  /** From EXPLAIN; null, with the reason, where it was not asked. */
  estimate: Estimate | null;
  noEstimate: string | null;
  /** From pg_stat_activity and pg_locks, now. */
  transaction: UpstreamTransaction | null;
  /** Why it cannot be measured; empty when it can. */
  against: string[];
}

export interface ApprovalStats {
  pending: number;
  decidedToday: number;
  /** Of today's decisions; null when there were none. */
  medianWaitMs: number | null;
}

export const approvalsListSchema = z.object({
  /** open: pending. decided: everything else. */
  status: z.enum(['open', 'decided', 'all']).default('open'),
  limit: z.int().min(1).max(200).default(50),
  cursor: cursorSchema,
});
