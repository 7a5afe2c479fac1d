import type { LogRecord } from '../record/leaf';

/** Entries that a sink never gets, because it was away for longer than its disk budget reaches: `[from, to)`. */
export interface Gap {
  from: number;
  to: number;
}

/** Somewhere entries are sent. One batch is under way at a time, in the order of the log. */
export interface Sink {
  /** At most so many entries in one batch. */
  readonly batch: number;
  /**
   * Resolves when the other side has them. `gap` is said before them. Sent again after a failure: receivers see an entry twice rather than
   * never, and its index tells.
   * @throws SinkError
   */
  send(records: readonly LogRecord[], gap: Gap | null, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/**
 * What kept a batch from being taken, in words without addresses, secrets or anything of the answer.
 * `refused`: this batch will not be taken as it is, whenever it is sent; `partial`: that many entries of it were not, and it must not be sent again.
 */
export class SinkError extends Error {
  constructor(
    message: string,
    readonly kind: 'retry' | 'refused' | 'partial' = 'retry',
    readonly detail: { askedMs?: number | null; lost?: number } = {},
  ) {
    super(message);
  }
}
