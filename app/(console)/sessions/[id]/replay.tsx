'use client';
import { useQuery } from '@tanstack/react-query';
import { ChevronLeft, ChevronRight, FileSearch, Pause, Play, RotateCcw } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useTRPC } from '../../../data/trpc';
import type { StatementRow } from '../../../data/types';
import { Outcome, rowsText } from '../../../statement/list';
import { ResultGrid } from '../../../statement/resultGrid';
import { Button } from '../../../ui/button';
import { Card } from '../../../ui/card';
import { Select } from '../../../ui/field';
import { Kbd } from '../../../ui/kbd';
import { SqlBlock } from '../../../ui/sqlBlock';
import { ErrorState, Skeleton } from '../../../ui/states';
import { durationText, Time } from '../../../ui/time';
import { useKeys, useKeysOn } from '../../approvals/keys';
import { NotRecorded } from './notRecorded';
import { dwellMs, SPEEDS } from './pace';
import { numberOf, type SessionWindow, useReadAhead } from './useWindow';

/** Statements that are read before the replay comes to them: at its fastest, some seconds of it. */
const AHEAD = 25;

interface ReplayProps {
  window: SessionWindow;
  /** Statements of the session. */
  count: number;
  /** There are more than were counted. */
  hasMore: boolean;
  /** Null: the first of the session. */
  onSelect: (id: string | null) => void;
  onOpen: (id: string) => void;
}

/** What the client saw, statement by statement, at its own pace or by hand. */
export function Replay({ window, count, hasMore, onSelect, onOpen }: ReplayProps) {
  const [playing, setPlaying] = useState(false);
  const [speed, setSpeed] = useState<number>(1);
  const [keysOn] = useKeysOn();
  useReadAhead(window, AHEAD);
  const { rows, index } = window;
  const row = rows[index];
  const next = row === undefined ? undefined : rows[index + 1];
  const atStart = numberOf(window) <= 1;
  const atEnd = row !== undefined && next === undefined && !window.hasNext;
  const nextId = next?.id;
  const restMs = row === undefined || next === undefined ? 0 : dwellMs(row.at.getTime(), next.at.getTime(), speed);
  useEffect(() => {
    if (!playing) return;
    if (atEnd) setPlaying(false);
    if (nextId === undefined) return;
    const timer = setTimeout(() => onSelect(nextId), restMs);
    return () => clearTimeout(timer);
  }, [playing, atEnd, nextId, restMs, onSelect]);
  const toggle = () => {
    if (!playing && atEnd) onSelect(null);
    setPlaying(!playing);
  };
  const step = (by: 1 | -1) => {
    setPlaying(false);
    const target = index < 0 ? undefined : rows[index + by];
    if (target !== undefined) onSelect(target.id);
  };
  useKeys({ j: () => step(1), k: () => step(-1), p: toggle }, keysOn);
  if (row === undefined) return <Waiting window={window} onSelect={onSelect} />;
  const number = numberOf(window);
  const all = Math.max(count, window.first + rows.length);
  return (
    <Card className="grid min-w-0 content-start">
      <div className="flex flex-wrap items-center gap-1.5 border-b px-4 py-2">
        <h2 className="mr-auto text-sm font-semibold">Replay</h2>
        <Button look="ghost" size="icon" aria-label="Previous statement" disabled={atStart} onClick={() => step(-1)}>
          <ChevronLeft aria-hidden />
        </Button>
        <Button look="primary" size="sm" onClick={toggle}>
          {playing ? <Pause aria-hidden /> : atEnd ? <RotateCcw aria-hidden /> : <Play aria-hidden />}
          {playing ? 'Pause replay' : atEnd ? 'Replay from start' : 'Play replay'}
        </Button>
        <Button look="ghost" size="icon" aria-label="Next statement" disabled={atEnd} onClick={() => step(1)}>
          <ChevronRight aria-hidden />
        </Button>
        <Select
          aria-label="Replay speed"
          className="h-8 w-auto"
          value={String(speed)}
          onChange={(event) => setSpeed(Number(event.target.value))}
        >
          {SPEEDS.map((one) => (
            <option key={one} value={String(one)}>
              {one} ×
            </option>
          ))}
        </Select>
      </div>
      <div className="h-1 bg-sunken" aria-hidden>
        <div className="h-full bg-accent transition-[width]" style={{ width: `${(number / all) * 100}%` }} />
      </div>
      <div className="grid min-w-0 gap-4 p-4 sm:p-5">
        <div className="flex flex-wrap items-center gap-2 text-sm text-ink-2">
          <span className="tabular-nums" role="status">
            Statement {number.toLocaleString()} of {all.toLocaleString()}
            {hasMore ? '+' : ''}
          </span>
          <Outcome row={row} />
          <Time at={row.at} />
          <span className="tabular-nums">
            {row.rows === null ? '' : `${rowsText(row.rows)} ${row.rows === 1 ? 'row' : 'rows'}`}
            {row.durationMs === null ? '' : ` in ${durationText(row.durationMs)}`}
          </span>
          <Button size="sm" look="ghost" className="ml-auto" onClick={() => onOpen(row.id)}>
            <FileSearch aria-hidden />
            Open record
          </Button>
        </div>
        <SqlBlock key={row.id} sql={row.sql} />
        <Seen row={row} />
        {window.error === null || next !== undefined ? null : (
          <ErrorState compact what="The next statements could not be read" error={window.error} effect="" onRetry={window.retry} />
        )}
        <p className="flex flex-wrap items-center gap-1.5 text-xs text-ink-3 max-lg:hidden">
          <Kbd>j</Kbd> next <Kbd>k</Kbd> previous <Kbd>p</Kbd> play or pause
        </p>
      </div>
    </Card>
  );
}

/** The chosen statement is on its way, or there is none of that name. */
function Waiting({ window, onSelect }: Pick<ReplayProps, 'window' | 'onSelect'>) {
  return (
    <Card className="grid min-w-0 content-start gap-4 p-4 sm:p-5">
      {window.error === null ? (
        <div role="status" aria-label="Loading statement" className="grid gap-4">
          <Skeleton className="h-6 w-56" />
          <Skeleton className="h-40" />
        </div>
      ) : (
        <>
          <ErrorState compact what="This statement could not be shown" error={window.error} effect="" onRetry={window.retry} />
          <Button className="justify-self-start" onClick={() => onSelect(null)}>
            <RotateCcw aria-hidden />
            Show first statement
          </Button>
        </>
      )}
    </Card>
  );
}

/** The rows that left for the client, every mask applied, or why there are none. */
function Seen({ row }: { row: StatementRow }) {
  const trpc = useTRPC();
  const results = useQuery(trpc.audit.results.queryOptions({ statementId: row.id }, { staleTime: 60_000 }));
  if (results.error && !results.data)
    return (
      <ErrorState
        compact
        what="What the client saw could not be read"
        error={results.error}
        effect=""
        onRetry={() => void results.refetch()}
      />
    );
  if (results.isPending) return <Skeleton className="h-24" />;
  if (results.data) return <ResultGrid result={results.data} />;
  if (row.sqlstate !== null)
    return (
      <p className="rounded-lg border border-deny/30 bg-deny-soft px-3 py-2.5 text-sm">
        The client saw an error, SQLSTATE <b className="font-mono font-semibold">{row.sqlstate}</b>, and no rows.
      </p>
    );
  return <NotRecorded row={row} />;
}
