import type { AccessRequestStatus } from '../../db/schema/shapes';
import type { GivenDecision } from '../approvals/mayDecide';
import { ago } from '../approvals/mayDecide';

interface Standing {
  status: AccessRequestStatus;
  /** Null once the connection is gone, and with it whatever was asked or given. */
  connectionId: string | null;
  expiresAt: Date;
  grantedUntil: Date | null;
  endedAt: Date | null;
  endedBy: string | null;
}

/** What a request is at a time, whether or not the sweep has written it down. Pure. */
export function statusAt(request: Omit<Standing, 'endedAt' | 'endedBy'>, now: Date): AccessRequestStatus {
  const over = (at: Date | null) => request.connectionId === null || at === null || at <= now;
  if (request.status === 'pending' && over(request.expiresAt)) return 'expired';
  if (request.status === 'approved' && over(request.grantedUntil)) return 'ended';
  return request.status;
}

/** Why a request can no longer be decided, and since when; null while it waits. */
export function settledWords(request: Standing, decisions: readonly GivenDecision[], now: Date): string | null {
  const last = (decision: 'approve' | 'reject') => decisions.filter((item) => item.decision === decision).at(-1);
  const by = (word: string, item: GivenDecision | undefined) =>
    item === undefined ? `already ${word}` : `already ${word} by ${item.reviewerName} ${ago(item.at, now)}`;
  const status = statusAt(request, now);
  switch (status) {
    case 'pending':
      return null;
    case 'approved':
      return by('approved', last('approve'));
    case 'rejected':
      return by('rejected', last('reject'));
    case 'expired':
      return `expired ${ago(request.endedAt ?? request.expiresAt, now)}; no access was given`;
    case 'withdrawn':
      return `withdrawn${request.endedBy === null ? '' : ` by ${request.endedBy}`} ${ago(request.endedAt ?? now, now)}; no access was given`;
    case 'revoked':
      return `access was taken back${request.endedBy === null ? '' : ` by ${request.endedBy}`} ${ago(request.endedAt ?? now, now)}`;
    case 'ended':
      return `access ended ${ago(request.endedAt ?? request.grantedUntil ?? now, now)}`;
    default:
      return status satisfies never;
  }
}
