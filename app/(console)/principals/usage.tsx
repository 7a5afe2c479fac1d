'use client';
import { useQuery } from '@tanstack/react-query';
import { useTRPC } from '../../data/trpc';
import { ErrorState, SkeletonRows } from '../../ui/states';
import { Time } from '../../ui/time';

/** What a principal has used of its budgets, with a bar for each. */
export function Usage({ principalId }: { principalId: string }) {
  const trpc = useTRPC();
  const usage = useQuery(trpc.principals.usage.queryOptions({ id: principalId }, { refetchInterval: 5_000 }));
  if (usage.isPending) return <SkeletonRows rows={2} label="Loading what was used" />;
  if (usage.error && !usage.data)
    return <ErrorState compact what="What was used could not be loaded" error={usage.error} onRetry={() => void usage.refetch()} />;
  if (usage.data.periods.length === 0) return <p className="text-sm text-ink-3">No budget: nothing is counted.</p>;
  return (
    <div className="grid gap-4">
      {usage.data.periods.map(({ period, endsAt, amounts }) => (
        <div key={period} className="grid gap-2.5">
          <p className="text-xs text-ink-2">
            This {period}, until <Time at={endsAt} />
          </p>
          {amounts.map((one) => (
            <Amount key={one.amount} {...one} period={period} />
          ))}
        </div>
      ))}
    </div>
  );
}

function Amount({ words, used, limit, period }: { words: string; used: number; limit: number; period: string }) {
  const share = Math.min(1, used / limit);
  const tone = share >= 1 ? 'bg-deny' : share >= 0.8 ? 'bg-hold' : 'bg-accent';
  const says = `${used.toLocaleString()} of ${limit.toLocaleString()} ${words}`;
  return (
    <div>
      <p className="flex justify-between gap-3 text-sm">
        <span className="first-letter:uppercase">{words}</span>
        <span className="tabular-nums text-ink-2">
          {used.toLocaleString()} / {limit.toLocaleString()}
          {share >= 1 ? <span className="ml-1.5 font-semibold text-deny">used up</span> : null}
        </span>
      </p>
      {/* biome-ignore lint/a11y/useSemanticElements: browsers draw <meter> in colours of their own, in dark mode unreadably */}
      <div
        role="meter"
        aria-label={`${words} this ${period}`}
        aria-valuemin={0}
        aria-valuemax={limit}
        aria-valuenow={Math.min(used, limit)}
        aria-valuetext={says}
        className="mt-1 h-1.5 overflow-hidden rounded-full bg-sunken"
      >
        <div className={`h-full rounded-full ${tone}`} style={{ width: `${share * 100}%` }} />
      </div>
    </div>
  );
}
