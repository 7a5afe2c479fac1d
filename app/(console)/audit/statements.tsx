'use client';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { ChevronDown, Pause, Play, SearchX } from 'lucide-react';
import { useTRPC } from '../../data/trpc';
import { StatementDetailView } from '../../statement/detail';
import { Histogram } from '../../statement/histogram';
import { StatementList } from '../../statement/list';
import { Button } from '../../ui/button';
import { Card } from '../../ui/card';
import { Sheet } from '../../ui/sheet';
import { Empty, ErrorState, Skeleton, SkeletonRows } from '../../ui/states';
import { QueryBar } from './queryBar';
import type { AuditState } from './useAuditState';
import { useTail } from './useTail';

export function Statements({ audit }: { audit: AuditState }) {
  const trpc = useTRPC();
  const { state, setState, instants } = audit;
  const filter = { q: state.q, from: instants.from, to: instants.to };
  const search = useInfiniteQuery(
    trpc.audit.search.infiniteQueryOptions(filter, {
      getNextPageParam: (page) => page.nextCursor,
      placeholderData: (previous) => previous,
    }),
  );
  const histogram = useQuery(trpc.audit.histogram.queryOptions(filter, { placeholderData: (previous) => previous }));
  const tail = useTail(state.live, () => {
    void search.refetch();
    void histogram.refetch();
  });
  const first = search.data?.pages[0];
  const rows = search.data?.pages.flatMap((page) => page.items) ?? [];
  const open = (id: string) => void setState({ stm: id });

  return (
    <div className="grid gap-4">
      <QueryBar audit={audit} diagnostics={first?.diagnostics ?? []} />
      <Card className="p-4">
        {histogram.data ? (
          <Histogram
            buckets={histogram.data}
            onBrush={(from, to) => void setState({ from: from.toISOString(), to: to.toISOString(), live: null })}
          />
        ) : histogram.error ? (
          <p className="text-sm text-ink-2">The histogram could not be loaded. The statements below are complete.</p>
        ) : (
          <Skeleton className="h-28" />
        )}
      </Card>
      <Card className="min-w-0">
        <div className="flex min-h-12 flex-wrap items-center justify-between gap-2 border-b px-4 py-2">
          <p className="text-sm text-ink-2" role="status">
            {first ? countText(first.count) : 'Searching…'}
          </p>
          <Button
            size="sm"
            aria-pressed={state.live}
            onClick={() => void setState({ live: state.live ? null : true, ...(state.live ? {} : { to: null }) })}
          >
            {state.live ? <Pause aria-hidden /> : <Play aria-hidden />}
            {state.live ? 'Pause live tail' : 'Start live tail'}
            {state.live ? <TailDot status={tail} /> : null}
          </Button>
        </div>
        {search.error && !search.data ? (
          <ErrorState
            what="The audit could not be searched"
            error={search.error}
            effect="Recording goes on."
            onRetry={() => void search.refetch()}
          />
        ) : null}
        {search.isPending ? <SkeletonRows rows={8} label="Loading statements" /> : null}
        {search.data && rows.length === 0 ? (
          <Empty icon={SearchX} title="No statement matches">
            Try a wider time range or fewer words.
          </Empty>
        ) : null}
        {rows.length > 0 ? <StatementList label="Statements" rows={rows} onOpen={open} selectedId={state.stm} /> : null}
        {search.hasNextPage ? (
          <div className="border-t p-3 text-center">
            <Button onClick={() => void search.fetchNextPage()} busy={search.isFetchingNextPage}>
              <ChevronDown aria-hidden />
              Load older statements
            </Button>
          </div>
        ) : null}
      </Card>
      <Sheet
        wide
        open={state.stm !== null}
        onClose={() => void setState({ stm: null })}
        title="Statement"
        description={<span className="break-all font-mono text-xs">{state.stm}</span>}
      >
        {state.stm === null ? null : <StatementDetailView id={state.stm} />}
      </Sheet>
    </div>
  );
}

const countText = ({ value, capped }: { value: number; capped: boolean }) =>
  `${value.toLocaleString()}${capped ? '+' : ''} ${value === 1 && !capped ? 'statement' : 'statements'}`;

function TailDot({ status }: { status: string }) {
  const live = status === 'pending';
  return (
    <span className="relative ml-1 grid size-2 place-items-center">
      {live ? <span aria-hidden className="absolute size-2 rounded-full bg-allow-solid animate-ping-soft" /> : null}
      <span aria-hidden className={`size-2 rounded-full ${live ? 'bg-allow-solid' : 'bg-line-strong'}`} />
      <span className="sr-only">{live ? 'receiving' : 'connecting'}</span>
    </span>
  );
}
