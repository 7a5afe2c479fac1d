import { randomBytes } from 'node:crypto';
import type { OutcomeEntry, StatementEntry } from '../journal/entries';
import { type LogReader, type LogRecord, type RecordEntry, StoredRecord } from '../record/leaf';
import { textOf } from '../record/leafText';
import { sealEntry } from '../record/seal';
import type { ValueKey } from '../record/valueBox';
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
  const { text, values } = sealEntry(entry, { ...seal, journal: { name: 'w1', seq: index }, random: randomBytes });
  return new StoredRecord(index, Buffer.from(textOf(text)), values?.sealed ?? null, values?.words ?? Buffer.alloc(0));
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

export const TEST_NOON = Date.parse('2026-11-20T12:00:00Z');

export const testIntent = (id: string, more: Partial<StatementEntry> = {}): StatementEntry => ({
  type: 'statement',
  id,
  sessionId: 'ses_1',
  principalName: 'bot',
  ownerName: 'ana',
  connectionName: 'shop',
  clientAddress: '127.0.0.1:5',
  applicationName: 'psql',
  atMs: TEST_NOON,
  kind: 'SELECT',
  sql: "select * from t where a = 'secret'",
  shape: 'select * from t where a = ?',
  touchedColumns: ['public.t.a'],
  rewritten: null,
  fingerprint: 'f',
  protocol: 'extended',
  parameters: [{ typeOid: 23, value: '42' }],
  relations: [{ name: 'public.t', access: 'read' }],
  effects: ['read'],
  verdict: 'allow',
  rule: null,
  why: 'default',
  tried: [],
  policyVersion: 3,
  requestId: null,
  status: 'running',
  sqlstate: null,
  analysisMs: 0.25,
  transactionStatus: 'I',
  ...more,
});
export const TEST_DETECTED = [{ rule: 'anywhere', detector: 'email' as const, mode: 'enforce' as const, cells: 3 }];
export const testOutcome = (id: string, more: Partial<OutcomeEntry> = {}): OutcomeEntry => ({
  type: 'outcome',
  id,
  status: 'done',
  rows: 2,
  bytes: 9,
  durationMs: 1.5,
  upstreamMs: 1.25,
  maskedColumns: ['public.t.ssn'],
  detected: TEST_DETECTED,
  ...more,
});
