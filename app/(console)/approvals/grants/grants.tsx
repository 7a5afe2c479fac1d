'use client';
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { ChevronDown, KeyRound, Undo2 } from 'lucide-react';
import Link from 'next/link';
import { useState } from 'react';
import { toast } from 'sonner';
import { useMe } from '../../../data/me';
import { useTRPC } from '../../../data/trpc';
import type { GrantRow } from '../../../data/types';
import { Badge, type Tone } from '../../../ui/badge';
import { Button } from '../../../ui/button';
import { Card } from '../../../ui/card';
import { ConfirmDialog } from '../../../ui/confirm';
import { Page } from '../../../ui/frame';
import { SqlLine } from '../../../ui/sqlBlock';
import { Empty, ErrorState, SkeletonRows, sentence } from '../../../ui/states';
import { Segments } from '../../../ui/tabs';
import { Time } from '../../../ui/time';

const STATES: Record<GrantRow['state'], { words: string; tone: Tone }> = {
  active: { words: 'Active', tone: 'allow' },
  revoked: { words: 'Revoked', tone: 'deny' },
  expired: { words: 'Run out', tone: 'neutral' },
  sessionEnded: { words: 'Session ended', tone: 'neutral' },
  policyChanged: { words: 'Policy changed', tone: 'neutral' },
};

/** What runs without asking again, and the button that ends it. */
export function Grants() {
  const trpc = useTRPC();
  const [status, setStatus] = useState<'active' | 'all'>('active');
  const [revoking, setRevoking] = useState<GrantRow | null>(null);
  const grants = useInfiniteQuery(
    trpc.approvals.grants.infiniteQueryOptions({ status }, { getNextPageParam: (page) => page.nextCursor, refetchInterval: 5_000 }),
  );
  const rows = grants.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Page
      title="Grants"
      about="Statements that reviewers let run without asking each time. A grant ends when it is revoked, runs out, or the policy changes."
      actions={
        <>
          <Button asChild look="ghost">
            <Link href="/approvals">Open approvals</Link>
          </Button>
          <Segments
            label="Which grants"
            value={status}
            onChange={setStatus}
            options={[
              { value: 'active', label: 'Active' },
              { value: 'all', label: 'All' },
            ]}
          />
        </>
      }
    >
      <Card>
        {grants.error && !grants.data ? (
          <ErrorState
            what="The grants could not be loaded"
            error={grants.error}
            effect="They are not affected."
            onRetry={() => void grants.refetch()}
          />
        ) : null}
        {grants.isPending ? <SkeletonRows label="Loading grants" /> : null}
        {grants.data && rows.length === 0 ? (
          <Empty icon={KeyRound} title={status === 'active' ? 'No active grant' : 'No grant yet'}>
            Whoever approves a statement can let its shape run for the rest of its session, or for some minutes.
          </Empty>
        ) : null}
        <ul className="divide-y" aria-label="Grants">
          {rows.map((row) => (
            <GrantItem key={row.id} grant={row} onRevoke={() => setRevoking(row)} />
          ))}
        </ul>
        {grants.hasNextPage ? (
          <div className="border-t p-3 text-center">
            <Button onClick={() => void grants.fetchNextPage()} busy={grants.isFetchingNextPage}>
              <ChevronDown aria-hidden />
              Load older grants
            </Button>
          </div>
        ) : null}
      </Card>
      <RevokeDialog key={revoking?.id} grant={revoking} onClose={() => setRevoking(null)} />
    </Page>
  );
}

function GrantItem({ grant, onRevoke }: { grant: GrantRow; onRevoke: () => void }) {
  const me = useMe();
  const { words, tone } = STATES[grant.state];
  const mayRevoke = me?.role === 'admin' || me?.role === 'reviewer';
  return (
    <li className="grid gap-x-5 gap-y-2 px-4 py-3.5 md:grid-cols-[minmax(0,1fr)_auto] md:items-center">
      <div className="grid min-w-0 gap-1.5">
        <p className="flex flex-wrap items-center gap-2 text-sm">
          <Badge tone={tone}>{words}</Badge>
          <b className="font-semibold">{grant.principalName}</b>
          <span className="text-ink-2">
            {grant.ownerName ? `for ${grant.ownerName} ` : ''}on {grant.connectionName}, rule {grant.rule}
          </span>
        </p>
        <SqlLine sql={grant.sql} />
        <p className="text-xs text-ink-2">
          {grant.shapeIsExact ? 'This very text and parameters' : 'This shape, with other values'},{' '}
          {grant.sessionId === null ? (
            'in any of its sessions'
          ) : (
            <>
              in{' '}
              <Link href={`/sessions/${grant.sessionId}`} className="text-accent-text underline-offset-4 hover:underline">
                one session
              </Link>
            </>
          )}
          {grant.expiresAt === null ? '' : ', until '}
          {grant.expiresAt === null ? null : <Time at={grant.expiresAt} />}. Approved by {grant.reviewers.join(' and ')} (
          <Link href={`/approvals/${grant.requestId}`} className="text-accent-text underline-offset-4 hover:underline">
            request
          </Link>
          ). Used {grant.uses.toLocaleString()} {grant.uses === 1 ? 'time' : 'times'}
          {grant.revokedBy === null ? '' : `. Revoked by ${grant.revokedBy}`}.
        </p>
      </div>
      {grant.state === 'active' && mayRevoke ? (
        <Button onClick={onRevoke} aria-label={`Revoke grant of ${grant.principalName}`} className="justify-self-start max-sm:min-h-11">
          <Undo2 aria-hidden />
          Revoke grant
        </Button>
      ) : null}
    </li>
  );
}

function RevokeDialog({ grant, onClose }: { grant: GrantRow | null; onClose: () => void }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const revoke = useMutation(
    trpc.approvals.revokeGrant.mutationOptions({
      onSuccess: () => {
        toast.success('Grant revoked. From now on it is asked for again.');
        onClose();
      },
      onSettled: () => void queryClient.invalidateQueries({ queryKey: trpc.approvals.grants.pathKey() }),
    }),
  );
  return (
    <ConfirmDialog
      open={grant !== null}
      onClose={onClose}
      title="Revoke grant"
      body={
        <>
          <b className="font-semibold text-ink">{grant?.principalName}</b> has to ask again for the next statement. What has run is not
          undone.
        </>
      }
      confirm="Revoke grant"
      busy={revoke.isPending}
      error={
        revoke.error ? (
          <p role="alert" className="mt-3 text-sm text-deny">
            {sentence(revoke.error.message)}
          </p>
        ) : null
      }
      onConfirm={() => grant !== null && revoke.mutate({ id: grant.id })}
    />
  );
}
