'use client';
import { Minus, Plus } from 'lucide-react';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { StatementRow } from '../../../data/types';
import { oneLine } from '../../../sql/invisible';
import { Button } from '../../../ui/button';
import { cx } from '../../../ui/classes';
import { Scroll } from '../../../ui/scroll';
import { durationText } from '../../../ui/time';
import { placeOf, type Stretch, timeScale } from './timeScale';
import { transactionBands } from './transactions';

const FILLS = {
  allow: 'bg-allow-solid/80',
  hold: 'bg-hold-soft hatched ring-1 ring-inset ring-hold-solid',
  deny: 'bg-deny-solid crossed',
} as const;

const WORDS = { allow: 'allowed', hold: 'held', deny: 'denied' } as const;

const BANDS = {
  committed: 'border-accent/50 bg-accent-soft',
  'rolled back': 'border-dashed border-line-strong bg-sunken',
  open: 'border-accent/50 border-r-0 bg-accent-soft',
} as const;

const ZOOMS = [1, 2, 4, 8, 16, 32] as const;
/** A statement of a millisecond is still to be seen, and to be hit. */
const LEAST_PX = 5;

/** Nothing is known of its end yet: it lasts until now. */
const lasts = (row: StatementRow, endMs: number): number =>
  row.durationMs ?? (row.status === 'held' || row.status === 'running' ? Math.max(0, endMs - row.at.getTime()) : 0);

interface TimelineProps {
  /** In the order they ran. */
  statements: readonly StatementRow[];
  startMs: number;
  endMs: number;
  selectedId: string | null;
  onSelect: (id: string) => void;
}

/** Statements as bars over the session's time, holds hatched, transactions as bands behind them. The list beside it is the way by keyboard. */
export function Timeline({ statements, startMs, endMs, selectedId, onSelect }: TimelineProps) {
  const [zoom, setZoom] = useState(0);
  const scroller = useRef<HTMLDivElement>(null);
  const spans = useMemo(
    () => statements.map((row) => ({ fromMs: row.at.getTime(), toMs: row.at.getTime() + lasts(row, endMs) })),
    [statements, endMs],
  );
  const stretches = useMemo(() => timeScale(spans, startMs, endMs), [spans, startMs, endMs]);
  const bands = useMemo(() => transactionBands(statements, endMs), [statements, endMs]);
  const place = (ms: number) => placeOf(stretches, ms) * 100;
  const selected = statements.find((row) => row.id === selectedId);
  const selectedAt = selected === undefined ? null : placeOf(stretches, selected.at.getTime());
  // biome-ignore lint/correctness/useExhaustiveDependencies: a zoom keeps in sight what was chosen
  useEffect(() => {
    const area = scroller.current;
    if (area === null || selectedAt === null) return;
    area.scrollTo({ left: selectedAt * area.scrollWidth - area.clientWidth / 2 });
  }, [selectedAt, zoom]);
  return (
    <div className="grid gap-2">
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1.5">
        <Legend />
        <span className="flex items-center gap-1">
          <Button look="ghost" size="icon" aria-label="Zoom out" disabled={zoom === 0} onClick={() => setZoom(zoom - 1)}>
            <Minus aria-hidden />
          </Button>
          <span role="status" className="w-9 text-center text-xs tabular-nums text-ink-2">
            {ZOOMS[zoom]} ×
          </span>
          <Button look="ghost" size="icon" aria-label="Zoom in" disabled={zoom === ZOOMS.length - 1} onClick={() => setZoom(zoom + 1)}>
            <Plus aria-hidden />
          </Button>
        </span>
      </div>
      <Scroll ref={scroller} label="Timeline" className="rounded-lg border bg-sunken/60">
        <div className="relative h-24" style={{ width: `${(ZOOMS[zoom] ?? 1) * 100}%` }}>
          {stretches.map((stretch) => (stretch.idle ? <Idle key={stretch.fromMs} stretch={stretch} /> : null))}
          {bands.map((band) => (
            <div
              key={band.fromMs}
              title={`Transaction, ${band.outcome}, ${durationText(band.toMs - band.fromMs)}`}
              className={cx('absolute inset-y-2 overflow-hidden rounded-md border', BANDS[band.outcome])}
              style={{ left: `${place(band.fromMs)}%`, width: `max(${LEAST_PX * 2}px, ${place(band.toMs) - place(band.fromMs)}%)` }}
            >
              <span className="block truncate px-1.5 pt-0.5 text-[0.6875rem] text-ink-2">{band.outcome}</span>
            </div>
          ))}
          {statements.map((row) => {
            const left = place(row.at.getTime());
            const right = place(row.at.getTime() + lasts(row, endMs));
            return (
              <button
                key={row.id}
                type="button"
                tabIndex={-1}
                aria-hidden="true"
                data-statement={row.id}
                title={`${oneLine(row.sql, 80)} · ${WORDS[row.verdict]}${row.durationMs === null ? '' : ` · ${durationText(row.durationMs)}`}`}
                onClick={() => onSelect(row.id)}
                className={cx(
                  'absolute bottom-4 top-8 rounded-[3px] hover:top-7',
                  FILLS[row.verdict],
                  row.id === selectedId && 'z-10 outline-2 outline-offset-2 outline-ring',
                )}
                style={{ left: `min(${left}%, calc(100% - ${LEAST_PX + 1}px))`, width: `max(${LEAST_PX}px, ${right - left}%)` }}
              />
            );
          })}
        </div>
      </Scroll>
      <div aria-hidden className="flex justify-between text-xs tabular-nums text-ink-3">
        <span>start</span>
        <span>{durationText(Math.max(1, endMs - startMs))}</span>
      </div>
    </div>
  );
}

/** A gap that is cut short, and how long it is. */
const Idle = ({ stretch }: { stretch: Stretch }) => (
  <div
    className="absolute inset-y-0 grid place-items-center overflow-hidden border-x border-dashed bg-surface"
    style={{ left: `${stretch.from * 100}%`, width: `${(stretch.to - stretch.from) * 100}%` }}
    title={`${durationText(stretch.toMs - stretch.fromMs)} in which nothing ran`}
  >
    <span className="whitespace-nowrap text-[0.6875rem] text-ink-3 [writing-mode:vertical-rl]">
      {durationText(stretch.toMs - stretch.fromMs)}
    </span>
  </div>
);

const Legend = () => (
  <span className="flex flex-wrap gap-x-4 gap-y-1 text-xs text-ink-2">
    {(['allow', 'hold', 'deny'] as const).map((verdict) => (
      <span key={verdict} className="flex items-center gap-1.5">
        <span aria-hidden className={cx('size-2.5 rounded-[3px]', FILLS[verdict])} />
        {WORDS[verdict]}
      </span>
    ))}
    <span className="flex items-center gap-1.5">
      <span aria-hidden className={cx('h-3 w-4 rounded-[3px] border', BANDS.committed)} />
      transaction
    </span>
    <span className="flex items-center gap-1.5">
      <span aria-hidden className={cx('h-3 w-4 rounded-[3px] border', BANDS['rolled back'])} />
      rolled back
    </span>
  </span>
);
