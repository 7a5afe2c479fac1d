import { CircleCheck, CircleX } from 'lucide-react';
import type { Check } from './recheck';

/** What was looked at, a line each, in icon and word. */
export const Checks = ({ checks }: { checks: readonly Check[] }) => (
  <ul className="grid gap-1.5 text-sm">
    {checks.map((check) => (
      <li key={check.what} className="flex items-start gap-2">
        {check.ok ? (
          <CircleCheck className="mt-0.5 size-4 shrink-0 text-allow" aria-hidden />
        ) : (
          <CircleX className="mt-0.5 size-4 shrink-0 text-deny" aria-hidden />
        )}
        <span className="min-w-0 break-words">
          <span className="sr-only">{check.ok ? 'Holds: ' : 'Does not hold: '}</span>
          {check.what}
        </span>
      </li>
    ))}
  </ul>
);
