/** The shapes of the JSON columns of notifications. */

export const EVENT_KINDS = [
  'request.filed',
  'request.progress',
  'request.approved',
  'request.rejected',
  'request.expired',
  'request.withdrawn',
  'request.executed',
  'grant.made',
  'grant.revoked',
  'breakGlass.used',
  'access.requested',
  'access.progress',
  'access.approved',
  'access.rejected',
  'access.expired',
  'access.withdrawn',
  'access.revoked',
  'access.ended',
] as const;

export type EventKind = (typeof EVENT_KINDS)[number];

export type ChannelKind = 'webhook' | 'slack' | 'teams' | 'email';
export type DeliveryState = 'pending' | 'delivered' | 'dead';

/** What may be shown of a channel; its secrets are sealed beside it. */
export type ChannelConfig =
  | { kind: 'webhook'; url: string /** ISO; until then the secret before the last rotation signs too. */; previousSecretUntil?: string }
  | { kind: 'slack'; channel: string }
  | { kind: 'teams' /** The address is a secret; this much of it may be shown. */; host: string }
  | {
      kind: 'email';
      host: string;
      port: number;
      security: 'tls' | 'starttls' | 'none';
      username: string | null;
      from: string;
      to: string[];
    };

/** Where a Slack message stands: its conversation's id and its timestamp, which is its id there. */
export interface SlackMessageRef {
  channel: string;
  ts: string;
}

/**
 * What an event says beyond its subject's row, as it was when it happened. Text that people wrote (`reason`) is kept as written; no SQL, no
 * parameter, no secret.
 */
export interface EventFacts {
  /** Groups that may decide; empty means any reviewer. */
  groups?: string[];
  principal?: string;
  owner?: string | null;
  /** Who did it: a reviewer's name, or the gateway's word for itself. */
  by?: string;
  reason?: string | null;
  approvals?: number;
  required?: number;
  /** The rule that held the statement. */
  rule?: string;
  /** The approval request a grant or a break-glass came from. */
  requestId?: string;
  /** ISO; until when a grant or an access holds. */
  until?: string;
  durationMs?: number;
}
