import { ArrowRight, EyeOff, Zap } from 'lucide-react';
import type { RequestImpact } from '../../data/types';
import { Badge } from '../../ui/badge';

type Touched = RequestImpact['touched'];

/** Tables and columns, read or written, what is masked, what the writing sets off. */
export function TouchedView({ touched }: { touched: Touched }) {
  return (
    <div className="grid gap-3 text-sm">
      {touched.tables.length === 0 ? <p className="text-ink-3">Names no table.</p> : null}
      <ul className="grid gap-2">
        {touched.tables.map((table) => (
          <li key={table.name} className="grid gap-1">
            <div className="flex flex-wrap items-center gap-1.5">
              <code className="min-w-0 break-all font-mono text-xs font-medium">{table.name}</code>
              {table.written ? <Badge tone="hold">{table.wholeRows ? 'writes whole rows' : 'writes'}</Badge> : null}
              {table.read ? <Badge>reads</Badge> : null}
              {table.setOff ? <Badge tone="accent">set off, not named</Badge> : null}
            </div>
            {table.setOff || table.columns.length === 0 ? null : <Columns columns={table.columns} />}
          </li>
        ))}
      </ul>
      {touched.triggers.length === 0 ? null : (
        <ul aria-label="Triggers that fire" className="grid gap-1">
          {touched.triggers.map((trigger) => (
            <li key={`${trigger.table} ${trigger.function}`} className="flex flex-wrap items-center gap-1.5 text-ink-2">
              <Zap className="size-3.5 shrink-0 text-hold" aria-hidden />
              <span>
                Trigger <code className="break-all font-mono text-xs">{trigger.function}()</code> on {trigger.events.join(', ')} of{' '}
                <code className="break-all font-mono text-xs">{trigger.table}</code>
              </span>
            </li>
          ))}
        </ul>
      )}
      {touched.cascades.length === 0 ? null : (
        <ul aria-label="Cascades" className="grid gap-1">
          {touched.cascades.map((cascade) => (
            <li key={`${cascade.from} ${cascade.to} ${cascade.action}`} className="flex flex-wrap items-center gap-1.5 text-ink-2">
              <code className="break-all font-mono text-xs">{cascade.from}</code>
              <ArrowRight className="size-3.5 shrink-0 text-deny" aria-hidden />
              <span>{cascade.action}</span>
              <code className="break-all font-mono text-xs">{cascade.to}</code>
            </li>
          ))}
        </ul>
      )}
      <p className="text-xs text-ink-3">From PostgreSQL’s grammar and the connection’s catalog: at most this, whatever rows it finds.</p>
    </div>
  );
}

const Columns = ({ columns }: { columns: Touched['tables'][number]['columns'] }) => (
  <ul className="flex flex-wrap gap-1">
    {columns.map((column) => (
      <li key={column.name}>
        <Badge
          tone={column.maskedBy === null ? 'outline' : 'mask'}
          title={column.maskedBy === null ? undefined : `rule ${column.maskedBy}`}
        >
          {column.maskedBy === null ? null : <EyeOff aria-hidden />}
          <span className="break-all">{column.name}</span>
          {column.written ? <span className="text-hold">written</span> : null}
          {column.maskedBy === null ? null : <span className="sr-only">masked by rule {column.maskedBy}</span>}
        </Badge>
      </li>
    ))}
  </ul>
);
