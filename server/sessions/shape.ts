import { z } from 'zod';
import type { TokenIdentity } from '../../db/schema/identityShapes';
import type { Action, Enforcement, StatementStatus } from '../../db/schema/shapes';
import type { StatementRow } from '../audit/shape';
import { cursorSchema } from '../input';

export interface SessionRow {
  id: string;
  gatewayId: string;
  workerId: string;
  principalName: string;
  ownerName: string | null;
  connectionName: string;
  clientAddress: string;
  applicationName: string;
  startedAt: Date;
  endedAt: Date | null;
  endReason: string | null;
  killRequestedAt: Date | null;
  /** Who keeps masked columns from it, as it was when it opened. */
  enforcement: Enforcement;
  /** How it proved who it is; null until the log says so, as with what follows. */
  method: string | null;
  encrypted: boolean | null;
  /** Who it is by a provider's word; null where a token of ours says it alone. */
  identity: TokenIdentity | null;
  bytesIn: number | null;
  bytesOut: number | null;
  statements: number;
  /** They are more than were counted, and it has not said itself how many: it is open, or its worker died. */
  hasMoreStatements: boolean;
  lastStatement: { id: string; at: Date; sql: string; verdict: Action; status: StatementStatus } | null;
}

export const sessionsListSchema = z.object({
  state: z.enum(['open', 'all']).default('open'),
  limit: z.int().min(1).max(200).default(50),
  cursor: cursorSchema,
});

/** Some of a session's statements, in the order they ran. */
export interface SessionWindow {
  items: StatementRow[];
  /** How many of the session's statements stand before them. */
  first: number;
  /** Cursors of the windows on either side; null where there is no statement. */
  before: string | null;
  after: string | null;
}

export const sessionStatementsSchema = z.object({
  id: z.string().min(1).max(64),
  /** Where the first window begins; left out: with the session. */
  start: z.union([z.object({ statement: z.string().min(1).max(64) }), z.object({ time: z.date() })]).nullish(),
  cursor: cursorSchema,
  limit: z.int().min(1).max(200).default(100),
});

/** Statements that began close to each other, each counted once. */
export interface TimelineBin {
  /** When the first and the last of them began. */
  from: Date;
  to: Date;
  allow: number;
  hold: number;
  deny: number;
  /** Allowed, and ended with an error. */
  failed: number;
}

/** Every statement where they can be told apart, else how many ran when. */
export type SessionTimeline = { statements: StatementRow[]; bins: null } | { statements: null; bins: TimelineBin[] };
