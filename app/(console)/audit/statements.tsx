'use client';
import { PanelLeft, PanelLeftClose } from 'lucide-react';
import { useRef, useState } from 'react';
import { Button } from '../../ui/button';
import { useMedia } from '../../ui/media';
import { Sheet } from '../../ui/sheet';
import { useKeys, useKeysOn } from '../approvals/keys';
import { Facets } from './facets';
import { DrawerPanel, SidePanel } from './panel';
import { QueryBar } from './queryBar';
import { Results } from './results';
import { rowElementId } from './table';
import { TimeHistogram } from './timeHistogram';
import type { AuditState } from './useAuditState';
import { useFacets } from './useFacets';
import { useStatements } from './useStatements';
import { SavedViews } from './views';

/** The explorer: views and filters, a bar, time, rows, and one statement beside them. All of it is one state, the URL. */
export function Statements({ audit }: { audit: AuditState }) {
  const { state, setState } = audit;
  const found = useStatements(audit);
  const facets = useFacets(audit);
  const bar = useRef<HTMLDivElement>(null);
  const desk = useMedia('(min-width: 64rem)');
  const roomy = useMedia('(min-width: 100rem)');
  const [filters, setFilters] = useState<boolean | null>(null);
  const [keysOn] = useKeysOn();
  const openId = state.stm;
  // Beside an open statement the rows need the room more than the filters do.
  const filtersShown = desk ? (filters ?? (openId === null || roomy)) : (filters ?? false);

  const open = (id: string) => void setState({ stm: id }, { history: openId === null ? 'push' : 'replace' });
  const close = () => void setState({ stm: null }, { history: 'replace' });
  const at = found.rows.findIndex((row) => row.id === openId);
  const step = (by: 1 | -1) => {
    const next = found.rows[at === -1 ? 0 : at + by];
    if (next === undefined) return;
    open(next.id);
    document.getElementById(rowElementId(next.id))?.scrollIntoView({ block: 'nearest' });
  };
  useKeys({ j: () => step(1), k: () => step(-1), '/': () => bar.current?.querySelector('input')?.focus() }, keysOn);
  useKeys({ Escape: close }, desk && openId !== null);

  const steps = {
    onNext: at >= 0 && at < found.rows.length - 1 ? () => step(1) : null,
    onPrevious: at > 0 ? () => step(-1) : null,
  };
  const side = (
    <div className="grid grid-cols-1 content-start gap-4">
      <SavedViews audit={audit} />
      <section aria-label="Filters" className="grid grid-cols-1 gap-0.5">
        <h2 className="flex h-8 items-center pl-2 text-xs font-medium text-ink-2">Filters</h2>
        <Facets audit={audit} found={facets} />
      </section>
    </div>
  );
  return (
    <div className="grid gap-4">
      <div className="flex items-start gap-2">
        <Button
          look="secondary"
          size="icon"
          className="size-9 max-sm:size-11"
          aria-label={filtersShown ? 'Hide views and filters' : 'Show views and filters'}
          aria-expanded={filtersShown}
          onClick={() => setFilters(!filtersShown)}
        >
          {filtersShown ? <PanelLeftClose aria-hidden /> : <PanelLeft aria-hidden />}
        </Button>
        <div className="min-w-0 flex-1">
          <QueryBar audit={audit} facets={facets.facets} diagnostics={found.diagnostics} barRef={bar} />
        </div>
      </div>
      <div className="flex items-start gap-4">
        {desk && filtersShown ? <div className="w-48 shrink-0">{side}</div> : null}
        <div className="grid min-w-0 flex-1 gap-4">
          <TimeHistogram audit={audit} query={found.histogram} />
          <Results audit={audit} found={found} onOpen={open} />
        </div>
        {desk && openId !== null ? (
          <div className="sticky top-4 flex h-[calc(100dvh-3rem)] min-h-96 w-[clamp(26rem,40%,42rem)] shrink-0">
            <SidePanel id={openId} onClose={close} {...steps} />
          </div>
        ) : null}
      </div>
      {!desk && openId !== null ? <DrawerPanel id={openId} onClose={close} {...steps} /> : null}
      <Sheet open={!desk && filtersShown} onClose={() => setFilters(false)} title="Views and filters">
        {side}
      </Sheet>
    </div>
  );
}
