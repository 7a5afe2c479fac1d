import { Check, Minus } from 'lucide-react';
import Link from 'next/link';
import type { RuleTrial } from '../../db/schema/shapes';
import { Badge } from '../ui/badge';
import { cx } from '../ui/classes';

const ACTIONS = { allow: 'allows', hold: 'holds', deny: 'denies' } as const;

/** Every rule that was looked at, in order, and why it matched or not. */
export function TriedRules({ tried, decided }: { tried: readonly RuleTrial[]; decided: string | null }) {
  if (tried.length === 0) return <p className="text-sm text-ink-3">No rule was tried; the connection’s default decided.</p>;
  return (
    <ol className="grid divide-y rounded-lg border">
      {tried.map((trial) => (
        <li key={trial.rule} className={cx('flex items-start gap-2.5 px-3 py-2.5 text-sm', !trial.matched && 'text-ink-3')}>
          {trial.matched ? (
            <Check className="mt-0.5 size-4 shrink-0 text-accent-text" aria-hidden />
          ) : (
            <Minus className="mt-0.5 size-4 shrink-0" aria-hidden />
          )}
          <div className="min-w-0 flex-1">
            <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
              <RuleLink name={trial.rule} />
              <span className="text-xs">
                {trial.matched ? 'matched' : 'did not match'} · {ACTIONS[trial.action]}
                {trial.mode === 'observe' ? ' · observe only' : ''}
              </span>
              {trial.rule === decided ? <Badge tone="accent">decided</Badge> : null}
            </p>
            <p className="mt-0.5 break-words text-xs text-ink-2">{trial.why}</p>
          </div>
        </li>
      ))}
    </ol>
  );
}

export const RuleLink = ({ name }: { name: string }) => (
  <Link
    href={`/rules?rule=${encodeURIComponent(name)}`}
    className="font-mono text-xs font-semibold text-accent-text underline-offset-4 hover:underline"
  >
    {name}
  </Link>
);
