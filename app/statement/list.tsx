'use client';
import { EyeOff } from 'lucide-react';
import type { StatementRow } from '../data/types';
import { Badge } from '../ui/badge';
import { cx } from '../ui/classes';
import { useMedia } from '../ui/media';
import { SqlLine } from '../ui/sqlBlock';
import { rowTarget, Table, Td, Th, Tr } from '../ui/table';
import { durationText, Time } from '../ui/time';
import { StatementBadge, VerdictBadge } from '../ui/verdict';
import { BreakGlassBadge } from './breakGlass';

interface ListProps {
  rows: readonly StatementRow[];
  label: string;
  onOpen: (id: string) => void;
  selectedId?: string | null;
  /** Leave out who and where when the page already says it. */
  brief?: boolean;
}

export const rowsText = (value: number | null) => (value === null ? '–' : value.toLocaleString());

/** Statements: a table on a desk, a list on a phone. */
export function StatementList(props: ListProps) {
  const wide = useMedia('(min-width: 56rem)');
  return wide ? <StatementTable {...props} /> : <StatementCards {...props} />;
}

export function RowLink({ row, onOpen, className }: { row: StatementRow; onOpen: (id: string) => void; className?: string }) {
  return (
    <a
      data-row
      href={`/audit/${row.id}`}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        onOpen(row.id);
      }}
      className={cx(rowTarget, 'block min-w-0', className)}
    >
      <SqlLine sql={row.sql} />
    </a>
  );
}

export function Masked({ columns }: { columns: readonly string[] }) {
  if (columns.length === 0) return <span className="text-ink-3">–</span>;
  return (
    <Badge tone="mask" title={columns.join(', ')}>
      <EyeOff aria-hidden />
      {columns.length}
      <span className="sr-only"> masked columns</span>
    </Badge>
  );
}

/** The verdict, and the outcome where it says more than the verdict does. */
export function Outcome({ row }: { row: StatementRow }) {
  const more =
    row.status !== 'done' && !(row.verdict === 'deny' && row.status === 'denied') && !(row.verdict === 'hold' && row.status === 'held');
  return (
    <span className="flex flex-wrap items-center gap-1">
      {row.breakGlass === null ? null : <BreakGlassBadge />}
      <VerdictBadge verdict={row.verdict} />
      {more ? <StatementBadge status={row.status} /> : null}
    </span>
  );
}

function StatementTable({ rows, label, onOpen, selectedId, brief = false }: ListProps) {
  return (
    <Table label={label} className="table-fixed min-w-[52rem]">
      <thead>
        <tr>
          <Th className="w-28">Time</Th>
          {brief ? null : <Th className="w-32">Who</Th>}
          {brief ? null : <Th className="w-24">Connection</Th>}
          <Th>Statement</Th>
          <Th className="w-16 text-right">Rows</Th>
          <Th className="w-18">Masked</Th>
          <Th className="w-20 text-right">Duration</Th>
          <Th className="w-30">Verdict</Th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <Tr key={row.id} aria-selected={row.id === selectedId || undefined}>
            <Td className="text-xs text-ink-2">
              <Time at={row.at} quiet />
            </Td>
            {brief ? null : (
              <Td className="truncate" title={row.ownerName ? `${row.principalName} for ${row.ownerName}` : row.principalName}>
                {row.principalName}
                {row.ownerName ? <span className="block truncate text-xs text-ink-3">for {row.ownerName}</span> : null}
              </Td>
            )}
            {brief ? null : <Td className="truncate text-ink-2">{row.connectionName}</Td>}
            <Td>
              <RowLink row={row} onOpen={onOpen} />
            </Td>
            <Td className="text-right tabular-nums text-ink-2">{rowsText(row.rows)}</Td>
            <Td>
              <Masked columns={row.maskedColumns} />
            </Td>
            <Td className="whitespace-nowrap text-right text-xs tabular-nums text-ink-2">
              {row.durationMs === null ? '–' : durationText(row.durationMs)}
            </Td>
            <Td>
              <Outcome row={row} />
            </Td>
          </Tr>
        ))}
      </tbody>
    </Table>
  );
}

function StatementCards({ rows, label, onOpen, brief = false }: ListProps) {
  return (
    <ul aria-label={label} className="divide-y">
      {rows.map((row) => (
        <li key={row.id} className="relative grid gap-1.5 px-4 py-3">
          <span className="flex items-center justify-between gap-2">
            <Outcome row={row} />
            <span className="text-xs text-ink-2">
              <Time at={row.at} quiet />
            </span>
          </span>
          <RowLink row={row} onOpen={onOpen} />
          <span className="flex items-center gap-2 text-xs text-ink-2">
            <span className="min-w-0 flex-1 truncate">
              {brief ? row.kind : `${row.principalName} on ${row.connectionName}`} · {rowsText(row.rows)} rows
              {row.durationMs === null ? '' : ` · ${durationText(row.durationMs)}`}
            </span>
            {row.maskedColumns.length > 0 ? <Masked columns={row.maskedColumns} /> : null}
          </span>
        </li>
      ))}
    </ul>
  );
}
