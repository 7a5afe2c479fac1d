'use client';
import { Bot, Cable, ChevronRight, Hourglass, User } from 'lucide-react';
import Link from 'next/link';
import type { RequestDetail } from '../../data/types';
import { Decisions } from '../../statement/decisions';
import { Parameters } from '../../statement/parameters';
import { RuleLink, TriedRules } from '../../statement/tried';
import { Badge } from '../../ui/badge';
import { Fact, Facts, Section } from '../../ui/card';
import { CopyButton } from '../../ui/copy';
import { SqlBlock, Visible } from '../../ui/sqlBlock';
import { sentence } from '../../ui/states';
import { countdownText, durationText, Time, useNow } from '../../ui/time';
import { RequestBadge, StatementBadge } from '../../ui/verdict';
import { ImpactSection } from './impactSection';

/** A request in the order a reviewer thinks: who, where, what, why held, impact, history, reason. */
export function RequestCard({ request }: { request: RequestDetail }) {
  const Who = request.ownerName === null ? User : Bot;
  return (
    <div className="grid gap-6">
      <Head request={request} />
      <section aria-label="Who and where" className="flex flex-wrap gap-x-8 gap-y-2.5 rounded-xl border bg-surface p-3.5 text-sm">
        <p className="flex items-start gap-2.5">
          <Who className="mt-0.5 size-4 shrink-0 text-ink-3" aria-hidden />
          <span>
            {request.ownerName ? (
              <>
                <b className="font-semibold">{request.ownerName}</b>, through the agent{' '}
                <b className="font-semibold">{request.principalName}</b>
              </>
            ) : (
              <b className="font-semibold">{request.principalName}</b>
            )}
          </span>
        </p>
        <p className="flex items-start gap-2.5">
          <Cable className="mt-0.5 size-4 shrink-0 text-ink-3" aria-hidden />
          <span>
            on <b className="font-semibold">{request.connectionName}</b>, in{' '}
            <IdLink href={`/sessions/${request.sessionId}`} id={request.sessionId} />
          </span>
        </p>
      </section>
      <div className="grid gap-3">
        <SqlBlock sql={request.sql} />
        {request.parameters.length > 0 ? <Parameters parameters={request.parameters} /> : null}
        <p className="text-xs text-ink-3">
          What you approve is what runs: these bytes, these parameters, this identity, this connection, once unless you choose otherwise.
          {request.waits ? '' : ' Its client does not wait: it sends the statement again, and finds your decision.'}
        </p>
      </div>
      <Section title="Why it was held">
        <p className="flex flex-wrap items-baseline gap-x-2 gap-y-1 text-sm">
          <Badge tone="hold">
            <Hourglass aria-hidden />
            Held
          </Badge>
          <span>
            by rule <RuleLink name={request.rule} />
          </span>
        </p>
        <p className="text-sm text-ink-2">{sentence(request.why)}</p>
        <details className="group text-sm">
          <summary className="inline-flex list-none items-center gap-1 rounded text-accent-text underline-offset-4 hover:underline max-sm:min-h-11">
            <ChevronRight className="size-4 transition-transform group-open:rotate-90" aria-hidden />
            Every rule that was tried ({request.tried.length})
          </summary>
          <div className="mt-2">
            <TriedRules tried={request.tried} decided={request.rule} />
          </div>
        </details>
      </Section>
      <ImpactSection request={request} />
      <Section title="Same statement before">
        <p className="text-sm text-ink-2">{similarText(request.similar)}</p>
      </Section>
      <Section title="Reason given">
        {request.requesterReason ? (
          <blockquote className="border-l-2 border-line-strong pl-3 text-sm">
            <Visible text={request.requesterReason} />
          </blockquote>
        ) : (
          <p className="text-sm text-ink-3">None. A client gives one with options=-c gatehouse.reason=…</p>
        )}
      </Section>
      <Progress request={request} />
      <Facts className="border-t pt-4 text-xs">
        <Fact name="Request">
          <span className="inline-flex items-center gap-1 font-mono">
            {request.id}
            <CopyButton text={request.id} label="Copy request id" />
          </span>
        </Fact>
        <Fact name="Statement">
          <IdLink href={`/audit/${request.statementId}`} id={request.statementId} />
        </Fact>
        <Fact name="Held at">
          <Time at={request.createdAt} as="full" />
        </Fact>
        <Fact name="Expires">
          <Time at={request.expiresAt} as="full" />
        </Fact>
      </Facts>
    </div>
  );
}

const IdLink = ({ href, id }: { href: string; id: string }) => (
  <Link href={href} className="break-all font-mono text-xs text-accent-text underline-offset-4 hover:underline">
    {id}
  </Link>
);

function Head({ request }: { request: RequestDetail }) {
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5" role="status" aria-live="polite">
      <RequestBadge status={request.status} />
      {request.required > 1 ? (
        <Badge tone="outline">
          {request.approvals} of {request.required} approvals
        </Badge>
      ) : null}
      {request.status === 'pending' ? <Countdown expiresAt={request.expiresAt} /> : <Outcome request={request} />}
    </div>
  );
}

function Countdown({ expiresAt }: { expiresAt: Date }) {
  const left = expiresAt.getTime() - useNow();
  return (
    <span aria-live="off" className={`text-sm tabular-nums ${left < 60_000 ? 'font-semibold text-deny' : 'text-ink-2'}`}>
      {left <= 0 ? 'Expiring now' : `Expires in ${countdownText(left)}`}
    </span>
  );
}

function Outcome({ request }: { request: RequestDetail }) {
  const last = request.decisions.at(-1);
  const { outcome } = request;
  return (
    <span className="text-sm text-ink-2">
      {last ? (
        <>
          {last.decision === 'approve' ? 'Approved' : 'Rejected'} by {last.reviewerName} <Time at={last.at} as="ago" />.{' '}
        </>
      ) : null}
      {request.status === 'approved' && (outcome === null || outcome.status === 'held') ? (
        'It is about to run.'
      ) : outcome && outcome.status !== 'held' ? (
        <span className="inline-flex flex-wrap items-center gap-2">
          <StatementBadge status={outcome.status} />
          {outcomeText(outcome)}
        </span>
      ) : request.status === 'executed' ? null : (
        'Nothing was executed.'
      )}
    </span>
  );
}

/** "1 row in 7.8 ms"; a statement that never ran has neither. */
function outcomeText({ rows, durationMs, sqlstate, status }: NonNullable<RequestDetail['outcome']>): string {
  if (status !== 'done' && status !== 'failed' && status !== 'running') return 'Nothing was executed.';
  return [
    rows === null ? '' : `${rows.toLocaleString()} ${rows === 1 ? 'row' : 'rows'}`,
    durationMs === null ? '' : `in ${durationText(durationMs)}`,
    sqlstate ? `SQLSTATE ${sqlstate}` : '',
  ]
    .filter(Boolean)
    .join(' ');
}

function Progress({ request }: { request: RequestDetail }) {
  const needed = `${request.required} ${request.required === 1 ? 'approval' : 'approvals'} from ${request.reviewerGroups.length === 0 ? 'any reviewer' : request.reviewerGroups.join(' or ')}`;
  return (
    <Section title="Decisions" aside={<span className="text-xs text-ink-3">needs {needed}</span>}>
      {request.decisions.length === 0 ? (
        <p className="text-sm text-ink-3">Nobody has decided yet.</p>
      ) : (
        <Decisions decisions={request.decisions} />
      )}
      {request.grantId === null ? null : (
        <p className="text-sm text-ink-2">
          It runs again without asking, by{' '}
          <Link href="/approvals/grants" className="text-accent-text underline underline-offset-4">
            grant {request.grantId}
          </Link>
          .
        </p>
      )}
    </Section>
  );
}

function similarText({ approved, rejected, executed }: RequestDetail['similar']): string {
  if (approved + rejected + executed === 0) return 'This text has not been asked for on this connection before.';
  return `Approved ${approved} ${approved === 1 ? 'time' : 'times'}, executed ${executed}, rejected ${rejected}, on this connection.`;
}
