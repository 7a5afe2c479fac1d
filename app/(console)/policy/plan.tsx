import { CircleSlash, Info, Minus, PenLine, Plus, TriangleAlert, UserX } from 'lucide-react';
import type { PolicyChange } from '../../data/types';
import { Card } from '../../ui/card';
import { ErrorState } from '../../ui/states';

const LOOKS = {
  create: { icon: Plus, tone: 'text-allow', word: 'create' },
  update: { icon: PenLine, tone: 'text-accent-text', word: 'change' },
  delete: { icon: Minus, tone: 'text-deny', word: 'delete' },
  disable: { icon: UserX, tone: 'text-deny', word: 'disable' },
  none: { icon: CircleSlash, tone: 'text-ink-3', word: 'keep' },
} as const;

interface Planned {
  changes: readonly PolicyChange[];
  warnings: readonly string[];
}

interface Issue {
  line: number;
  column: number;
  path: string;
  message: string;
}

/** What applying the document would do, or where it is wrong. */
export function Plan({
  planned,
  issues,
  error,
  canEdit,
}: {
  planned: Planned | null;
  issues: readonly Issue[];
  error: { message: string } | null;
  canEdit: boolean;
}) {
  const changes = planned?.changes.filter((change) => change.change !== 'none') ?? [];
  return (
    <Card className="min-w-0 p-4 sm:p-5">
      <h2 className="text-base font-semibold tracking-tight">Plan</h2>
      <div role="status" className="mt-2 grid gap-3 text-sm">
        {error ? <ErrorState compact what="The policy was not applied" error={error} /> : null}
        {issues.length > 0 ? (
          <div className="grid gap-2">
            <p className="font-medium text-deny">
              {issues.length} {issues.length === 1 ? 'error' : 'errors'}. Nothing was changed.
            </p>
            <ul className="divide-y rounded-lg border">
              {issues.map((issue) => (
                <li key={`${issue.line}:${issue.column}:${issue.message}`} className="grid gap-0.5 px-3 py-2.5">
                  <span className="text-xs text-ink-2">
                    line {issue.line}, column {issue.column} · <code className="break-all font-mono">{issue.path}</code>
                  </span>
                  <span className="break-words">{issue.message}</span>
                </li>
              ))}
            </ul>
          </div>
        ) : null}
        {planned && changes.length === 0 ? <p className="text-ink-2">No change: the document says what is in force.</p> : null}
        {changes.length > 0 ? (
          <ul className="divide-y rounded-lg border">
            {changes.map((change) => {
              const look = LOOKS[change.change];
              return (
                <li key={`${change.kind} ${change.name}`} className="flex items-start gap-2.5 px-3 py-2.5">
                  <look.icon className={`mt-0.5 size-4 shrink-0 ${look.tone}`} aria-hidden />
                  <div className="min-w-0">
                    <p>
                      <span className={look.tone}>{look.word}</span> {change.kind}{' '}
                      <code className="break-all font-mono text-xs font-semibold">{change.name}</code>
                    </p>
                    {change.fields.length > 0 && change.change === 'update' ? (
                      <p className="text-xs text-ink-2">{change.fields.join(', ')}</p>
                    ) : null}
                  </div>
                </li>
              );
            })}
          </ul>
        ) : null}
        {planned?.warnings.map((warning) => (
          <p key={warning} className="flex items-start gap-2 rounded-lg bg-hold-soft px-3 py-2 text-hold">
            <TriangleAlert className="mt-0.5 size-4 shrink-0" aria-hidden />
            {warning}
          </p>
        ))}
        {planned === null && issues.length === 0 && error === null ? (
          <p className="flex items-start gap-2 text-ink-2">
            <Info className="mt-0.5 size-4 shrink-0 text-ink-3" aria-hidden />
            {canEdit
              ? 'Change the document, then plan. Passwords are written as $' + '{NAME} and read from the gateway’s environment.'
              : 'Only administrators can apply a policy.'}
          </p>
        ) : null}
      </div>
    </Card>
  );
}
