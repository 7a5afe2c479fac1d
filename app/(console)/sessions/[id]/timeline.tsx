'use client';
import { useMemo } from 'react';
import type { StatementRow } from '../../../data/types';
import { oneLine } from '../../../sql/invisible';
import { cx } from '../../../ui/classes';
import { durationText } from '../../../ui/time';
import { FILLS, Key, Strip, WORDS } from './strip';
import { timeScale } from './timeScale';
import { transactionBands } from './transactions';

const BANDS = {
  committed: 'border-accent/50 bg-accent-soft',
  'rolled back': 'border-dashed border-line-strong bg-sunken',
  open: 'border-accent/50 border-r-0 bg-accent-soft',
} as const;

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
  const spans = useMemo(
    () => statements.map((row) => ({ fromMs: row.at.getTime(), toMs: row.at.getTime() + lasts(row, endMs) })),
    [statements, endMs],
  );
  const stretches = useMemo(() => timeScale(spans, startMs, endMs), [spans, startMs, endMs]);
  const bands = useMemo(() => transactionBands(statements, endMs), [statements, endMs]);
  const selected = statements.find((row) => row.id === selectedId);
  return (
    <Strip
      legend={<Legend />}
      stretches={stretches}
      idleText="in which nothing ran"
      startMs={startMs}
      endMs={endMs}
      selectedMs={selected?.at.getTime() ?? null}
    >
      {(place) => (
        <>
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
        </>
      )}
    </Strip>
  );
}

const Legend = () => (
  <>
    {(['allow', 'hold', 'deny'] as const).map((verdict) => (
      <Key key={verdict} fill={cx('size-2.5', FILLS[verdict])}>
        {WORDS[verdict]}
      </Key>
    ))}
    <Key fill={cx('h-3 w-4 border', BANDS.committed)}>transaction</Key>
    <Key fill={cx('h-3 w-4 border', BANDS['rolled back'])}>rolled back</Key>
  </>
);
