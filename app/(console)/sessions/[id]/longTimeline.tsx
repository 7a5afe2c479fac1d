'use client';
import { type KeyboardEvent, useMemo, useState } from 'react';
import type { TimelineBin } from '../../../data/types';
import { cx } from '../../../ui/classes';
import { durationText } from '../../../ui/time';
import { COUNTS, type Column, columnAt, columnsOf, countOf } from './columns';
import { FILLS, Key, Strip, WORDS } from './strip';
import { timeScale } from './timeScale';

const LOOKS: Record<(typeof COUNTS)[number], { fill: string; word: string }> = {
  allow: { fill: FILLS.allow, word: WORDS.allow },
  failed: { fill: 'bg-deny-soft ring-1 ring-inset ring-deny-solid', word: 'failed' },
  hold: { fill: FILLS.hold, word: WORDS.hold },
  deny: { fill: FILLS.deny, word: WORDS.deny },
};

/** A column, and the place it takes with what parts it from the next. */
const LEAST_PX = 4;
const PITCH_PX = 6;

interface LongTimelineProps {
  bins: readonly TimelineBin[];
  /** Of the session; there may be more than the bins count. */
  statements: number;
  /** There are more than were counted. */
  hasMore: boolean;
  startMs: number;
  endMs: number;
  selectedMs: number | null;
  /** When the first statement of a column began. */
  onSelect: (at: Date) => void;
}

/** How many statements ran when, what was held, denied or failed on top. A column leads to its first statement. */
export function LongTimeline({ bins, statements, hasMore, startMs, endMs, selectedMs, onSelect }: LongTimelineProps) {
  const stretches = useMemo(
    () =>
      timeScale(
        bins.map(({ from, to }) => ({ fromMs: from.getTime(), toMs: to.getTime() })),
        startMs,
        endMs,
      ),
    [bins, startMs, endMs],
  );
  const counted = bins.reduce((sum, { allow, failed, hold, deny }) => sum + allow + failed + hold + deny, 0);
  return (
    <Strip
      legend={<Legend counted={counted} statements={statements} hasMore={hasMore} />}
      stretches={stretches}
      idleText="in which nothing was sent"
      startMs={startMs}
      endMs={endMs}
      selectedMs={selectedMs}
    >
      {(place, widthPx) =>
        widthPx === null ? null : (
          <Columns
            columns={columnsOf(bins, stretches, Math.max(1, Math.floor(widthPx / PITCH_PX)))}
            {...{ place, startMs, selectedMs, onSelect }}
          />
        )
      }
    </Strip>
  );
}

interface ColumnsProps extends Pick<LongTimelineProps, 'startMs' | 'selectedMs' | 'onSelect'> {
  columns: readonly Column[];
  place: (ms: number) => number;
}

function Columns({ columns, place, startMs, selectedMs, onSelect }: ColumnsProps) {
  const selected = selectedMs === null ? -1 : columnAt(columns, selectedMs);
  const [focused, setFocused] = useState<number | null>(null);
  // One stop for the Tab key; arrows go on from there.
  const stop = Math.min(columns.length - 1, focused ?? Math.max(0, selected));
  const peak = Math.max(1, ...columns.map(countOf));
  const move = (event: KeyboardEvent<HTMLButtonElement>, index: number) => {
    const to = { ArrowLeft: index - 1, ArrowRight: index + 1, Home: 0, End: columns.length - 1 }[event.key];
    const next = to === undefined ? null : event.currentTarget.parentElement?.querySelector<HTMLElement>(`[data-column="${to}"]`);
    if (next == null) return;
    event.preventDefault();
    next.focus();
  };
  return columns.map((column, index) => {
    const [left, right] = [place(column.fromMs), place(column.toMs)];
    const text = `${countOf(column).toLocaleString()} ${countOf(column) === 1 ? 'statement' : 'statements'} ${durationText(Math.max(0, column.fromMs - startMs))} after the start: ${partsOf(column)}`;
    return (
      <button
        key={column.fromMs}
        type="button"
        tabIndex={index === stop ? 0 : -1}
        data-column={index}
        title={text}
        aria-label={text}
        aria-current={index === selected ? 'true' : undefined}
        onClick={() => onSelect(new Date(column.fromMs))}
        onFocus={() => setFocused(index)}
        onBlur={() => setFocused(null)}
        onKeyDown={(event) => move(event, index)}
        className={cx(
          'absolute bottom-4 top-3 flex flex-col justify-end gap-px rounded-[3px] -outline-offset-1 hover:bg-hover focus-visible:z-20',
          index === selected && 'z-10 outline-2 outline-offset-1 outline-ring',
        )}
        style={{ left: `min(${left}%, calc(100% - ${LEAST_PX + 1}px))`, width: `max(${LEAST_PX}px, calc(${right - left}% - 1px))` }}
      >
        {COUNTS.toReversed().map((key) =>
          column[key] === 0 ? null : (
            <span
              key={key}
              className={cx('min-h-[4px] w-full rounded-[1px] first:rounded-t-[3px]', LOOKS[key].fill)}
              style={{ height: `${(column[key] / peak) * 100}%` }}
            />
          ),
        )}
      </button>
    );
  });
}

const partsOf = (column: Column): string =>
  COUNTS.filter((key) => column[key] > 0)
    .map((key) => `${column[key].toLocaleString()} ${LOOKS[key].word}`)
    .join(', ');

const Legend = ({ counted, statements, hasMore }: { counted: number; statements: number; hasMore: boolean }) => (
  <>
    {COUNTS.map((key) => (
      <Key key={key} fill={cx('size-2.5', LOOKS[key].fill)}>
        {LOOKS[key].word}
      </Key>
    ))}
    {/* A moment's growth is no gap; only a session beyond what is counted has one. */}
    {counted >= 1_000_000 && (hasMore || statements > counted) ? (
      <span className="tabular-nums">
        the first {counted.toLocaleString()} of {statements.toLocaleString()}
        {hasMore ? '+' : ''}
      </span>
    ) : null}
  </>
);
