import type { StatementDetail } from '../data/types';
import { cx } from '../ui/classes';
import { durationText } from '../ui/time';

/** Where the time went: analysis, waiting for a person, and the database with masking. Parts are of the whole duration. */
export function Timings({ statement }: { statement: StatementDetail }) {
  const { durationMs, analysisMs, waitMs } = statement;
  if (durationMs === null) return <p className="text-sm text-ink-3">No outcome has been recorded yet.</p>;
  const rest = Math.max(0, durationMs - (analysisMs ?? 0) - (waitMs ?? 0));
  const parts = [
    { name: 'Analysis', ms: analysisMs ?? 0, fill: 'bg-accent' },
    { name: 'Waiting for a person', ms: waitMs ?? 0, fill: 'bg-hold-soft hatched ring-1 ring-inset ring-hold-solid' },
    { name: 'Database, masking and transfer', ms: rest, fill: 'bg-allow-solid/75' },
  ].filter((part) => part.ms > 0);
  return (
    <div className="grid gap-2.5">
      <div aria-hidden className="flex h-3 gap-px overflow-hidden rounded-md bg-sunken">
        {parts.map((part) => (
          <span key={part.name} className={cx('min-w-[3px]', part.fill)} style={{ flexGrow: part.ms }} />
        ))}
      </div>
      <ul className="flex flex-wrap gap-x-5 gap-y-1 text-xs text-ink-2">
        {parts.map((part) => (
          <li key={part.name} className="flex items-center gap-1.5 tabular-nums">
            <span aria-hidden className={cx('size-2.5 rounded-[3px]', part.fill)} />
            {part.name} {durationText(part.ms)}
          </li>
        ))}
      </ul>
    </div>
  );
}
