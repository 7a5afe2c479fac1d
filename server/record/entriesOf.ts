import type { LogReader } from '../../proxy/record/leaf';
import { firstAfter } from '../audit/proof/range';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_DIGITS = 9;
/** An id is made before its entry is written, and entries of several workers are not quite in order. */
const BEFORE_MS = 120_000;
/** An intent is written within moments of its id; if it has not come by then, it is not there. */
const AFTER_MS = 15 * 60_000;
const BATCH = 500;
/** Rows and outcomes of one statement follow each other closely once it has ended. */
const AFTER_END = 5_000;

/** When an id was made, in milliseconds since 1970. See db/ids.ts */
export function idMs(id: string): number {
  const digits = id.slice(id.indexOf('_') + 1).slice(0, TIME_DIGITS);
  return [...digits].reduce((ms, digit) => ms * 32 + ALPHABET.indexOf(digit), 0);
}

/** Indexes of all entries of a statement among the first `size`, ascending: its intent, outcomes, recorded rows. */
export async function entriesOf(log: LogReader, size: number, statement: string): Promise<number[]> {
  const madeMs = idMs(statement);
  const found: number[] = [];
  let endedAt: number | null = null;
  for (let at = firstAfter(log, size, madeMs - BEFORE_MS); at < size; ) {
    const records = log.read(at, Math.min(BATCH, size - at));
    for (const { index, leaf } of records) {
      const { id, atMs, type, status } = leaf.entry;
      if (found.length === 0 && typeof atMs === 'number' && atMs > madeMs + AFTER_MS) return found;
      if (id !== statement) continue;
      found.push(index);
      const isFinal = status !== 'running' && status !== 'held' && (type === 'statement' || type === 'outcome');
      if (isFinal) endedAt = index;
    }
    if (records.length === 0) break;
    at += records.length;
    if (endedAt !== null && at > endedAt + AFTER_END) break;
    // A statement that waits for hours is looked for far: the console answers meanwhile.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return found;
}
