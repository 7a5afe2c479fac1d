import Link from 'next/link';
import type { ReactNode } from 'react';
import type { DailyReport } from '../../data/types';
import { durationText } from '../../ui/time';
import { lookAt } from './look';

/** The day in six figures, each a way into the explorer. */
export function Totals({ report }: { report: DailyReport }) {
  const { totals } = report;
  return (
    <dl className="grid grid-cols-2 gap-3 md:grid-cols-3 xl:grid-cols-6 print:grid-cols-6">
      <Figure name="Statements" value={totals.statements} href={lookAt('', report)}>
        {report.principals.length} {report.principals.length === 1 ? 'principal' : 'principals'}
      </Figure>
      <Figure name="Rows" value={totals.rows} href={lookAt('rows:>0', report)}>
        left for clients
      </Figure>
      <Figure name="Masked values" value={totals.maskedValues} href={lookAt('masked:*', report)}>
        behind a mask
      </Figure>
      <Figure name="Held" value={totals.holds.total} href={lookAt('verdict:held', report)}>
        {totals.holds.total === 0
          ? 'nothing waited'
          : `${totals.holds.approved} approved, ${totals.holds.rejected} rejected${totals.holds.medianWaitMs === null ? '' : `, median wait ${durationText(totals.holds.medianWaitMs)}`}`}
      </Figure>
      <Figure name="Denied" value={totals.denied} href={lookAt('verdict:denied', report)}>
        never reached a database
      </Figure>
      <Figure name="Errors" value={totals.errors} href={lookAt('status:failed', report)}>
        that PostgreSQL gave
      </Figure>
    </dl>
  );
}

function Figure({ name, value, href, children }: { name: string; value: number; href: string; children: ReactNode }) {
  return (
    <div className="relative rounded-xl border bg-surface px-4 py-3 shadow-card transition-colors hover:bg-hover print:shadow-none">
      <dt className="text-xs text-ink-2">{name}</dt>
      <dd className="mt-0.5">
        <Link
          href={href}
          aria-label={`${name}: ${value.toLocaleString()}`}
          className="text-xl font-semibold tabular-nums tracking-tight after:absolute after:inset-0 after:rounded-xl focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:outline-ring"
        >
          {value.toLocaleString()}
        </Link>
        <span className="block text-xs text-ink-3">{children}</span>
      </dd>
    </div>
  );
}
