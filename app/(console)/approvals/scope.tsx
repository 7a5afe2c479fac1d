'use client';
import type { ApprovalScope, RequestDetail } from '../../data/types';
import { useMedia } from '../../ui/media';

export const ONCE: ApprovalScope = { kind: 'once' };
const MAX_MINUTES = 24 * 60;

interface Props {
  request: RequestDetail;
  scope: ApprovalScope;
  onChange: (scope: ApprovalScope) => void;
  disabled: boolean;
}

/** How far the approval reaches: folded away where the card needs the room. */
export function ScopeChoice(props: Props) {
  const roomy = useMedia('(min-width: 40rem)');
  if (props.request.grantable === 'no') return null;
  if (roomy) return <Choices {...props} />;
  return (
    <details className="text-sm">
      <summary className="flex min-h-11 items-center gap-1 text-accent-text">Approval reaches: {wordsOf(props.scope)}</summary>
      <Choices {...props} />
    </details>
  );
}

const wordsOf = (scope: ApprovalScope): string =>
  scope.kind === 'once' ? 'once' : scope.kind === 'session' ? 'this session' : `${scope.minutes} min`;

/** One run unless something else is chosen; every reviewer has to choose it. */
function Choices({ request, scope, onChange, disabled }: Props) {
  const what = request.grantable === 'shape' ? 'This shape' : 'This exact text';
  const minutes = scope.kind === 'minutes' ? scope.minutes : 15;
  const option = (value: ApprovalScope, label: string) => (
    <label className="inline-flex items-center gap-1.5 max-sm:min-h-11">
      <input
        type="radio"
        name={`scope-${request.id}`}
        checked={scope.kind === value.kind}
        onChange={() => onChange(value)}
        className="size-4 accent-accent"
      />
      {label}
    </label>
  );
  return (
    <fieldset className="flex flex-wrap items-center gap-x-4 gap-y-1 text-sm" disabled={disabled}>
      <legend className="sr-only">How far the approval reaches</legend>
      {option(ONCE, 'Once')}
      {option({ kind: 'session' }, `${what}, this session`)}
      <span className="inline-flex items-center gap-1.5">
        {option({ kind: 'minutes', minutes }, `${what}, for`)}
        <input
          type="number"
          inputMode="numeric"
          aria-label="Minutes"
          min={1}
          max={MAX_MINUTES}
          value={minutes}
          onChange={(event) => {
            const next = Math.round(event.target.valueAsNumber);
            if (next >= 1 && next <= MAX_MINUTES) onChange({ kind: 'minutes', minutes: next });
          }}
          className="h-8 w-16 rounded-md border border-line-strong/70 bg-surface px-2 text-sm tabular-nums max-sm:h-11"
        />
        <span>min</span>
      </span>
      {scope.kind !== 'once' && request.required > 1 ? (
        <span className="text-xs text-ink-3">Reaches no further than every reviewer chooses.</span>
      ) : null}
    </fieldset>
  );
}
