'use client';
import type { RecordedResult } from '../data/types';
import { Visible } from '../ui/sqlBlock';
import { Table, Td, Th, Tr } from '../ui/table';
import { typeName } from './types';

/** More than anybody reads at once; the record has the rest. */
const SHOWN_ROWS = 200;

/** Rows as a client was shown them. */
export function ResultGrid({ result: { columns, rows, truncated } }: { result: RecordedResult }) {
  const shown = rows.slice(0, SHOWN_ROWS);
  const more = rows.length - shown.length;
  return (
    <section aria-label="What the client saw" className="grid min-w-0 gap-1.5">
      <div className="min-w-0 rounded-lg border">
        <Table label="Result" className="w-auto min-w-full">
          <thead>
            <tr>
              {columns.map((column, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: a result may have two columns of one name; its place is its identity
                <Th key={index}>
                  <span className="font-mono font-semibold text-ink">
                    <Visible text={column.name} />
                  </span>{' '}
                  <span className="font-normal">{typeName(column.typeOid)}</span>
                </Th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: rows of a result have no other identity than their place
              <Tr key={at}>
                {row.map((cell, index) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: as of the columns
                  <Td key={index} className="max-w-80 truncate py-1.5 font-mono text-xs" title={cell ?? 'NULL'}>
                    {cell === null ? <i className="text-ink-3">NULL</i> : <Visible text={cell} />}
                  </Td>
                ))}
              </Tr>
            ))}
          </tbody>
        </Table>
        {rows.length === 0 ? <p className="px-4 py-3 text-sm text-ink-3">No rows.</p> : null}
      </div>
      <p className="text-xs text-ink-3">
        As it left, every mask applied: {rows.length.toLocaleString()} {rows.length === 1 ? 'row' : 'rows'} recorded
        {more > 0 ? `, the first ${SHOWN_ROWS} shown` : ''}
        {truncated ? '. More left for the client than is recorded' : ''}.
      </p>
    </section>
  );
}
