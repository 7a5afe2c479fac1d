import type { Bucket, StatementRow } from '../audit/shape';

export interface Overview {
  policyVersion: number;
  openSessions: number;
  pendingRequests: number;
  statementsToday: number;
  heldToday: number;
  deniedToday: number;
  maskedToday: number;
  connections: number;
  firstStatement: { id: string; at: Date; sql: string; principalName: string } | null;
  /** The ten latest statements. */
  recent: StatementRow[];
  /** The last 24 hours, by the hour. */
  histogram: Bucket[];
}
