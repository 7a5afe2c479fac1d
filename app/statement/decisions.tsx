import { CircleCheck, CircleX } from 'lucide-react';
import { Time } from '../ui/time';

interface Decision {
  id: string;
  reviewerName: string;
  decision: 'approve' | 'reject';
  reason: string | null;
  at: Date;
  scope?: { kind: 'once' } | { kind: 'session' } | { kind: 'minutes'; minutes: number } | null;
  passkey?: { id: string; name: string } | null;
}

/** Who decided what, when, and why. */
export function Decisions({ decisions }: { decisions: readonly Decision[] }) {
  return (
    <ul className="grid gap-2">
      {decisions.map((decision) => (
        <li key={decision.id} className="flex items-start gap-2.5 text-sm">
          {decision.decision === 'approve' ? (
            <CircleCheck className="mt-0.5 size-4 shrink-0 text-allow" aria-hidden />
          ) : (
            <CircleX className="mt-0.5 size-4 shrink-0 text-deny" aria-hidden />
          )}
          <div className="min-w-0">
            <p>
              <b className="font-semibold">{decision.reviewerName}</b> {decision.decision === 'approve' ? 'approved' : 'rejected'} at{' '}
              <Time at={decision.at} />
              {decision.scope?.kind === 'session' ? ', for the session' : ''}
              {decision.scope?.kind === 'minutes' ? `, for ${decision.scope.minutes} min` : ''}
              {decision.passkey ? (
                <>
                  , confirmed with passkey <span title={decision.passkey.id}>“{decision.passkey.name}”</span>
                </>
              ) : null}
            </p>
            {decision.reason ? <p className="break-words text-ink-2">“{decision.reason}”</p> : null}
          </div>
        </li>
      ))}
    </ul>
  );
}
