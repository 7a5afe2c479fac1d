'use client';
import { useQuery } from '@tanstack/react-query';
import { CircleCheck, X } from 'lucide-react';
import Link from 'next/link';
import { type ReactNode, useState } from 'react';
import { useTRPC } from '../../data/trpc';
import { Button } from '../../ui/button';
import { Card } from '../../ui/card';
import { CopyLine } from '../../ui/copy';
import { SqlLine } from '../../ui/sqlBlock';
import { Time } from '../../ui/time';

interface FirstRunProps {
  firstStatement: { id: string; at: Date; sql: string; principalName: string } | null;
  heldToday: number;
  /** Requests that wait now. */
  pending: number;
}

const KEY = 'gatehouse.first-run';
const wasDismissed = () => {
  try {
    return localStorage.getItem(KEY) === 'done';
  } catch {
    return false;
  }
};

/** Shows the way to the first statement, then turns green by itself and shows it. */
export function FirstRun({ firstStatement, heldToday, pending }: FirstRunProps) {
  const trpc = useTRPC();
  const [dismissed, setDismissed] = useState(wasDismissed);
  const connections = useQuery(trpc.connections.list.queryOptions(undefined, { enabled: !dismissed }));
  const first = connections.data?.[0];
  const snippets = useQuery(trpc.connections.snippets.queryOptions({ id: first?.id ?? '' }, { enabled: first !== undefined }));
  const agent = useQuery(trpc.principals.list.queryOptions(undefined, { enabled: !dismissed && firstStatement === null })).data?.find(
    (one) => one.kind === 'agent' && one.disabledAt === null,
  );
  if (dismissed) return null;
  const dismiss = () => {
    setDismissed(true);
    try {
      localStorage.setItem(KEY, 'done');
    } catch {
      // It comes back with the next page load, no more.
    }
  };
  return (
    <Card className="overflow-hidden">
      <div
        role="status"
        className={`flex items-center gap-3 border-b px-4 py-3 sm:px-5 ${firstStatement ? 'bg-allow-soft' : 'bg-hold-soft'}`}
      >
        {firstStatement ? (
          <>
            <CircleCheck className="size-5 shrink-0 text-allow" aria-hidden />
            <p className="font-semibold text-allow">Connected. The first statement has arrived.</p>
            <Button look="ghost" size="icon" aria-label="Dismiss first-run guide" onClick={dismiss} className="ml-auto">
              <X aria-hidden />
            </Button>
          </>
        ) : (
          <>
            <span aria-hidden className="relative grid size-5 shrink-0 place-items-center">
              <span className="absolute size-2.5 rounded-full bg-hold-solid animate-ping-soft" />
              <span className="size-2.5 rounded-full bg-hold-solid" />
            </span>
            <p className="py-1 font-semibold text-hold">Waiting for your first connection…</p>
          </>
        )}
      </div>
      {firstStatement ? (
        <Link href={`/audit/${firstStatement.id}`} className="grid gap-1 border-b px-4 py-3 -outline-offset-2 hover:bg-hover sm:px-5">
          <SqlLine sql={firstStatement.sql} />
          <span className="text-xs text-ink-2">
            {firstStatement.principalName} · <Time at={firstStatement.at} quiet />
          </span>
        </Link>
      ) : null}
      <ol className="grid gap-4 px-4 py-4 sm:px-5">
        {firstStatement ? (
          <Step number={1} done title="Connect with psql" />
        ) : (
          <Step number={1} done={false} title="Connect with psql">
            <p className="mb-2 text-ink-2">
              The terminal that started Gatehouse printed a complete line with the demo agent’s token. Paste that, or use this one with a
              token in <code className="font-mono text-xs">GATEHOUSE_TOKEN</code>:
            </p>
            {snippets.data ? (
              <CopyLine
                text={agent ? snippets.data.psql.replace('user=PRINCIPAL', `user=${agent.name}`) : snippets.data.psql}
                label="psql line"
              />
            ) : connections.data && first === undefined ? (
              <Link className="text-accent-text underline" href="/connections">
                Add a connection first
              </Link>
            ) : null}
          </Step>
        )}
        <Step number={2} done={heldToday > 0} title="Ask for something that needs a person">
          <p className="mb-2 text-ink-2">The client waits on its connection. The request appears under Approvals within a second.</p>
          <CopyLine text="DELETE FROM orders WHERE id = 1;" label="DELETE statement" />
        </Step>
        <Step number={3} done={heldToday > 0 && pending === 0} title="Decide it">
          <Link href="/approvals" className="text-accent-text underline underline-offset-4">
            Open approvals
          </Link>{' '}
          <span className="text-ink-2">and approve or reject; psql answers at once.</span>
        </Step>
      </ol>
    </Card>
  );
}

function Step({ number, done, title, children }: { number: number; done: boolean; title: string; children?: ReactNode }) {
  return (
    <li className="grid grid-cols-[1.75rem_minmax(0,1fr)] gap-x-2.5 text-sm">
      <span
        aria-hidden
        className={`grid size-6 place-items-center rounded-full text-xs font-semibold ${done ? 'bg-allow-soft text-allow' : 'bg-sunken text-ink-2'}`}
      >
        {done ? <CircleCheck className="size-4" /> : number}
      </span>
      <div className="min-w-0">
        <h2 className="mb-0.5 pt-0.5 font-semibold">
          {title}
          {done ? <span className="sr-only"> (done)</span> : null}
        </h2>
        {children}
      </div>
    </li>
  );
}
