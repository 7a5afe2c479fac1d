import type { RecorderStatus } from '../../db/schema/auditShapes';

/** What the supervisor and the recorder say to each other. */

export type FromRecorder =
  /** What workers of the last run left behind is in the log, and in the store if that answers. */
  | { type: 'ready' }
  | { type: 'status'; status: RecorderStatus }
  /** It cannot go on and starting it again does not help; words for the operator. */
  | { type: 'refused'; why: string };

export type ToRecorder =
  /** Take what is left in the journals, sign, ship, and end; for at most so long. */
  | { type: 'drain'; withinMs: number }
  /** All keys of the store, as GATEHOUSE_SECRET_KEY has them: one came. */
  | { type: 'secretKeys'; keys: string };
