import type { StatementRow } from '../../../data/types';

/** A transaction block of a session, from its first statement to the one that ended it. */
export interface TransactionBand {
  fromMs: number;
  toMs: number;
  outcome: 'committed' | 'rolled back' | 'open';
}

type Row = Pick<StatementRow, 'at' | 'durationMs' | 'kind' | 'status'>;

const BEGINS = ['BEGIN', 'START TRANSACTION'];
const ENDS = ['COMMIT', 'END', 'ROLLBACK', 'ABORT', 'PREPARE TRANSACTION'];

const endOf = (row: Row): number => row.at.getTime() + (row.durationMs ?? 0);

/**
 * The transaction blocks that a session's statements show, in the order they ran. A COMMIT of a block in which a statement failed rolls it
 * back, as PostgreSQL does; a block without an end is open until `endMs`.
 */
export function transactionBands(statements: readonly Row[], endMs: number): TransactionBand[] {
  const bands: TransactionBand[] = [];
  let open: { fromMs: number; failed: boolean } | null = null;
  for (const row of statements) {
    if (row.status === 'denied' || row.status === 'rejected') {
      if (open !== null) open.failed = true;
      continue;
    }
    if (open === null) {
      if (BEGINS.includes(row.kind) && row.status !== 'failed') open = { fromMs: row.at.getTime(), failed: false };
      continue;
    }
    if (ENDS.includes(row.kind) && row.status !== 'failed') {
      const back: boolean = open.failed || row.kind === 'ROLLBACK' || row.kind === 'ABORT';
      bands.push({ fromMs: open.fromMs, toMs: endOf(row), outcome: back ? 'rolled back' : 'committed' });
      open = null;
    } else if (row.kind === 'ROLLBACK TO') open.failed = false;
    else if (row.status === 'failed') open.failed = true;
  }
  if (open !== null) bands.push({ fromMs: open.fromMs, toMs: endMs, outcome: 'open' });
  return bands;
}
