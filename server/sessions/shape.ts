import { z } from 'zod';
import type { TokenIdentity } from '../../db/schema/identityShapes';
import type { Action, Enforcement, StatementStatus } from '../../db/schema/shapes';
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
  lastStatement: { id: string; at: Date; sql: string; verdict: Action; status: StatementStatus } | null;
}

export const sessionsListSchema = z.object({
  state: z.enum(['open', 'all']).default('open'),
  limit: z.int().min(1).max(200).default(50),
  cursor: cursorSchema,
});
