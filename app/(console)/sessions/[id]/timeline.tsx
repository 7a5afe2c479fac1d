'use client';
import type { StatementRow } from '../../../data/types';
import { oneLine } from '../../../sql/invisible';
import { cx } from '../../../ui/classes';
import { durationText } from '../../../ui/time';

const FILLS = {
  allow: 'bg-allow-solid/80',
  hold: 'bg-hold-soft hatched ring-1 ring-inset ring-hold-solid',
  deny: 'bg-deny-solid crossed',
} as const;

const WORDS = { allow: 'allowed', hold: 'held', deny: 'denied' } as const;

/** At most this many bars: more than the pixels of the strip would only paint over each other. */
const SHOWN_BARS = 400;

/**
 * Statements as bars from the session's start to its end, holds hatched. Idle time is most of a session, so time is scaled by its square
 * root from the latest moment back: what just happened has room.
 */
export function Timeline({
  statements,
  startMs,
  endMs,
  onOpen,
}: {
  statements: readonly StatementRow[];
  startMs: number;
  endMs: number;
  onOpen: (id: string) => void;
}) {
  const spanMs = Math.max(1, endMs - startMs);
  const place = (ms: number) => (1 - Math.sqrt(Math.min(1, Math.max(0, (endMs - ms) / spanMs)))) * 100;
  const bars = [...statements].sort((a, b) => b.at.getTime() - a.at.getTime()).slice(0, SHOWN_BARS);
  return (
    <div className="grid gap-2">
      <div className="relative h-12 overflow-hidden rounded-lg border bg-sunken">
        {bars.map((row) => {
          const fromMs = row.at.getTime();
          const left = place(fromMs);
          const right = place(
            Math.min(endMs, fromMs + (row.durationMs ?? (row.status === 'held' || row.status === 'running' ? endMs - fromMs : 0))),
          );
          return (
            <button
              key={row.id}
              type="button"
              tabIndex={-1}
              aria-hidden="true"
              title={`${oneLine(row.sql, 80)} · ${WORDS[row.verdict]}${row.durationMs === null ? '' : ` · ${durationText(row.durationMs)}`}`}
              onClick={() => onOpen(row.id)}
              className={cx('absolute inset-y-2 min-w-[5px] rounded-[3px] hover:inset-y-1', FILLS[row.verdict])}
              style={{ left: `min(${left}%, calc(100% - 6px))`, width: `${Math.max(0, right - left)}%` }}
            />
          );
        })}
      </div>
      <div className="flex flex-wrap justify-between gap-x-4 gap-y-1 text-xs text-ink-3">
        <span>start</span>
        <span className="flex flex-wrap gap-x-4 text-ink-2">
          {(['allow', 'hold', 'deny'] as const).map((verdict) => (
            <span key={verdict} className="flex items-center gap-1.5">
              <span aria-hidden className={cx('size-2.5 rounded-[3px]', FILLS[verdict])} />
              {WORDS[verdict]}
            </span>
          ))}
        </span>
        <span>{durationText(spanMs)}</span>
      </div>
    </div>
  );
}
