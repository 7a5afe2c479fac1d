'use client';
import { ArrowDown, ArrowUp } from 'lucide-react';
import type { ReactNode } from 'react';
import type { AuditSort, StatementRow } from '../../data/types';
import { Masked, Outcome, RowLink, rowsText } from '../../statement/list';
import { cx } from '../../ui/classes';
import { Table, Td, Th, Tr } from '../../ui/table';
import { durationText, Time } from '../../ui/time';
import { useWidth } from '../../ui/width';
import { COLUMNS, type ColumnKey, fitting, TABLE_FROM_PX, widthOf } from './columns';

interface TableProps {
  rows: readonly StatementRow[];
  columns: readonly ColumnKey[];
  sort: AuditSort;
  onSort: (sort: AuditSort) => void;
  onOpen: (id: string) => void;
  selectedId: string | null;
}

/** Rows as wide as there is room for: a table, or two lines a row beside a panel and on a phone. */
export function ExplorerRows(props: TableProps) {
  const [area, width] = useWidth<HTMLDivElement>();
  return (
    <div ref={area} className="min-w-0">
      {width === null ? null : width < TABLE_FROM_PX ? (
        <Lines {...props} />
      ) : (
        <Grid {...props} columns={fitting(props.columns, width)} all={props.columns} />
      )}
    </div>
  );
}

/** Pressing a heading orders by it; pressing it again turns the order of time around. */
const SORT_OF: Partial<Record<ColumnKey, (now: AuditSort) => AuditSort>> = {
  time: (now) => (now === 'newest' ? 'oldest' : 'newest'),
  rows: (now) => (now === 'largest' ? 'newest' : 'largest'),
  duration: (now) => (now === 'slowest' ? 'newest' : 'slowest'),
};

const SORTED: Record<AuditSort, { key: ColumnKey; up: boolean }> = {
  newest: { key: 'time', up: false },
  oldest: { key: 'time', up: true },
  slowest: { key: 'duration', up: false },
  largest: { key: 'rows', up: false },
};

const RIGHT: readonly ColumnKey[] = ['rows', 'duration'];

function Heading({ column, sort, onSort }: { column: ColumnKey; sort: AuditSort; onSort: TableProps['onSort'] }) {
  const name = column === 'masked' ? 'Masked' : COLUMNS.find(({ key }) => key === column)?.name;
  const next = SORT_OF[column];
  const sorted = SORTED[sort].key === column;
  const Arrow = SORTED[sort].up ? ArrowUp : ArrowDown;
  return (
    <Th
      style={{ width: widthOf(column) }}
      className={cx(RIGHT.includes(column) && 'text-right')}
      {...(sorted ? { 'aria-sort': SORTED[sort].up ? ('ascending' as const) : ('descending' as const) } : {})}
    >
      {next === undefined ? (
        name
      ) : (
        <button
          type="button"
          onClick={() => onSort(next(sort))}
          className={cx('inline-flex h-7 items-center gap-1 rounded hover:text-ink', sorted && 'font-semibold text-ink')}
        >
          {name}
          <Arrow className={cx('size-3.5', !sorted && 'invisible')} aria-hidden />
        </button>
      )}
    </Th>
  );
}

function Grid({ rows, columns, all, sort, onSort, onOpen, selectedId }: TableProps & { all: readonly ColumnKey[] }) {
  const left = all.filter((key) => !columns.includes(key));
  return (
    <Table label="Statements" className="table-fixed">
      <thead>
        <tr>
          {columns.map((column) => (
            <Heading key={column} column={column} sort={sort} onSort={onSort} />
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <Tr key={row.id} id={rowElementId(row.id)} aria-selected={row.id === selectedId || undefined}>
            {columns.map((column) => (
              <Td key={column} className={cellClass(column)}>
                {column === 'statement' ? (
                  <>
                    <RowLink row={row} onOpen={onOpen} />
                    {left.length > 0 ? (
                      <Rest row={row} columns={left.filter((key) => key !== 'connection' || !columns.includes('who'))} />
                    ) : null}
                  </>
                ) : (
                  <Cell row={row} column={column} withConnection={left.includes('connection')} />
                )}
              </Td>
            ))}
          </Tr>
        ))}
      </tbody>
    </Table>
  );
}

export const rowElementId = (id: string): string => `row-${id}`;

function cellClass(column: ColumnKey): string {
  switch (column) {
    case 'time':
      return 'text-xs text-ink-2';
    case 'rows':
      return 'text-right tabular-nums text-ink-2';
    case 'duration':
      return 'whitespace-nowrap text-right text-xs tabular-nums text-ink-2';
    case 'kind':
    case 'connection':
    case 'rule':
    case 'sqlstate':
      return 'truncate text-xs text-ink-2';
    case 'session':
      return 'truncate font-mono text-xs text-ink-2';
    default:
      return '';
  }
}

function Cell({ row, column, withConnection }: { row: StatementRow; column: ColumnKey; withConnection: boolean }): ReactNode {
  switch (column) {
    case 'time':
      return <Time at={row.at} quiet />;
    case 'who': {
      const second = [row.ownerName === null ? '' : `for ${row.ownerName}`, withConnection ? `on ${row.connectionName}` : '']
        .filter((part) => part !== '')
        .join(' ');
      return (
        <>
          <span className="block truncate" title={row.principalName}>
            {row.principalName}
          </span>
          {second === '' ? null : <span className="block truncate text-xs text-ink-3">{second}</span>}
        </>
      );
    }
    case 'connection':
      return <span title={row.connectionName}>{row.connectionName}</span>;
    case 'kind':
      return <span title={row.kind}>{row.kind}</span>;
    case 'rows':
      return rowsText(row.rows);
    case 'masked':
      return <Masked columns={row.maskedColumns} />;
    case 'duration':
      return row.durationMs === null ? '–' : durationText(row.durationMs);
    case 'verdict':
      return <Outcome row={row} />;
    case 'rule':
      return row.rule ?? '–';
    case 'sqlstate':
      return row.sqlstate ?? '–';
    case 'session':
      return row.sessionId;
    case 'statement':
      return null;
    default:
      return column satisfies never;
  }
}

/** What had no room as a column of its own. */
function Rest({ row, columns }: { row: StatementRow; columns: readonly ColumnKey[] }) {
  const parts = columns
    .map((column) => {
      switch (column) {
        case 'kind':
          return row.kind;
        case 'connection':
          return row.connectionName;
        case 'masked':
          return row.maskedColumns.length === 0 ? '' : `${row.maskedColumns.length} masked`;
        case 'duration':
          return row.durationMs === null ? '' : durationText(row.durationMs);
        case 'sqlstate':
          return row.sqlstate ?? '';
        case 'rule':
          return row.rule ?? '';
        default:
          return '';
      }
    })
    .filter((part) => part !== '');
  return parts.length === 0 ? null : <span className="block truncate text-xs text-ink-3">{parts.join(' · ')}</span>;
}

function Lines({ rows, columns, onOpen, selectedId }: TableProps) {
  const has = (key: ColumnKey) => columns.includes(key);
  return (
    <ul aria-label="Statements" className="divide-y">
      {rows.map((row) => (
        <li
          key={row.id}
          id={rowElementId(row.id)}
          aria-current={row.id === selectedId ? 'true' : undefined}
          className="relative grid gap-1 px-4 py-2.5 hover:bg-hover aria-[current=true]:bg-accent-soft"
        >
          <span className="flex items-center justify-between gap-2">
            <span className="min-w-0 truncate text-xs text-ink-2">
              {has('who') ? <b className="font-semibold text-ink">{row.principalName}</b> : null}
              {has('who') && row.ownerName !== null ? ` for ${row.ownerName}` : ''}
              {has('connection') ? ` on ${row.connectionName}` : ''}
            </span>
            {has('time') ? (
              <span className="text-xs text-ink-2">
                <Time at={row.at} quiet />
              </span>
            ) : null}
          </span>
          <RowLink row={row} onOpen={onOpen} />
          <span className="flex items-center gap-2 text-xs text-ink-2">
            {has('verdict') ? <Outcome row={row} /> : null}
            <span className="min-w-0 flex-1 truncate tabular-nums">
              {[
                has('kind') ? row.kind : '',
                has('rows') && row.rows !== null ? `${rowsText(row.rows)} ${row.rows === 1 ? 'row' : 'rows'}` : '',
                has('duration') && row.durationMs !== null ? durationText(row.durationMs) : '',
                has('rule') ? (row.rule ?? '') : '',
                has('sqlstate') ? (row.sqlstate ?? '') : '',
              ]
                .filter((part) => part !== '')
                .join(' · ')}
            </span>
            {has('masked') && row.maskedColumns.length > 0 ? <Masked columns={row.maskedColumns} /> : null}
          </span>
        </li>
      ))}
    </ul>
  );
}
