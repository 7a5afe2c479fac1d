import type { Leaf, LogRecord, RecordEntry } from '../record/leaf';

/** A log in memory that grows when told; tests only. */
export function growingLog(): {
  first: number;
  readonly size: number;
  read(from: number, limit: number): LogRecord[];
  grow(entries: readonly (Partial<Leaf['entry']> & { type: RecordEntry['type'] })[]): LogRecord[];
} {
  const records: LogRecord[] = [];
  return {
    first: 0,
    get size() {
      return records.length;
    },
    read(from, limit) {
      if (from < this.first) throw new Error(`entry ${from} is gone`);
      return records.slice(from, from + limit);
    },
    grow(entries) {
      const more = entries.map((entry, i): LogRecord => {
        const index = records.length + i;
        const leaf: Leaf = { v: 1, node: 'here', journal: 'w1', seq: index, entry };
        return { index, bytes: Buffer.from(JSON.stringify(leaf)), leaf, sealed: null, words: Buffer.alloc(0) };
      });
      records.push(...more);
      return more;
    },
  };
}

export const statementEntry = (id: string, change: Record<string, unknown> = {}) => ({
  type: 'statement' as const,
  id,
  sessionId: 'ses_1',
  principalName: 'support-bot',
  ownerName: 'ana',
  connectionName: 'shop',
  clientAddress: '127.0.0.1:5',
  applicationName: 'psql',
  atMs: 1_000_000.5,
  kind: 'DELETE',
  shape: 'DELETE FROM orders WHERE id = ?',
  fingerprint: 'f',
  relations: [{ name: 'public.orders', access: 'write' }],
  verdict: 'allow',
  rule: null,
  requestId: null,
  status: 'running',
  sqlstate: null,
  analysisMs: 0.25,
  ...change,
});

export const outcomeEntry = (id: string, change: Record<string, unknown> = {}) => ({
  type: 'outcome' as const,
  id,
  status: 'done',
  rows: 3,
  durationMs: 20,
  waitMs: 0,
  atMs: 1_000_020.5,
  ...change,
});
