'use client';
import { useQuery } from '@tanstack/react-query';
import { ShieldX } from 'lucide-react';
import Link from 'next/link';
import { useMe } from '../data/me';
import { useTRPC } from '../data/trpc';

/** On every page, and not to be closed: a record that contradicts what was signed is no record. */
export function BrokenBar() {
  const trpc = useTRPC();
  const role = useMe()?.role;
  const reads = role !== undefined && role !== 'member';
  const status = useQuery(trpc.audit.status.queryOptions(undefined, { enabled: reads, refetchInterval: 30_000 }));
  const broken = status.data?.nodes.filter((node) => node.broken !== null) ?? [];
  const [first] = broken;
  return (
    <div role="alert" className="empty:hidden">
      {first === undefined ? null : (
        <p className="flex flex-wrap items-center gap-x-2.5 gap-y-1 bg-deny-solid px-4 py-2.5 text-sm font-medium text-on-solid sm:px-8">
          <ShieldX className="size-4 shrink-0" aria-hidden />
          <span className="min-w-0 flex-1">
            The audit log of {broken.length === 1 ? first.node : `${broken.length} gateways`} is broken
            {broken.length === 1 && first.broken && first.broken.index !== null ? ` at entry ${first.broken.index.toLocaleString()}` : ''}.
            What it says from there on cannot be proved.
          </span>
          <Link href="/audit?tab=integrity" className="rounded underline underline-offset-4">
            See what was found
          </Link>
        </p>
      )}
    </div>
  );
}
