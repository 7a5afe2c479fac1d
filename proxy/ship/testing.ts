import { randomBytes } from 'node:crypto';
import type { Leaf, LogReader, LogRecord, RecordEntry } from '../record/leaf';
import { sealEntry, type ValueKey } from '../record/seal';
import { wordKey } from '../record/words';

/** What the recorder makes entries into, for logs of tests and benchmarks. */
export interface TestSeal {
  node: string;
  valueKey: ValueKey;
  wordKey: Buffer;
}

export const testSeal = (
  node: string,
  valueKey: ValueKey = { id: 'vky_1', key: Buffer.alloc(32, 7) },
  secretKey: Buffer = Buffer.alloc(32, 9),
): TestSeal => ({
  node,
  valueKey,
  wordKey: wordKey(secretKey),
});

export function recordOf(index: number, entry: RecordEntry, seal: TestSeal): LogRecord {
  const { bytes, values } = sealEntry(entry, { ...seal, journal: { name: 'w1', seq: index }, random: randomBytes });
  return { index, bytes, leaf: JSON.parse(bytes.toString()) as Leaf, sealed: values?.sealed ?? null, words: values?.words ?? [] };
}

/** A log that grows in memory. */
export class ArrayLog implements Pick<LogReader, 'first' | 'size' | 'read'> {
  readonly records: LogRecord[] = [];
  first = 0;

  get size(): number {
    return this.first + this.records.length;
  }

  read(from: number, limit: number): LogRecord[] {
    return this.records.slice(from - this.first, from - this.first + limit);
  }
}
