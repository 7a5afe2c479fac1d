'use client';
import { useInfiniteQuery } from '@tanstack/react-query';
import { ChevronDown, ChevronRight, ScrollText } from 'lucide-react';
import { useTRPC } from '../../data/trpc';
import type { ActionRow } from '../../data/types';
import { Badge } from '../../ui/badge';
import { Button } from '../../ui/button';
import { Card } from '../../ui/card';
import { Scroll } from '../../ui/scroll';
import { Visible } from '../../ui/sqlBlock';
import { Empty, ErrorState, SkeletonRows } from '../../ui/states';
import { Time } from '../../ui/time';

/** What people and the CLI did to the gateway itself. */
export function ConsoleActions() {
  const trpc = useTRPC();
  const actions = useInfiniteQuery(trpc.audit.actions.infiniteQueryOptions({}, { getNextPageParam: (page) => page.nextCursor }));
  const rows = actions.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Card>
      {actions.error && !actions.data ? (
        <ErrorState what="The actions could not be loaded" error={actions.error} onRetry={() => void actions.refetch()} />
      ) : null}
      {actions.isPending ? <SkeletonRows label="Loading actions" /> : null}
      {actions.data && rows.length === 0 ? (
        <Empty icon={ScrollText} title="Nothing yet">
          Every change made in the console or by the CLI is listed here.
        </Empty>
      ) : null}
      <ul className="divide-y">
        {rows.map((row) => (
          <ActionLine key={row.id} row={row} />
        ))}
      </ul>
      {actions.hasNextPage ? (
        <div className="border-t p-3 text-center">
          <Button onClick={() => void actions.fetchNextPage()} busy={actions.isFetchingNextPage}>
            <ChevronDown aria-hidden />
            Load older actions
          </Button>
        </div>
      ) : null}
    </Card>
  );
}

function ActionLine({ row }: { row: ActionRow }) {
  const changed = row.before !== null || row.after !== null;
  return (
    <li className="px-4 py-3 text-sm">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <span className="w-28 shrink-0 text-xs text-ink-2">
          <Time at={row.at} />
        </span>
        <b className="font-semibold">{row.actorName}</b>
        <code className="font-mono text-xs text-accent-text">{row.action}</code>
        <span className="min-w-0 break-all">
          <Visible text={row.subject} />
        </span>
        <Badge className="ml-auto">{row.via}</Badge>
      </div>
      {changed ? (
        <details className="group mt-1.5">
          <summary className="inline-flex list-none items-center gap-1 rounded text-xs text-ink-2 hover:text-ink max-sm:min-h-11">
            <ChevronRight className="size-3.5 transition-transform group-open:rotate-90" aria-hidden />
            What changed
          </summary>
          <div className="mt-2 grid gap-2 md:grid-cols-2">
            <Snapshot title="Before" value={row.before} />
            <Snapshot title="After" value={row.after} />
          </div>
        </details>
      ) : null}
    </li>
  );
}

const Snapshot = ({ title, value }: { title: string; value: unknown }) => (
  <div className="min-w-0 rounded-lg border bg-sunken p-3">
    <p className="mb-1 text-xs font-medium text-ink-3">{title}</p>
    <Scroll label={title} className="max-h-64 font-mono text-xs leading-5">
      {value === null || value === undefined ? (
        <i className="text-ink-3">did not exist</i>
      ) : (
        <pre>
          <Visible text={JSON.stringify(value, null, 2)} />
        </pre>
      )}
    </Scroll>
  </div>
);
