import type { HeldTransaction } from '../../../db/schema/shapes';
import { Badge } from '../../ui/badge';
import { Visible } from '../../ui/sqlBlock';
import { TableRowsBars } from './tableRows';

/** A transaction that waits at its COMMIT: what ran in it, and what it changed. */
export function HeldTransactionView({ transaction }: { transaction: HeldTransaction }) {
  const { statements, more, tables } = transaction;
  return (
    <div className="grid gap-4 rounded-xl border bg-surface p-3.5">
      <div className="grid gap-1">
        <p className="text-sm font-medium">This COMMIT makes a whole transaction stand. Rejecting rolls it back.</p>
        <p className="text-xs text-ink-3">
          Its statements have run, and their locks are held. Rows as PostgreSQL counted them since the first statement that needs approval.
        </p>
      </div>
      <TableRowsBars tables={tables} />
      <ol aria-label="Statements of the transaction" className="grid gap-2">
        {statements.map((statement, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: what ran never moves
          <li key={i} className="grid min-w-0 gap-1 rounded-lg bg-sunken p-2.5">
            <div className="flex flex-wrap items-center gap-1.5">
              <span className="text-xs tabular-nums text-ink-3">{i + 1}</span>
              {statement.rule === null ? null : <Badge tone="hold">needs approval: {statement.rule}</Badge>}
              {statement.rows === null ? null : (
                <span className="text-xs tabular-nums text-ink-2">
                  {statement.rows.toLocaleString()} {statement.rows === 1 ? 'row' : 'rows'}
                </span>
              )}
            </div>
            <code className="whitespace-pre-wrap break-words font-mono text-xs">
              <Visible text={statement.sql} />
            </code>
          </li>
        ))}
      </ol>
      {more === 0 ? null : <p className="text-xs text-ink-2">And {more.toLocaleString()} more statements that are not listed.</p>}
    </div>
  );
}
