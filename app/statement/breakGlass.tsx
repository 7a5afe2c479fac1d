'use client';
import { useQuery } from '@tanstack/react-query';
import { Siren } from 'lucide-react';
import Link from 'next/link';
import { useTRPC } from '../data/trpc';
import { Badge } from '../ui/badge';
import { agoText, useNow } from '../ui/time';

export const BreakGlassBadge = () => (
  <Badge tone="deny">
    <Siren aria-hidden />
    Break-glass
  </Badge>
);

/** In view for a week after somebody ran what needed approval without it. */
export function BreakGlassBanner() {
  const trpc = useTRPC();
  const nowMs = useNow(10_000);
  const uses = useQuery(trpc.approvals.breakGlass.queryOptions(undefined, { refetchInterval: 10_000 }));
  const [last] = uses.data ?? [];
  if (last === undefined) return null;
  return (
    <div role="alert" className="mb-4 flex items-start gap-3 rounded-xl border border-deny/30 bg-deny-soft p-4 text-sm">
      <Siren className="mt-0.5 size-4 shrink-0 text-deny" aria-hidden />
      <div className="min-w-0">
        <p className="font-semibold text-deny">
          Break-glass: {uses.data?.length === 1 ? 'a statement' : `${uses.data?.length} statements`} ran without approval in the last 7 days
        </p>
        <p className="break-words text-ink">
          {last.principalName} on {last.connectionName}, {agoText(last.at, nowMs)}: “{last.breakGlass}”.{' '}
          <Link href={`/audit/${last.id}`} className="text-accent-text underline underline-offset-4">
            Open the statement
          </Link>
        </p>
      </div>
    </div>
  );
}
