'use client';
import { useInfiniteQuery } from '@tanstack/react-query';
import { ChevronDown, SquareTerminal } from 'lucide-react';
import Link from 'next/link';
import { useState } from 'react';
import { useTRPC } from '../../data/trpc';
import type { SessionRow } from '../../data/types';
import { Button } from '../../ui/button';
import { Card } from '../../ui/card';
import { EnforcementBadge } from '../../ui/enforcement';
import { Page } from '../../ui/frame';
import { SqlLine } from '../../ui/sqlBlock';
import { Empty, ErrorState, SkeletonRows } from '../../ui/states';
import { rowTarget } from '../../ui/table';
import { Segments } from '../../ui/tabs';
import { agoText, durationText, useNow } from '../../ui/time';
import { SessionState } from './state';
import { useLiveSessions } from './useLiveSessions';

export function Sessions() {
  const trpc = useTRPC();
  const [state, setState] = useState<'open' | 'all'>('open');
  useLiveSessions();
  const sessions = useInfiniteQuery(
    trpc.sessions.list.infiniteQueryOptions({ state }, { getNextPageParam: (page) => page.nextCursor, refetchInterval: 10_000 }),
  );
  const rows = sessions.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Page
      title="Sessions"
      about="Clients that are, or were, connected through the gateway."
      actions={
        <Segments
          label="Which sessions"
          value={state}
          onChange={setState}
          options={[
            { value: 'open', label: 'Open' },
            { value: 'all', label: 'All' },
          ]}
        />
      }
    >
      <Card>
        {sessions.error && !sessions.data ? (
          <ErrorState
            what="The sessions could not be loaded"
            error={sessions.error}
            effect="They are not affected."
            onRetry={() => void sessions.refetch()}
          />
        ) : null}
        {sessions.isPending ? <SkeletonRows label="Loading sessions" /> : null}
        {sessions.data && rows.length === 0 ? (
          <Empty icon={SquareTerminal} title={state === 'open' ? 'No open session' : 'No session yet'}>
            A client that connects through the gateway appears here by itself.
          </Empty>
        ) : null}
        <SessionRows rows={rows} />
        {sessions.hasNextPage ? (
          <div className="border-t p-3 text-center">
            <Button onClick={() => void sessions.fetchNextPage()} busy={sessions.isFetchingNextPage}>
              <ChevronDown aria-hidden />
              Load older sessions
            </Button>
          </div>
        ) : null}
      </Card>
    </Page>
  );
}

function SessionRows({ rows }: { rows: readonly SessionRow[] }) {
  const nowMs = useNow(5_000);
  return (
    <ul className="divide-y">
      {rows.map((row) => (
        <li
          key={row.id}
          className="relative grid items-center gap-x-5 gap-y-1.5 px-4 py-3.5 hover:bg-hover md:grid-cols-[5.5rem_13rem_minmax(0,1fr)_9rem]"
        >
          <span>
            <SessionState session={row} />
          </span>
          <span className="min-w-0">
            <Link href={`/sessions/${row.id}`} className={`${rowTarget} block truncate text-sm font-semibold`}>
              {row.principalName}
              <span className="font-normal text-ink-2"> on {row.connectionName}</span>
            </Link>
            <span className="block truncate text-xs text-ink-3">
              {row.ownerName ? `for ${row.ownerName} · ` : ''}
              {row.applicationName || row.clientAddress}
            </span>
            {row.enforcement === 'database' ? (
              <span className="mt-1 block">
                <EnforcementBadge enforcement="database" />
              </span>
            ) : null}
          </span>
          <span className="min-w-0">
            {row.lastStatement ? <SqlLine sql={row.lastStatement.sql} /> : <span className="text-xs text-ink-3">No statement yet</span>}
          </span>
          <span className="text-xs tabular-nums text-ink-2 md:text-right">
            {row.statements.toLocaleString()}
            {row.hasMoreStatements ? '+' : ''} {row.statements === 1 ? 'statement' : 'statements'}
            <span className="block text-ink-3 max-md:ml-2 max-md:inline">
              {row.endedAt
                ? `ended ${agoText(row.endedAt, nowMs)}`
                : `open ${durationText(Math.max(1000, nowMs - row.startedAt.getTime()))}`}
            </span>
          </span>
        </li>
      ))}
    </ul>
  );
}
