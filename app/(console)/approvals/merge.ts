import type { RequestRow } from '../../data/types';

/**
 * What the reader sees after new data arrived: the rows they are looking at stay where they are, each brought up to date from what is
 * waiting or decided now; requests they have not seen wait behind "3 new". An empty list has nothing to disturb and fills at once.
 */
export function mergeQueue(
  shown: readonly RequestRow[],
  waiting: readonly RequestRow[],
  decided: readonly RequestRow[],
): { rows: RequestRow[]; unseen: RequestRow[] } {
  if (shown.length === 0) return { rows: [...waiting], unseen: [] };
  const fresh = new Map([...decided, ...waiting].map((row) => [row.id, row]));
  const seen = new Set(shown.map((row) => row.id));
  return { rows: shown.map((row) => fresh.get(row.id) ?? row), unseen: waiting.filter((row) => !seen.has(row.id)) };
}

/** Case-insensitive filter over what a row shows. */
export function matchesFilter(row: RequestRow, filter: string): boolean {
  const text =
    `${row.id} ${row.principalName} ${row.ownerName ?? ''} ${row.connectionName} ${row.rule} ${row.kind} ${row.sql}`.toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
