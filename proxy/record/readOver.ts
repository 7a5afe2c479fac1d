import type { LogReader, LogRecord } from './leaf';
import { LogDamagedError } from './readLog';

/** Entries from a place on; where they are damaged, none, and the place to go on from. */
export function readOver(
  log: Pick<LogReader, 'read'>,
  from: number,
  limit = 1_000,
): { found: LogRecord[]; next: number; damage?: LogDamagedError } {
  try {
    const found = log.read(from, limit);
    return { found, next: from + Math.max(found.length, 1) };
  } catch (error) {
    if (!(error instanceof LogDamagedError)) throw error;
    return { found: [], next: error.to, damage: error };
  }
}
