import { CircleCheck, CircleDashed, CircleX, LoaderCircle, TriangleAlert } from 'lucide-react';
import { Fragment } from 'react';
import type { TestStage } from '../../data/types';
import { durationText } from '../../ui/time';

const LOOKS = {
  ok: { icon: CircleCheck, tone: 'text-allow', word: 'ok' },
  warn: { icon: TriangleAlert, tone: 'text-hold', word: 'warning' },
  failed: { icon: CircleX, tone: 'text-deny', word: 'failed' },
  skipped: { icon: CircleDashed, tone: 'text-ink-3', word: 'skipped' },
} as const;

/** The stages of a connection test: what each found, how long it took, what to do. */
export function Stages({ stages }: { stages: readonly TestStage[] | null }) {
  return (
    <section aria-label="Connection test" role="status" className="rounded-xl border">
      {stages === null ? (
        <p className="flex items-center gap-2 p-3.5 text-sm text-ink-2">
          <LoaderCircle className="size-4 animate-spin" aria-hidden />
          Testing…
        </p>
      ) : (
        <ol className="divide-y">
          {stages.map((stage) => {
            const look = LOOKS[stage.status];
            return (
              <li key={stage.name} className="flex items-start gap-2.5 px-3.5 py-2.5 text-sm">
                <look.icon className={`mt-0.5 size-4 shrink-0 ${look.tone}`} aria-hidden />
                <div className="min-w-0 flex-1">
                  <p className="flex gap-2">
                    <b className="font-semibold">{stage.name}</b>
                    <span className={`text-xs leading-5 ${look.tone}`}>{look.word}</span>
                    {stage.status === 'skipped' ? null : (
                      <span className="ml-auto text-xs tabular-nums leading-5 text-ink-3">{durationText(stage.durationMs)}</span>
                    )}
                  </p>
                  <p className="break-words text-ink-2">{stage.detail}</p>
                  {stage.facts ? <Facts facts={stage.facts} /> : null}
                  {stage.hint ? <p className="break-words font-medium">{stage.hint}</p> : null}
                </div>
              </li>
            );
          })}
        </ol>
      )}
    </section>
  );
}

function Facts({ facts }: { facts: NonNullable<TestStage['facts']> }) {
  return (
    <dl className="my-1.5 grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 gap-y-0.5 text-xs">
      {facts.map(({ label, value }) => (
        <Fragment key={label}>
          <dt className="text-ink-3">{label}</dt>
          <dd className="break-words text-ink-2">{value}</dd>
        </Fragment>
      ))}
    </dl>
  );
}
