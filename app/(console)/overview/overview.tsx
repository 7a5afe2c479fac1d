'use client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useSubscription } from '@trpc/tanstack-react-query';
import { Activity } from 'lucide-react';
import Link from 'next/link';
import { useState } from 'react';
import { useLasting } from '../../data/lasting';
import { useTRPC } from '../../data/trpc';
import { useApprovalEvents } from '../../shell/live';
import { BreakGlassBanner } from '../../statement/breakGlass';
import { StatementDetailView } from '../../statement/detail';
import { Histogram } from '../../statement/histogram';
import { StatementList } from '../../statement/list';
import { Button } from '../../ui/button';
import { Card } from '../../ui/card';
import { Page } from '../../ui/frame';
import { Sheet } from '../../ui/sheet';
import { Empty, ErrorState, Skeleton, SkeletonRows } from '../../ui/states';
import { FirstRun } from './firstRun';

export function Overview() {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const [openId, setOpenId] = useState<string | null>(null);
  const query = useQuery(trpc.overview.get.queryOptions(undefined, { refetchInterval: 15_000 }));
  const reread = () => void queryClient.invalidateQueries({ queryKey: trpc.overview.pathKey() });
  useLasting(useSubscription(trpc.audit.onStatement.subscriptionOptions(undefined, { onData: reread, onStarted: reread })));
  useApprovalEvents(reread);
  const data = query.data;
  return (
    <Page title="Overview" about="What agents and people are doing through this gateway, today.">
      {query.error && !data ? (
        <ErrorState
          compact
          what="The overview could not be loaded"
          error={query.error}
          effect="The gateway itself goes on."
          onRetry={() => void query.refetch()}
        />
      ) : null}
      <BreakGlassBanner />
      <div className="grid gap-4">
        {data ? <FirstRun firstStatement={data.firstStatement} heldToday={data.heldToday} pending={data.pendingRequests} /> : null}
        <dl className="grid grid-cols-2 gap-3 md:grid-cols-3 xl:grid-cols-6">
          <Count name="Waiting for approval" value={data?.pendingRequests} href="/approvals" strong={(data?.pendingRequests ?? 0) > 0} />
          <Count name="Open sessions" value={data?.openSessions} href="/sessions" />
          <Count name="Statements today" value={data?.statementsToday} href="/audit" />
          <Count name="Held today" value={data?.heldToday} href="/audit?q=verdict%3Aheld" />
          <Count name="Denied today" value={data?.deniedToday} href="/audit?q=verdict%3Adenied" />
          <Count name="Masked today" value={data?.maskedToday} href="/audit?q=masked%3A*" />
        </dl>
        <Card className="p-4 sm:p-5">
          <h2 className="mb-3 text-sm font-semibold">Last 24 hours</h2>
          {data ? <Histogram buckets={data.histogram} /> : <Skeleton className="h-28" />}
        </Card>
        <Card className="min-w-0">
          <div className="flex items-center justify-between border-b px-4 py-2">
            <h2 className="text-sm font-semibold">Recent statements</h2>
            <Button asChild size="sm" look="ghost">
              <Link href="/audit">Open audit</Link>
            </Button>
          </div>
          {query.isPending ? <SkeletonRows label="Loading statements" /> : null}
          {data && data.recent.length === 0 ? (
            <Empty icon={Activity} title="No statement yet">
              The first one appears here by itself.
            </Empty>
          ) : null}
          {data && data.recent.length > 0 ? <StatementList label="Recent statements" rows={data.recent} onOpen={setOpenId} /> : null}
        </Card>
        {data ? <p className="text-xs text-ink-3">Policy version {data.policyVersion}</p> : null}
      </div>
      <Sheet
        wide
        open={openId !== null}
        onClose={() => setOpenId(null)}
        title="Statement"
        description={<span className="break-all font-mono text-xs">{openId}</span>}
      >
        {openId === null ? null : <StatementDetailView id={openId} />}
      </Sheet>
    </Page>
  );
}

function Count({ name, value, href, strong = false }: { name: string; value: number | undefined; href: string; strong?: boolean }) {
  return (
    <div className="relative rounded-xl border bg-surface px-4 py-3 shadow-card transition-colors hover:bg-hover">
      <dt className="text-xs text-ink-2">{name}</dt>
      <dd className={`mt-0.5 text-xl font-semibold tabular-nums tracking-tight ${strong ? 'text-hold' : ''}`}>
        {value === undefined ? (
          <Skeleton className="my-1 h-5 w-10" />
        ) : (
          <Link
            href={href}
            aria-label={`${name}: ${value}`}
            className="after:absolute after:inset-0 after:rounded-xl focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:outline-ring"
          >
            {value.toLocaleString()}
          </Link>
        )}
      </dd>
    </div>
  );
}
