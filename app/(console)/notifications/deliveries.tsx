'use client';
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { Inbox, RotateCw } from 'lucide-react';
import { useState } from 'react';
import { toast } from 'sonner';
import { useIsAdmin } from '../../data/me';
import { useTRPC } from '../../data/trpc';
import type { DeliveryRow } from '../../data/types';
import { Badge, type Tone } from '../../ui/badge';
import { Button } from '../../ui/button';
import { Card } from '../../ui/card';
import { Empty, ErrorState, SkeletonRows } from '../../ui/states';
import { Segments } from '../../ui/tabs';
import { Time } from '../../ui/time';
import { EVENT_WORDS } from './events';

type Shown = 'all' | DeliveryRow['state'];

const STATES: Record<DeliveryRow['state'], { words: string; tone: Tone }> = {
  pending: { words: 'Waiting', tone: 'hold' },
  delivered: { words: 'Delivered', tone: 'allow' },
  dead: { words: 'Given up', tone: 'deny' },
};
const REFRESH_MS = 5_000;

/** What was sent, what is being tried, and what was given up. */
export function Deliveries() {
  const trpc = useTRPC();
  const isAdmin = useIsAdmin();
  const [state, setState] = useState<Shown>('all');
  const deliveries = useInfiniteQuery(
    trpc.notifications.deliveries.infiniteQueryOptions(
      { state, limit: 50 },
      { getNextPageParam: (last) => last.nextCursor, refetchInterval: REFRESH_MS },
    ),
  );
  const items = deliveries.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <section aria-labelledby="deliveries-title">
      <div className="mb-2.5 flex flex-wrap items-end justify-between gap-3">
        <div>
          <h2 id="deliveries-title" className="text-base font-semibold">
            Deliveries
          </h2>
          <p className="text-sm text-ink-2">Kept for two weeks; what was given up, for a month.</p>
        </div>
        <Segments<Shown>
          label="Which deliveries"
          value={state}
          onChange={setState}
          options={[
            { value: 'all', label: 'All' },
            { value: 'pending', label: 'Waiting' },
            { value: 'dead', label: 'Given up' },
          ]}
        />
      </div>
      <Card>
        {deliveries.error && !deliveries.data ? (
          <ErrorState
            what="The deliveries could not be loaded"
            error={deliveries.error}
            effect="They go on all the same."
            onRetry={() => void deliveries.refetch()}
          />
        ) : null}
        {deliveries.isPending ? <SkeletonRows rows={3} label="Loading deliveries" /> : null}
        {deliveries.data && items.length === 0 ? (
          <Empty
            icon={Inbox}
            title={state === 'dead' ? 'Nothing was given up' : state === 'pending' ? 'Nothing is waiting' : 'Nothing sent yet'}
          >
            {state === 'all' ? 'The next event that a channel asks for shows up here.' : null}
          </Empty>
        ) : null}
        <ul className="divide-y">
          {items.map((row) => (
            <Row key={row.id} row={row} isAdmin={isAdmin} />
          ))}
        </ul>
        {deliveries.hasNextPage ? (
          <div className="border-t p-3 text-center">
            <Button size="sm" onClick={() => void deliveries.fetchNextPage()} busy={deliveries.isFetchingNextPage}>
              Show older
            </Button>
          </div>
        ) : null}
      </Card>
    </section>
  );
}

function Row({ row, isAdmin }: { row: DeliveryRow; isAdmin: boolean }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const again = useMutation(
    trpc.notifications.sendAgain.mutationOptions({
      onSuccess: () => {
        toast.success('It is being sent again');
        void queryClient.invalidateQueries({ queryKey: trpc.notifications.pathKey() });
      },
      onError: (error) => toast.error(`It was not sent again: ${error.message}`),
    }),
  );
  const { words, tone } = STATES[row.state];
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-1.5 px-4 py-3 text-sm">
      <Badge tone={tone}>{words}</Badge>
      <div className="min-w-0 flex-1 basis-52">
        <p className="font-medium">
          {EVENT_WORDS[row.event]} <span className="font-normal text-ink-3">to</span> {row.channelName}
        </p>
        <p className="break-words text-xs text-ink-3">
          <span className="break-all font-mono">{row.subject}</span>
          {row.attempts > 1 ? ` · ${row.attempts} tries` : ''}
          {row.lastError === null ? '' : ` · ${row.lastError}`}
        </p>
      </div>
      <span className="text-xs text-ink-2">
        {row.nextAttemptAt !== null && row.attempts > 0 ? (
          <>
            next try <Time at={row.nextAttemptAt} quiet />
          </>
        ) : (
          <Time at={row.endedAt ?? row.at} quiet />
        )}
      </span>
      {isAdmin && row.state === 'dead' ? (
        <Button
          size="sm"
          onClick={() => again.mutate({ id: row.id })}
          busy={again.isPending}
          aria-label={`Send ${EVENT_WORDS[row.event]} again to ${row.channelName}`}
        >
          <RotateCw aria-hidden />
          Send again
        </Button>
      ) : null}
    </li>
  );
}
