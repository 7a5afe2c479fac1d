'use client';
import { Check, ChevronRight } from 'lucide-react';
import type { Facet } from '../../data/types';
import { termOf, withTerm } from '../../sql/terms';
import { cx } from '../../ui/classes';
import { ErrorState, Skeleton } from '../../ui/states';
import { countText } from './complete';
import type { AuditState } from './useAuditState';
import type { useFacets } from './useFacets';

const NAMES: Readonly<Record<string, string>> = {
  who: 'Who',
  connection: 'Connection',
  kind: 'Kind',
  table: 'Table',
  column: 'Column',
  status: 'Outcome',
  rule: 'Rule',
  sqlstate: 'SQLSTATE',
  app: 'Application',
};

/** These are open from the start; the others are a press away. */
const OPEN = ['who', 'connection', 'kind', 'table'];

/** The same state as the query bar: a press on a value writes its word there, another takes it out. */
export function Facets({ audit, found }: { audit: AuditState; found: ReturnType<typeof useFacets> }) {
  if (found.error)
    return (
      <ErrorState compact what="The filters could not be counted" error={found.error} effect="The search works." onRetry={found.retry} />
    );
  if (found.pending)
    return (
      <div role="status" aria-label="Loading filters" className="grid gap-3 px-1">
        {OPEN.map((field) => (
          <Skeleton key={field} className="h-20" />
        ))}
      </div>
    );
  const facets = found.facets.filter((facet) => NAMES[facet.field] !== undefined);
  if (facets.length === 0) return <p className="px-2 text-xs text-ink-3">Nothing to filter by: the search finds no statement.</p>;
  return facets.map((facet) => <FacetGroup key={facet.field} facet={facet} audit={audit} />);
}

function FacetGroup({ facet, audit }: { facet: Facet; audit: AuditState }) {
  const { state, setState } = audit;
  const chosen = termOf(state.q, facet.field);
  const most = Math.max(1, ...facet.values.map((one) => one.count));
  return (
    <details open={OPEN.includes(facet.field) || chosen !== null} className="group">
      <summary className="flex h-8 list-none items-center gap-1 rounded-md px-1 text-xs font-medium text-ink-2 hover:text-ink max-lg:h-11">
        <ChevronRight className="size-3.5 text-ink-3 transition-transform group-open:rotate-90" aria-hidden />
        {NAMES[facet.field]}
      </summary>
      <ul className="mb-1.5 grid grid-cols-1 gap-px">
        {facet.values.map(({ value, count, capped }) => {
          const on = chosen === value;
          return (
            <li key={value}>
              <button
                type="button"
                aria-pressed={on}
                title={value}
                onClick={() => void setState({ q: withTerm(state.q, facet.field, on ? null : value) || null })}
                className={cx(
                  'relative flex h-7 w-full items-center gap-1.5 overflow-hidden rounded-md px-2 text-left text-xs hover:bg-hover max-lg:h-11',
                  on && 'bg-accent-soft font-semibold text-accent-text hover:bg-accent-soft',
                )}
              >
                <span
                  aria-hidden
                  className="absolute bottom-0 left-2 h-0.5 rounded-full bg-line"
                  style={{ width: `calc((100% - 1rem) * ${count / most})` }}
                />
                {on ? <Check className="size-3.5 shrink-0" aria-hidden /> : null}
                <span className="min-w-0 flex-1 truncate">{value}</span>
                <span className="tabular-nums text-ink-3">{countText(count, capped)}</span>
              </button>
            </li>
          );
        })}
      </ul>
    </details>
  );
}
