'use client';
import { useQuery } from '@tanstack/react-query';
import { Eraser, EyeOff, ListFilter, ScrollText } from 'lucide-react';
import Link from 'next/link';
import { useTRPC } from '../data/trpc';
import type { StatementDetail } from '../data/types';
import { Integrity } from '../integrity/proof';
import { withTerm } from '../sql/terms';
import { Badge } from '../ui/badge';
import { Button } from '../ui/button';
import { Section } from '../ui/card';
import { CopyButton } from '../ui/copy';
import { EnforcementBadge } from '../ui/enforcement';
import { Scroll } from '../ui/scroll';
import { SqlBlock, Visible } from '../ui/sqlBlock';
import { ErrorState, Skeleton, sentence } from '../ui/states';
import { Time } from '../ui/time';
import { StatementBadge, VerdictBadge } from '../ui/verdict';
import { BreakGlassBadge } from './breakGlass';
import { Decisions } from './decisions';
import { Impact } from './impact';
import { ColumnChips } from './maskedColumn';
import { Parameters } from './parameters';
import { RecordFacts } from './recordFacts';
import { Timings } from './timings';
import { RuleLink, TriedRules } from './tried';

/** One statement with everything the record says about it. */
export function StatementDetailView({ id }: { id: string }) {
  const trpc = useTRPC();
  const query = useQuery(trpc.audit.get.queryOptions({ id }));
  if (query.error && !query.data)
    return <ErrorState compact what={`${id} could not be shown`} error={query.error} effect="" onRetry={() => void query.refetch()} />;
  if (!query.data)
    return (
      <div role="status" aria-label="Loading statement" className="grid gap-5">
        <Skeleton className="h-6 w-44" />
        <Skeleton className="h-40" />
        <Skeleton className="h-32" />
      </div>
    );
  return <Detail statement={query.data} />;
}

function Detail({ statement }: { statement: StatementDetail }) {
  const link = `${window.location.origin}/audit/${statement.id}`;
  const json = JSON.stringify(statement, null, 2);
  return (
    <div className="grid gap-6">
      <div className="flex flex-wrap items-center gap-2">
        <VerdictBadge verdict={statement.verdict} />
        <StatementBadge status={statement.status} />
        {statement.breakGlass === null ? null : <BreakGlassBadge />}
        {statement.sqlstate ? <Badge tone="deny">SQLSTATE {statement.sqlstate}</Badge> : null}
        <span className="text-sm text-ink-2">
          <Time at={statement.at} as="full" />
        </span>
      </div>
      {statement.erased ? (
        <p className="flex items-start gap-2 rounded-lg border border-dashed px-3 py-2.5 text-sm text-ink-2">
          <Eraser className="mt-0.5 size-4 shrink-0" aria-hidden />
          What the client sent has been erased. That the statement ran, and every proof of it, still stands.
        </p>
      ) : null}
      <SqlBlock sql={statement.erased ? statement.shape : statement.sql} />
      <div className="-mt-3 flex flex-wrap gap-1.5">
        <CopyButton look="secondary" text={statement.sql} label="Copy statement as SQL" word="Copy SQL" />
        <CopyButton look="secondary" text={json} label="Copy statement as JSON" word="Copy JSON" />
        <CopyButton look="secondary" text={link} label="Copy link to this statement" word="Copy link" />
        {statement.fingerprint !== '' ? (
          <Button size="sm" asChild>
            <Link href={`/audit?q=${encodeURIComponent(withTerm('', 'fingerprint', statement.fingerprint))}`}>
              <ListFilter aria-hidden />
              Similar statements
            </Link>
          </Button>
        ) : null}
        <Button size="sm" asChild>
          <Link href={`/rules?from=${statement.id}`}>
            <ScrollText aria-hidden />
            Make a rule from this
          </Link>
        </Button>
      </div>
      <Section title="Verdict">
        <p className="text-sm">
          {statement.rule ? (
            <>
              Rule <RuleLink name={statement.rule} />:{' '}
            </>
          ) : null}
          {statement.why ? sentence(statement.why) : 'Allowed by the connection’s default.'}
        </p>
        <TriedRules tried={statement.tried} decided={statement.rule} />
      </Section>
      {statement.breakGlass === null ? null : (
        <Section title="Break-glass">
          <p className="text-sm text-ink-2">It ran without the approval its rule asks for. The reason given:</p>
          <blockquote className="border-l-2 border-deny pl-3 text-sm">
            <Visible text={statement.breakGlass} />
          </blockquote>
        </Section>
      )}
      {statement.grantId === null ? null : (
        <Section title="Grant">
          <p className="text-sm text-ink-2">
            Released without asking again, by{' '}
            <Link href="/approvals/grants" className="text-accent-text underline underline-offset-4">
              {statement.grantId}
            </Link>
            .
          </p>
        </Section>
      )}
      {statement.approval ? (
        <Section
          title="Approval"
          aside={
            <Link
              href={`/approvals/${statement.approval.id}`}
              className="font-mono text-xs text-accent-text underline-offset-4 hover:underline"
            >
              {statement.approval.id}
            </Link>
          }
        >
          <p className="text-sm text-ink-2">
            {statement.approval.atCommit ? 'Its transaction was held at COMMIT. ' : null}
            Asked at <Time at={statement.approval.createdAt} />, {statement.approval.status}
            {statement.approval.decidedAt ? (
              <>
                {' '}
                at <Time at={statement.approval.decidedAt} />
              </>
            ) : null}
            . Needed {statement.approval.required} {statement.approval.required === 1 ? 'approval' : 'approvals'}.
          </p>
          <Decisions decisions={statement.approval.decisions} />
        </Section>
      ) : null}
      {statement.rewritten ? (
        <Section title="Sent to the server as">
          <p className="mb-2 text-sm text-ink-2">Its operators see masked values.</p>
          <SqlBlock sql={statement.rewritten} />
        </Section>
      ) : null}
      <Section
        title="Masked columns"
        aside={statement.enforcement === null ? null : <EnforcementBadge enforcement={statement.enforcement} />}
      >
        {statement.maskedColumns.length === 0 ? (
          <p className="text-sm text-ink-3">None.</p>
        ) : (
          <ColumnChips columns={statement.maskedColumns} />
        )}
      </Section>
      {statement.detected.length === 0 ? null : (
        <Section title="Found in other columns">
          <ul className="space-y-1 text-sm">
            {statement.detected.map(({ rule, detector, mode, cells }) => (
              <li key={`${rule} ${detector}`} className="flex flex-wrap items-center gap-1.5">
                <Badge tone={mode === 'enforce' ? 'mask' : 'outline'}>
                  {mode === 'enforce' ? <EyeOff aria-hidden /> : null}
                  {detector === 'unscanned' ? 'too large to look through' : detector.replace('_', ' ')}
                </Badge>
                in {cells} {cells === 1 ? 'cell' : 'cells'}, {mode === 'enforce' ? 'masked' : 'shown (observe only)'} by {rule}
              </li>
            ))}
          </ul>
        </Section>
      )}
      <Section title="Parameters">
        <Parameters parameters={statement.parameters} />
      </Section>
      <Section title="Impact">
        <Impact
          kind={statement.kind}
          effects={statement.effects}
          relations={statement.relations}
          unbounded={statement.unbounded ?? false}
          transactionStatus={statement.transactionStatus}
        />
      </Section>
      <Section title="Timings">
        <Timings statement={statement} />
      </Section>
      <Integrity
        key={statement.id}
        id={statement.id}
        place={{ node: statement.node, index: statement.logIndex, elsewhere: statement.elsewhere }}
      />
      <Section title="Record">
        <RecordFacts statement={statement} />
      </Section>
      <details className="text-sm">
        <summary className="w-fit rounded text-accent-text underline-offset-4 hover:underline max-sm:min-h-11">Raw JSON</summary>
        <Scroll label="Raw JSON" className="mt-2 max-h-96 rounded-lg border bg-sunken p-3 font-mono text-xs leading-5">
          <pre>
            <Visible text={json} />
          </pre>
        </Scroll>
      </details>
    </div>
  );
}
