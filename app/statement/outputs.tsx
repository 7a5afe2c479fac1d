import { Ban, EyeOff, FlaskConical, Lightbulb } from 'lucide-react';
import type { CheckResult } from '../data/types';
import { Badge } from '../ui/badge';
import { sentence } from '../ui/states';
import { ColumnChip, ColumnChips, MaskingRuleLink } from './maskedColumn';

type Masking = CheckResult['statements'][number]['masking'];
type Explained = Omit<Masking, 'observed'>;
type Output = NonNullable<Masking['outputs']>[number];
type Step = Output['paths'][number][number];

/** How a statement meets masked columns: what each output column leaves as and why, or what it is refused for and what to write instead. */
export function MaskingExplained({ masking }: { masking: Masking }) {
  return (
    <section aria-label="Masking" className="grid min-w-0 gap-3">
      <Explanation masking={masking} shown={numbered(masking.outputs)} label="Output columns" />
      {masking.observed ? (
        <div className="grid min-w-0 gap-2.5 rounded-lg border border-dashed border-line-strong p-3">
          <p className="flex flex-wrap items-center gap-2 text-xs text-ink-2">
            <Badge tone="accent">
              <FlaskConical aria-hidden />
              Observe only
            </Badge>
            {masking.observed.state === 'unresolved'
              ? 'It would be refused if those rules were enforced.'
              : 'Would be masked if those rules were enforced.'}
          </p>
          <Explanation
            masking={masking.observed}
            shown={numbered(masking.observed.outputs).filter(({ output, position }) => differs(output, masking.outputs?.[position - 1]))}
            label="Output columns that would be masked"
          />
        </div>
      ) : null}
    </section>
  );
}

const numbered = (outputs: Masking['outputs']): Numbered[] => (outputs ?? []).map((output, index) => ({ position: index + 1, output }));

/** Of a statement that touches nothing that is masked now, its outputs are not known: those that leave as they are did so before. */
const differs = (output: Output, now: Output | undefined): boolean =>
  now === undefined ? output.state !== 'plain' : output.leaves !== now.leaves || output.because !== now.because;

function Explanation({ masking, shown, label }: { masking: Explained; shown: readonly Numbered[]; label: string }) {
  switch (masking.state) {
    case 'clean':
      return <p className="text-xs text-ink-3">Touches no masked column: everything leaves as it is.</p>;
    case 'unresolved':
      return <Refused masking={masking} />;
    case 'resolved':
      if (masking.outputs === null) return <p className="text-xs text-ink-3">Gives a plan, which shows no value of a masked column.</p>;
      if (masking.outputs.length === 0) return <p className="text-xs text-ink-3">Returns no columns.</p>;
      return <Outputs outputs={shown} label={label} />;
    default:
      return masking.state satisfies never;
  }
}

function Refused({ masking }: { masking: Explained }) {
  return (
    <div className="grid gap-2.5 rounded-lg border border-deny/30 bg-deny-soft p-3 text-sm">
      <p className="flex items-start gap-2">
        <Ban className="mt-0.5 size-4 shrink-0 text-deny" aria-hidden />
        <span className="min-w-0 break-words">
          {sentence(masking.reason ?? 'masked values could leave in a way that cannot be traced')}
        </span>
      </p>
      {masking.columns.length > 0 ? (
        <div className="pl-6">
          <ColumnChips columns={masking.columns} />
        </div>
      ) : null}
      {masking.advice === undefined ? null : (
        <p className="flex items-start gap-2">
          <Lightbulb className="mt-0.5 size-4 shrink-0 text-ink-2" aria-hidden />
          <span className="min-w-0 break-words">{masking.advice}</span>
        </p>
      )}
    </div>
  );
}

interface Numbered {
  /** From 1, in the order of the result. */
  position: number;
  output: Output;
}

function Outputs({ outputs, label }: { outputs: readonly Numbered[]; label: string }) {
  return (
    <ol aria-label={label} className="grid min-w-0 divide-y rounded-lg border">
      {outputs.map(({ position, output }) => (
        <li key={position} className="grid grid-cols-[1.25rem_minmax(0,1fr)] gap-x-2 gap-y-2 px-3 py-2.5">
          <span className="text-xs leading-5.5 tabular-nums text-ink-3">{position}</span>
          <p className="flex flex-wrap items-center justify-between gap-x-3 gap-y-1">
            <code className="break-all font-mono text-xs font-semibold">{output.name}</code>
            <Leaves output={output} />
          </p>
          {output.state === 'plain' ? null : (
            <div className="col-start-2 min-w-0">
              <Because output={output} />
            </div>
          )}
        </li>
      ))}
    </ol>
  );
}

function Leaves({ output }: { output: Output }) {
  if (output.state === 'plain') return <span className="text-xs text-ink-3">{output.leaves}</span>;
  return (
    <Badge tone="mask" className="h-auto min-h-5.5 whitespace-normal py-0.5">
      <EyeOff aria-hidden />
      {output.leaves}
    </Badge>
  );
}

function Because({ output }: { output: Output }) {
  return (
    <div className="grid gap-2 text-xs">
      {output.paths.map((path) => (
        <Path key={path.map((step) => step.column).join(' ')} path={path} copied={output.state === 'copied'} />
      ))}
      <p className="flex flex-wrap items-baseline gap-x-1.5 text-ink-3">
        {output.rules.length > 1 ? 'rules' : 'rule'}
        {output.rules.map((rule) => (
          <MaskingRuleLink key={rule} name={rule} />
        ))}
      </p>
      {output.instead === null ? null : (
        <p className="flex items-start gap-1.5 text-ink-2">
          <Lightbulb className="mt-0.5 size-3.5 shrink-0" aria-hidden />
          {sentence(output.instead)}
        </p>
      )}
    </div>
  );
}

const WORDS: Record<NonNullable<Step['by']>, string> = {
  generated: 'generated from',
  view: 'view of',
  child: 'child of',
  parent: 'parent of',
  'foreign key': 'foreign key to',
  trigger: 'written by trigger of',
  'foreign table': 'may read',
};

/** From the output column back to the one a rule names, a line each. */
function Path({ path, copied }: { path: readonly Step[]; copied: boolean }) {
  return (
    <ol className="grid gap-1 border-l-2 border-mask/40 pl-2.5">
      {path.map((step, index) => (
        <li key={step.column} className="flex flex-wrap items-center gap-x-1.5 gap-y-0.5 text-ink-3">
          <span>{step.by === null ? (copied ? 'copy of' : 'computed from') : WORDS[step.by]}</span>
          <ColumnChip column={step.column} masked={index === path.length - 1} />
        </li>
      ))}
    </ol>
  );
}
