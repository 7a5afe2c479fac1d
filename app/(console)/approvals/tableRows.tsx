import type { TableRows } from '../../../db/schema/shapes';

const PARTS = [
  { field: 'inserted', word: 'inserted', colour: 'bg-allow-solid', sign: '+' },
  { field: 'updated', word: 'changed', colour: 'bg-hold-solid', sign: '~' },
  { field: 'deleted', word: 'deleted', colour: 'bg-deny-solid', sign: '−' },
] as const;

const totalOf = (table: TableRows) => table.inserted + table.updated + table.deleted;

/** Rows by table as bars, in proportion to the largest; each says its figures in words too. */
export function TableRowsBars({ tables }: { tables: readonly TableRows[] }) {
  const most = Math.max(1, ...tables.map(totalOf));
  if (tables.length === 0) return <p className="text-sm text-ink-2">No row of any table changed.</p>;
  return (
    <ul aria-label="Rows by table" className="grid gap-2.5">
      {tables.map((table) => (
        <li key={table.table} className="grid gap-1">
          <div className="flex flex-wrap items-baseline justify-between gap-x-3 text-sm">
            <code className="min-w-0 break-all font-mono text-xs">{table.table}</code>
            <span className="tabular-nums">
              {PARTS.filter(({ field }) => table[field] > 0)
                .map(({ field, word, sign }) => `${sign}${table[field].toLocaleString()} ${word}`)
                .join(', ')}
            </span>
          </div>
          <div className="flex h-2 overflow-hidden rounded-full bg-sunken" aria-hidden>
            {PARTS.map(({ field, colour }) =>
              table[field] === 0 ? null : (
                <div key={field} className={`${colour} min-w-1`} style={{ width: `${(table[field] / most) * 100}%` }} />
              ),
            )}
          </div>
        </li>
      ))}
    </ul>
  );
}
