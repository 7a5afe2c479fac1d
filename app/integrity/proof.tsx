'use client';
import { useQuery } from '@tanstack/react-query';
import { Download, ExternalLink, ShieldCheck, ShieldX } from 'lucide-react';
import { useState } from 'react';
import { useTRPC } from '../data/trpc';
import type { StatementDetail, StatementProof } from '../data/types';
import { Button } from '../ui/button';
import { Fact, Facts, Section } from '../ui/card';
import { ErrorState, Skeleton } from '../ui/states';
import { Time } from '../ui/time';
import { Checks } from './checks';
import { recheck } from './recheck';
import { saveText } from './save';

/** Larger entries are proved by the gateway alone: a browser need not load a statement of megabytes to hash it. */
const MOST_LEAF_CHARS = 4_000_000;

interface Place {
  node: string;
  /** Its place in the log; null for what was recorded before there was one. */
  index: number | null;
  /** The gateway that has that log, where it is not this one. */
  elsewhere: StatementDetail['elsewhere'];
}

/** Where a statement stands in the log, and the proof that it does: run by the gateway, and again here. */
export function Integrity({ id, place }: { id: string; place: Place }) {
  const trpc = useTRPC();
  const [asked, setAsked] = useState(false);
  const proof = useQuery(
    trpc.audit.prove.queryOptions({ id }, { enabled: asked, retry: false, staleTime: Number.POSITIVE_INFINITY, gcTime: 60_000 }),
  );
  const verify = () => (asked ? void proof.refetch() : setAsked(true));
  return (
    <Section
      title="Integrity"
      aside={
        <span className="flex gap-1.5">
          {proof.data ? (
            <Button size="sm" onClick={() => saveText(proof.data.file, `${id}.proof`, 'application/jsonl')}>
              <Download aria-hidden />
              Download proof
            </Button>
          ) : null}
          {place.elsewhere === null ? (
            <Button size="sm" onClick={verify} busy={proof.isFetching}>
              <ShieldCheck aria-hidden />
              Verify statement
            </Button>
          ) : null}
        </span>
      }
    >
      <Facts>
        <Fact name="Entry">
          {proof.data ? (
            <EntryText node={proof.data.node} index={proof.data.index} />
          ) : place.index === null ? (
            <span className="text-ink-3">Recorded before there was a log.</span>
          ) : (
            <EntryText node={place.node} index={place.index} />
          )}
        </Fact>
        {proof.data ? (
          <Fact name="Checkpoint">
            of {proof.data.size.toLocaleString()} entries, root{' '}
            <span className="break-all font-mono text-xs">{proof.data.checkpoint.split('\n')[2]}</span>
          </Fact>
        ) : null}
      </Facts>
      {place.elsewhere === null ? null : <Elsewhere id={id} log={place.elsewhere} />}
      {proof.error && !proof.data ? (
        <ErrorState compact what="It is not proved" error={proof.error} effect="The record itself is as it was." onRetry={verify} />
      ) : null}
      {proof.data ? <Proved proof={proof.data} /> : null}
    </Section>
  );
}

/** Only who holds a log can prove what stands in it. */
function Elsewhere({ id, log }: { id: string; log: NonNullable<Place['elsewhere']> }) {
  return (
    <div className="mt-3 grid justify-items-start gap-2 rounded-lg border border-dashed px-3 py-2.5 text-sm text-ink-2">
      <p>
        The gateway <span className="break-all font-mono text-xs text-ink">{log.node}</span> recorded this statement and holds its log: it
        is verified there. That gateway was last heard of <Time at={log.seenAt} />.
      </p>
      {log.consoleUrl === null ? (
        <p>The store does not know where its console is: that gateway says so once CONSOLE_URL is set for it.</p>
      ) : (
        <Button size="sm" asChild>
          <a href={`${log.consoleUrl}/audit/${encodeURIComponent(id)}`}>
            <ExternalLink aria-hidden />
            Open statement on {new URL(log.consoleUrl).host}
          </a>
        </Button>
      )}
    </div>
  );
}

const EntryText = ({ node, index }: { node: string; index: number }) => (
  <>
    <span className="font-semibold tabular-nums">{index.toLocaleString()}</span>
    {' of the log of '}
    <span className="break-all font-mono text-xs">{node}</span>
  </>
);

function Proved({ proof }: { proof: StatementProof }) {
  const small = proof.leaf.length <= MOST_LEAF_CHARS;
  const here = useQuery({
    queryKey: ['recheck', proof.statementId, proof.size, proof.checkpoint],
    queryFn: () => recheck(proof),
    enabled: small,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (small && here.data === undefined) return <Skeleton className="h-24" />;
  const all = [...proof.checks, ...(here.data ?? [])];
  const holds = all.length > 0 && all.every(({ ok }) => ok);
  return (
    <div
      role="status"
      className={`grid gap-3 rounded-lg border p-3 ${holds ? 'border-allow/30 bg-allow-soft' : 'border-deny/30 bg-deny-soft'}`}
    >
      <p className={`flex items-center gap-2 text-sm font-semibold ${holds ? 'text-allow' : 'text-deny'}`}>
        {holds ? <ShieldCheck className="size-4" aria-hidden /> : <ShieldX className="size-4" aria-hidden />}
        {holds ? 'Proved: it stands in the log as it was written' : 'Not proved: the record does not match what was signed'}
      </p>
      <div className="grid gap-1.5">
        <p className="text-xs text-ink-2">The gateway found</p>
        <Checks checks={proof.checks} />
      </div>
      {here.data ? (
        <div className="grid gap-1.5">
          <p className="text-xs text-ink-2">This browser found</p>
          <Checks checks={here.data} />
        </div>
      ) : (
        <p className="text-xs text-ink-2">
          The entry is too large to be checked in the browser as well: download the proof and run gatehouse audit verify.
        </p>
      )}
    </div>
  );
}
