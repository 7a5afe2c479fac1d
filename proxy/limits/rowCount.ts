/**
 * How many rows the transaction has changed so far, in all tables of the database: rows inserted, updated and deleted by statements, triggers,
 * rules, cascades and functions alike, as the server's own statistics have them. NULL where the server does not keep any (track_counts).
 * They count attempts, also of subtransactions that were taken back, and a row that moves between partitions twice: never too little.
 * The figure includes what earlier transactions of the session changed and was not reported yet, so only its growth says anything.
 *
 * Every name and operator is schema-qualified: search_path is the client's.
 */
export const CHANGED_ROWS_SQL = [
  `SELECT CASE WHEN pg_catalog.current_setting('track_counts') OPERATOR(pg_catalog.=) 'on' THEN COALESCE(pg_catalog.sum(`,
  'pg_catalog.pg_stat_get_xact_tuples_inserted(oid)',
  ' OPERATOR(pg_catalog.+) pg_catalog.pg_stat_get_xact_tuples_updated(oid)',
  ' OPERATOR(pg_catalog.+) pg_catalog.pg_stat_get_xact_tuples_deleted(oid)',
  `), 0)::pg_catalog.text END FROM pg_catalog.pg_class`,
  // Below are the system's own tables; toast tables hold pieces of rows.
  ` WHERE oid OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid AND relkind OPERATOR(pg_catalog.=) 'r'::pg_catalog."char"`,
].join('');

/** The answer as a number; null where the server does not count. */
export function readChangedRows(cell: string | null): number | null {
  return cell !== null && /^\d{1,15}$/.test(cell) ? Number(cell) : null;
}

/** Tags whose number is of rows changed; that of others is of rows returned. */
const CHANGING: ReadonlySet<string> = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE']);

/** `counted`: by the growth of the server's count. `tagged`: by the command tag, where tables have no statistics of their own (foreign tables). */
export type ChangedRows = { kind: 'rows'; counted: number; tagged: number } | { kind: 'unknown'; why: string };

/** What one run changed. Of several runs of one portal each sum counts by itself, and the larger of them holds. Pure. */
export function changedRows(counts: { before: number | null; after: number | null; tag: string | null; tagRows: number }): ChangedRows {
  const { before, after, tag, tagRows } = counts;
  if (before === null || after === null) return { kind: 'unknown', why: 'track_counts is off on the server' };
  if (after < before) return { kind: 'unknown', why: 'something it ran truncated a table' };
  return { kind: 'rows', counted: after - before, tagged: tag !== null && CHANGING.has(tag) ? tagRows : 0 };
}
