'use client';
import { useQuery } from '@tanstack/react-query';
import { TableOfContents } from 'lucide-react';
import Link from 'next/link';
import { useIsAdmin } from '../../../data/me';
import { useTRPC } from '../../../data/trpc';
import type { StatementRow } from '../../../data/types';

/** Why there is nothing to show, and how that can be otherwise. */
export function NotRecorded({ row }: { row: StatementRow }) {
  const trpc = useTRPC();
  const isAdmin = useIsAdmin();
  const connections = useQuery(trpc.connections.list.queryOptions(undefined, { staleTime: 60_000 }));
  const connection = connections.data?.find((one) => one.name === row.connectionName);
  const recording = connection?.record.results === 'masked';
  return (
    <div className="grid gap-1.5 rounded-lg border border-dashed px-4 py-4 text-sm">
      <p className="flex items-center gap-2 font-semibold">
        <TableOfContents className="size-4 shrink-0 text-ink-3" aria-hidden />
        {recording ? 'This statement has no recorded result' : `Results are not recorded on ${row.connectionName}`}
      </p>
      <p className="text-ink-2">
        {recording
          ? 'It returned no rows, ran before recording was turned on, or its result has been erased.'
          : 'The statement and its outcome are in the record; the rows that the client saw are not.'}
      </p>
      {recording ? null : (
        <p className="text-ink-2">
          {isAdmin ? (
            <>
              To keep them from now on, as they leave, with every mask applied:{' '}
              <Link href="/connections" className="text-accent-text underline underline-offset-4">
                edit the connection
              </Link>{' '}
              and set “Record results”, or write
            </>
          ) : (
            'An administrator can keep them from now on, as they leave, with every mask applied:'
          )}{' '}
          <code className="rounded bg-sunken px-1 py-0.5 font-mono text-xs break-all">{'record: { results: masked, maxRows: 200 }'}</code>{' '}
          {isAdmin ? 'in the policy.' : ''}
        </p>
      )}
    </div>
  );
}
