import type { StatementDetail } from '../data/types';
import { cx } from '../ui/classes';
import { durationText } from '../ui/time';

/** Where the time went, as far as it was measured: analysis, waiting for a person, the database, masking. Parts are of the whole duration. */
export function Timings({ statement }: { statement: StatementDetail }) {
  const { durationMs, analysisMs, waitMs, upstreamMs, maskingMs } = statement;
  if (durationMs === null) return <p className="text-sm text-ink-3">No outcome has been recorded yet.</p>;
  const known = (analysisMs ?? 0) + (waitMs ?? 0) + (upstreamMs ?? 0) + (maskingMs ?? 0);
  const rest = Math.max(0, durationMs - known);
  const parts = [
    { name: 'Analysis', ms: analysisMs ?? 0, fill: 'bg-accent' },
    { name: 'Waiting for a person', ms: waitMs ?? 0, fill: 'bg-hold-soft hatched ring-1 ring-inset ring-hold-solid' },
    { name: 'Until the database answered', ms: upstreamMs ?? 0, fill: 'bg-allow-solid/75' },
    { name: 'Masking', ms: maskingMs ?? 0, fill: 'bg-mask crossed' },
    { name: upstreamMs === null ? 'Database, masking and transfer' : 'Transfer', ms: rest, fill: 'bg-line-strong/70' },
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
