'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { FlaskConical } from 'lucide-react';
import { useTRPC } from '../../data/trpc';
import type { RequestDetail, RequestImpact } from '../../data/types';
import { Impact } from '../../statement/impact';
import { Button } from '../../ui/button';
import { Section } from '../../ui/card';
import { ErrorState, Skeleton, sentence } from '../../ui/states';
import { durationText } from '../../ui/time';
import { HeldTransactionView } from './heldTransaction';
import { MeasuredView } from './measured';
import { TouchedView } from './touched';

/** What a held statement would do: measured where somebody asked for it, else as far as it can be said without running it. */
export function ImpactSection({ request }: { request: RequestDetail }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const pending = request.status === 'pending';
  const preview = useQuery(trpc.approvals.preview.queryOptions({ id: request.id }, { enabled: pending, staleTime: 20_000, retry: false }));
  const measure = useMutation(
    trpc.approvals.measure.mutationOptions({
      onSuccess: (detail) => {
        queryClient.setQueryData(trpc.approvals.get.queryKey({ id: detail.id }), detail);
        void queryClient.invalidateQueries({ queryKey: trpc.approvals.preview.queryKey({ id: detail.id }) });
      },
      onError: () => void queryClient.invalidateQueries({ queryKey: trpc.approvals.get.queryKey({ id: request.id }) }),
    }),
  );
  const impact = preview.data ?? null;
  const against = impact?.against ?? [];
  const offers = pending && request.heldTransaction === null && request.mayDecide.allowed;
  return (
    <Section
      title="Impact"
      aside={
        offers ? (
          <Button
            size="sm"
            onClick={() => measure.mutate({ id: request.id })}
            busy={measure.isPending}
            disabled={against.length > 0 || preview.isPending}
            aria-describedby={against.length > 0 ? 'not-measured' : undefined}
          >
            {measure.isPending ? null : <FlaskConical aria-hidden />}
            {request.measured === null ? 'Measure impact' : 'Measure again'}
          </Button>
        ) : null
      }
    >
      <div aria-live="polite" className="grid gap-3">
        {measure.isPending ? <Measuring /> : null}
        {measure.error ? (
          <ErrorState compact what="It was not measured" error={measure.error} effect="Nothing was executed, and nothing was decided." />
        ) : null}
        {request.measured === null || measure.isPending ? null : <MeasuredView request={request} measured={request.measured} />}
      </div>
      {request.heldTransaction === null ? null : <HeldTransactionView transaction={request.heldTransaction} />}
      <Impact
        kind={request.kind}
        effects={request.effects}
        relations={impact === null ? request.relations : []}
        unbounded={request.unbounded}
        transactionStatus={request.transactionStatus}
        rest={impact !== null}
      />
      {pending ? (
        <Preview
          impact={impact}
          ran={request.heldTransaction !== null}
          loading={preview.isPending}
          error={preview.error}
          onRetry={() => void preview.refetch()}
        />
      ) : null}
      {offers && against.length > 0 ? (
        <div id="not-measured" className="rounded-lg bg-sunken px-3 py-2.5 text-sm">
          <p className="font-medium">It cannot be measured by running it for a trial:</p>
          <ul className="list-disc pl-5 text-ink-2">
            {against.map((why) => (
              <li key={why}>{sentence(why)}</li>
            ))}
          </ul>
        </div>
      ) : null}
    </Section>
  );
}

const Measuring = () => (
  <div role="status" className="grid gap-2 rounded-lg border bg-surface p-3 text-sm">
    <p className="font-medium">Running it for a trial…</p>
    <div className="h-1.5 overflow-hidden rounded-full bg-sunken" aria-hidden>
      <div className="h-full w-1/3 rounded-full bg-accent motion-safe:animate-pulse" />
    </div>
    <p className="text-xs text-ink-3">In a side transaction that is rolled back. It waits a second for locks and takes ten at most.</p>
  </div>
);

interface PreviewProps {
  impact: RequestImpact | null;
  /** It makes a transaction stand whose statements have run: what they touched is shown with them. */
  ran: boolean;
  loading: boolean;
  error: { message: string } | null;
  onRetry: () => void;
}

function Preview({ impact, ran, loading, error, onRetry }: PreviewProps) {
  if (loading)
    return (
      <div role="status" aria-label="Reading the catalog" className="grid gap-2">
        <Skeleton className="h-5 w-52" />
        <Skeleton className="h-5 w-40" />
      </div>
    );
  if (error) return <ErrorState compact what="What it touches could not be read" error={error} effect="" onRetry={onRetry} />;
  if (impact === null) return null;
  return (
    <div className="grid gap-4">
      {ran ? null : <TouchedView touched={impact.touched} />}
      <p className="text-sm">
        {impact.estimate === null ? (
          <span className="text-ink-3">No estimate: {impact.noEstimate ?? 'none was made'}.</span>
        ) : (
          <>
            The planner expects about <b className="font-semibold tabular-nums">{Math.round(impact.estimate.rows).toLocaleString()}</b>{' '}
            {Math.round(impact.estimate.rows) === 1 ? 'row' : 'rows'}, cost{' '}
            <span className="tabular-nums">{Math.round(impact.estimate.cost).toLocaleString()}</span>{' '}
            <span className="text-xs text-ink-3">(EXPLAIN, nothing ran)</span>
          </>
        )}
      </p>
      {impact.transaction === null ? null : <Transaction transaction={impact.transaction} />}
    </div>
  );
}

function Transaction({ transaction }: { transaction: NonNullable<RequestImpact['transaction']> }) {
  const { openMs, locks, blocking, changed } = transaction;
  if (openMs === null) return <p className="text-sm text-ink-2">Its session has no transaction open and holds no locks.</p>;
  return (
    <p className="text-sm text-ink-2">
      Its transaction has been open <b className="font-semibold text-ink">{durationText(openMs)}</b> and holds{' '}
      <b className="font-semibold text-ink">
        {locks} {locks === 1 ? 'lock' : 'locks'}
      </b>
      {changed ? ', has uncommitted changes' : ''}
      {blocking > 0 ? (
        <b className="font-semibold text-deny">
          , and {blocking} {blocking === 1 ? 'session waits' : 'sessions wait'} for it
        </b>
      ) : null}
      . <span className="text-xs text-ink-3">(pg_stat_activity and pg_locks)</span>
    </p>
  );
}
