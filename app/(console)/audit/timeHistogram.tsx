'use client';
import { X, ZoomOut } from 'lucide-react';
import { Histogram } from '../../statement/histogram';
import { Button } from '../../ui/button';
import { Card } from '../../ui/card';
import { Skeleton } from '../../ui/states';
import { widened } from './range';
import type { AuditState } from './useAuditState';
import type { FoundStatements } from './useStatements';

/** When it happened; choosing a stretch of it narrows everything on the page. */
export function TimeHistogram({ audit: { state, setState, instants }, query }: { audit: AuditState; query: FoundStatements['histogram'] }) {
  const choose = (from: Date, to: Date) => void setState({ from: from.toISOString(), to: to.toISOString(), live: null });
  const custom = state.from !== null || state.to !== null;
  const zoomOut = () => {
    if (instants.from === null) return;
    const { from, to } = widened(instants.from, instants.to ?? new Date(), Date.now());
    choose(from, to);
  };
  return (
    <Card className="p-4">
      {query.data ? (
        <Histogram
          buckets={query.data}
          onBrush={choose}
          actions={
            custom ? (
              <span className="flex gap-1.5">
                {instants.from === null ? null : (
                  <Button size="sm" look="ghost" onClick={zoomOut}>
                    <ZoomOut aria-hidden />
                    Zoom out
                  </Button>
                )}
                <Button size="sm" look="ghost" onClick={() => void setState({ from: null, to: null })}>
                  <X aria-hidden />
                  Clear chosen range
                </Button>
              </span>
            ) : null
          }
        />
      ) : query.error ? (
        <p className="text-sm text-ink-2">The histogram could not be loaded. The statements below are complete.</p>
      ) : (
        <Skeleton className="h-28" />
      )}
    </Card>
  );
}
