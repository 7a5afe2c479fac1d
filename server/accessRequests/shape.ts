import { z } from 'zod';
import type { AccessRequestStatus } from '../../db/schema/shapes';
import type { MayDecide, RequestDecision } from '../approvals/shape';
import { cursorSchema } from '../input';

export interface AccessRequestRow {
  id: string;
  /** As it stands now: what has run out says so before anybody has written it down. */
  status: AccessRequestStatus;
  principalName: string;
  /** The person the agent acts for. */
  ownerName: string | null;
  connectionName: string;
  reason: string;
  durationMs: number;
  reviewerGroups: string[];
  required: number;
  /** Approvals so far. */
  approvals: number;
  createdAt: Date;
  /** When an undecided one is given up. */
  expiresAt: Date;
  decidedAt: Date | null;
  /** Until when access holds. */
  grantedUntil: Date | null;
  endedAt: Date | null;
  /** Who took it back. */
  endedBy: string | null;
}

export interface AccessRequestDetail extends AccessRequestRow {
  decisions: RequestDecision[];
  mayDecide: MayDecide;
  /** Whether the caller may end it: withdraw what waits, take back or give back what was given. */
  mayEnd: boolean;
}

/** A connection that the caller may ask for. */
export interface RequestableConnection {
  name: string;
  maxDurationMs: number;
  reviewerGroups: string[];
  required: number;
  /** The caller has access already, so there is nothing to ask for. */
  has: boolean;
  /** What the caller has asked for and nobody has decided yet. */
  pendingId: string | null;
}

/** Whoever asks waits this long for a decision. */
export const DECIDE_WITHIN_MS = 24 * 3_600_000;

export const accessDraftSchema = z.object({
  connection: z.string().min(1).max(63),
  durationMs: z.int().min(60_000, 'at least a minute'),
  reason: z.string().trim().min(1, 'say why: the reviewers see it').max(1_000),
});

export const accessListSchema = z.object({
  /** open: waits for a decision. active: access holds now. ended: everything else. */
  status: z.enum(['open', 'active', 'ended', 'all']).default('all'),
  limit: z.int().min(1).max(200).default(50),
  cursor: cursorSchema,
});

export const approveAccessSchema = z.object({ id: z.string().max(64), reason: z.string().trim().max(1_000).nullish() });
export const rejectAccessSchema = z.object({
  id: z.string().max(64),
  reason: z.string().trim().min(1, 'say why: whoever asked sees it').max(1_000),
});
