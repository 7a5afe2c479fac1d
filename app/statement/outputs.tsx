import { Ban, EyeOff, FlaskConical, Lightbulb } from 'lucide-react';
import type { CheckResult } from '../data/types';
import { Badge } from '../ui/badge';
import { sentence } from '../ui/states';
import { Table, Td, Th, Tr } from '../ui/table';
import { ColumnChip, ColumnChips, MaskingRuleLink } from './maskedColumn';

type Masking = CheckResult['statements'][number]['masking'];
type Explained = Omit<Masking, 'observed'>;
type Output = NonNullable<Masking['outputs']>[number];
type Step = Output['paths'][number][number];

/** How a statement meets masked columns: what each output column leaves as and why, or what it is refused for and what to write instead. */
export function MaskingExplained({ masking }: { masking: Masking }) {
  return (
    <section aria-label="Masking" className="grid min-w-0 gap-3">
      <Explanation masking={masking} label="Output columns" />
      {masking.observed ? (
        <div className="grid min-w-0 gap-2.5 rounded-lg border border-dashed border-line-strong p-3">
          <p className="flex flex-wrap items-center gap-2 text-xs text-ink-2">
            <Badge tone="accent">
              <FlaskConical aria-hidden />
              Observe only
            </Badge>
            {masking.observed.state === 'unresolved' ? 'Would be refused if those rules were enforced.' : 'Would be masked:'}
          </p>
          <Explanation masking={masking.observed} label="Output columns, if the rules that observe were enforced" />
        </div>
      ) : null}
    </section>
  );
}

function Explanation({ masking, label }: { masking: Explained; label: string }) {
  switch (masking.state) {
    case 'clean':
      return <p className="text-xs text-ink-3">Touches no masked column: everything leaves as it is.</p>;
    case 'unresolved':
      return <Refused masking={masking} />;
    case 'resolved':
      if (masking.outputs === null) return <p className="text-xs text-ink-3">Gives a plan, which shows no value of a masked column.</p>;
      if (masking.outputs.length === 0) return <p className="text-xs text-ink-3">Returns no columns.</p>;
      return <Outputs outputs={masking.outputs} label={label} />;
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

function Outputs({ outputs, label }: { outputs: readonly Output[]; label: string }) {
  return (
    <div className="min-w-0 rounded-lg border">
      <Table label={label} className="table-fixed">
        <thead>
          <tr>
            <Th className="w-9 pr-0">#</Th>
            <Th className="w-[38%]">Column</Th>
            <Th>Because</Th>
          </tr>
        </thead>
        <tbody>
          {outputs.map((output, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: two output columns may have one name
            <Tr key={index}>
              <Td className="pr-0 align-top text-xs tabular-nums text-ink-3">{index + 1}</Td>
              <Td className="align-top">
                <span className="grid justify-items-start gap-1.5">
                  <code className="break-all font-mono text-xs font-semibold">{output.name}</code>
                  <Leaves output={output} />
                </span>
              </Td>
              <Td className="align-top">
                <Because output={output} />
              </Td>
            </Tr>
          ))}
        </tbody>
      </Table>
    </div>
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
  if (output.state === 'plain') return <span className="text-xs text-ink-3">No masked column is behind it.</span>;
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
        <li key={step.column} className="flex flex-wrap items-baseline gap-x-1.5 gap-y-0.5 text-ink-3">
          <span>{step.by === null ? (copied ? 'copy of' : 'computed from') : WORDS[step.by]}</span>
          <ColumnChip column={step.column} masked={index === path.length - 1} />
        </li>
      ))}
    </ol>
  );
}
