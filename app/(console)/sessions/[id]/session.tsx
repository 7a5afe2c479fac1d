'use client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { OctagonX, SquareTerminal } from 'lucide-react';
import Link from 'next/link';
import { parseAsString, useQueryState } from 'nuqs';
import { useCallback, useState } from 'react';
import { toast } from 'sonner';
import { useIsAdmin } from '../../../data/me';
import { useTRPC } from '../../../data/trpc';
import type { SessionRow } from '../../../data/types';
import { withTerm } from '../../../sql/terms';
import { StatementDetailView } from '../../../statement/detail';
import { Button } from '../../../ui/button';
import { Card, Fact, Facts } from '../../../ui/card';
import { CopyButton } from '../../../ui/copy';
import { EnforcementBadge } from '../../../ui/enforcement';
import { Page } from '../../../ui/frame';
import { Sheet } from '../../../ui/sheet';
import { Empty, ErrorState, Skeleton, SkeletonRows } from '../../../ui/states';
import { durationText, Time, useNow } from '../../../ui/time';
import { SessionState } from '../state';
import { useLiveSessions } from '../useLiveSessions';
import { LongTimeline } from './longTimeline';
import { Replay } from './replay';
import { Steps } from './steps';
import { Terminate } from './terminate';
import { Timeline } from './timeline';
import { useWindow } from './useWindow';

export function SessionView({ id }: { id: string }) {
  const trpc = useTRPC();
  const isAdmin = useIsAdmin();
  const [ending, setEnding] = useState(false);
  const [openId, setOpenId] = useState<string | null>(null);
  useLiveSessions(id);
  const query = useQuery(
    trpc.sessions.get.queryOptions({ id }, { refetchInterval: (current) => (current.state.data?.endedAt ? false : 3_000) }),
  );
  const session = query.data;
  return (
    <Page
      wide
      title={session ? `${session.principalName} on ${session.connectionName}` : 'Session'}
      about={
        <span className="inline-flex items-center gap-1 break-all font-mono text-xs">
          {id}
          <CopyButton text={id} label="Copy session id" />
        </span>
      }
      actions={
        isAdmin && session && session.endedAt === null ? (
          <Button look="reject" onClick={() => setEnding(true)} disabled={session.killRequestedAt !== null}>
            <OctagonX aria-hidden />
            Terminate session
          </Button>
        ) : null
      }
    >
      {query.error && !query.data ? (
        <ErrorState
          compact
          what={`${id} could not be shown`}
          error={query.error}
          effect="The session is not affected."
          onRetry={() => void query.refetch()}
        />
      ) : null}
      {query.isPending ? (
        <Card>
          <SkeletonRows label="Loading session" />
        </Card>
      ) : null}
      {session ? <Body session={session} onOpen={setOpenId} /> : null}
      <Sheet
        wide
        open={openId !== null}
        onClose={() => setOpenId(null)}
        title="Statement"
        description={<span className="break-all font-mono text-xs">{openId}</span>}
      >
        {openId === null ? null : <StatementDetailView id={openId} />}
      </Sheet>
      {session ? <Terminate session={session} open={ending} onClose={() => setEnding(false)} /> : null}
    </Page>
  );
}

/** Read at once by the list, and by the replay: each goes its own way from there. */
const LIST_WINDOW = 100;
const REPLAY_WINDOW = 50;
/** What a session ran last reaches the record a moment after its end. */
const SETTLES_MS = 15_000;

function Body({ session, onOpen }: { session: SessionRow; onOpen: (id: string) => void }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const nowMs = useNow(1_000);
  const endMs = session.endedAt?.getTime() ?? nowMs;
  const live = session.endedAt === null || nowMs - endMs < SETTLES_MS;
  const [chosen, setChosen] = useQueryState('stm', parseAsString.withOptions({ history: 'replace' }));
  const select = useCallback((id: string | null) => void setChosen(id), [setChosen]);
  const about = { sessionId: session.id, around: chosen, live };
  const list = useWindow({ ...about, limit: LIST_WINDOW });
  const replay = useWindow({ ...about, limit: REPLAY_WINDOW });
  const timeline = useQuery(trpc.sessions.timeline.queryOptions({ id: session.id }, { refetchInterval: live ? 3_000 : false }));
  const current = replay.rows[replay.index];
  const selectedId = current?.id ?? chosen;
  const goTo = async (time: Date) => {
    const found = await queryClient.fetchQuery(trpc.sessions.statements.queryOptions({ id: session.id, start: { time }, limit: 1 }));
    if (found.items[0] !== undefined) select(found.items[0].id);
  };
  return (
    <div className="grid gap-4">
      <Card className="grid gap-x-10 gap-y-4 p-4 sm:grid-cols-2 sm:p-5">
        <Facts>
          <Fact name="State">
            <span className="flex flex-wrap items-center gap-2">
              <SessionState session={session} />
              {session.endReason ? <span className="text-ink-2">{session.endReason}</span> : null}
            </span>
          </Fact>
          <Fact name="Masking">
            <EnforcementBadge enforcement={session.enforcement} />
          </Fact>
          <Fact name="Who">
            {session.principalName}
            {session.ownerName ? ` for ${session.ownerName}` : ''}
          </Fact>
          {session.identity ? (
            <Fact name="Identity">
              <span className="break-all">
                <Link
                  href={`/audit?q=${encodeURIComponent(withTerm(withTerm('', 'sub', session.identity.subject), 'issuer', session.identity.issuer))}&range=all`}
                  className="text-accent-text underline underline-offset-4"
                >
                  {session.identity.subject}
                </Link>{' '}
                at {session.identity.provider}
                {session.identity.actors.length > 0 ? ` · acting: ${session.identity.actors.join(', ')}` : ''}
                {session.identity.client ? ` · client ${session.identity.client}` : ''}
              </span>
            </Fact>
          ) : null}
          <Fact name="Client">
            {session.clientAddress}
            {session.applicationName ? ` · ${session.applicationName}` : ''}
          </Fact>
        </Facts>
        <Facts>
          <Fact name="Started">
            <Time at={session.startedAt} as="full" />
          </Fact>
          <Fact name={session.endedAt ? 'Ended' : 'Open for'}>
            {session.endedAt ? <Time at={session.endedAt} as="full" /> : durationText(Math.max(1000, endMs - session.startedAt.getTime()))}
          </Fact>
          <Fact name="Gateway">
            <span className="break-all font-mono text-xs">
              {session.gatewayId} / {session.workerId}
            </span>
          </Fact>
        </Facts>
      </Card>
      {session.statements === 0 && list.rows.length === 0 ? (
        <Card>
          <Empty icon={SquareTerminal} title="No statement yet">
            The client is connected and has not sent one.
          </Empty>
        </Card>
      ) : (
        <>
          <Card className="min-w-0 p-4 sm:p-5">
            <h2 className="mb-2 text-sm font-semibold">Timeline</h2>
            {timeline.error && !timeline.data ? (
              <ErrorState
                compact
                what="The timeline could not be drawn"
                error={timeline.error}
                effect="The statements below are all there."
                onRetry={() => void timeline.refetch()}
              />
            ) : null}
            {timeline.isPending ? <Skeleton className="h-40" /> : null}
            {timeline.data?.statements ? (
              <Timeline
                statements={timeline.data.statements}
                startMs={session.startedAt.getTime()}
                endMs={endMs}
                selectedId={selectedId}
                onSelect={select}
              />
            ) : null}
            {timeline.data?.bins ? (
              <LongTimeline
                bins={timeline.data.bins}
                statements={session.statements}
                hasMore={session.hasMoreStatements}
                startMs={session.startedAt.getTime()}
                endMs={endMs}
                selectedMs={current?.at.getTime() ?? null}
                onSelect={(at) => void goTo(at).catch(() => toast.error('The statement could not be found'))}
              />
            ) : null}
          </Card>
          <div className="grid items-start gap-4 lg:grid-cols-[minmax(18rem,24rem)_minmax(0,1fr)]">
            <Steps window={list} count={session.statements} hasMore={session.hasMoreStatements} selectedId={selectedId} onSelect={select} />
            <Replay window={replay} count={session.statements} hasMore={session.hasMoreStatements} onSelect={select} onOpen={onOpen} />
          </div>
        </>
      )}
    </div>
  );
}
