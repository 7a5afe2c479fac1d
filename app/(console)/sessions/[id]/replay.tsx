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

interface ReplayProps {
  /** In the order they ran. */
  statements: readonly StatementRow[];
  selectedId: string | null;
  onSelect: (id: string) => void;
  onOpen: (id: string) => void;
}

/** What the client saw, statement by statement, at its own pace or by hand. */
export function Replay({ statements, selectedId, onSelect, onOpen }: ReplayProps) {
  const [playing, setPlaying] = useState(false);
  const [speed, setSpeed] = useState<number>(1);
  const [keysOn] = useKeysOn();
  const index = Math.max(
    0,
    statements.findIndex((row) => row.id === selectedId),
  );
  const row = statements[index];
  const next = statements[index + 1];
  const go = (to: number) => {
    const target = statements[to];
    if (target !== undefined) onSelect(target.id);
  };
  useEffect(() => {
    if (!playing || row === undefined) return;
    if (next === undefined) {
      setPlaying(false);
      return;
    }
    const timer = setTimeout(() => onSelect(next.id), dwellMs(row.at.getTime(), next.at.getTime(), speed));
    return () => clearTimeout(timer);
  }, [playing, row, next, speed, onSelect]);
  const toggle = () => {
    if (!playing && next === undefined) go(0);
    setPlaying(!playing);
  };
  const step = (by: 1 | -1) => {
    setPlaying(false);
    go(index + by);
  };
  useKeys({ j: () => step(1), k: () => step(-1), p: toggle }, keysOn);
  if (row === undefined) return null;
  return (
    <Card className="grid min-w-0 content-start">
      <div className="flex flex-wrap items-center gap-1.5 border-b px-4 py-2">
        <h2 className="mr-auto text-sm font-semibold">Replay</h2>
        <Button look="ghost" size="icon" aria-label="Previous statement" disabled={index === 0} onClick={() => step(-1)}>
          <ChevronLeft aria-hidden />
        </Button>
        <Button look="primary" size="sm" onClick={toggle}>
          {playing ? <Pause aria-hidden /> : next === undefined ? <RotateCcw aria-hidden /> : <Play aria-hidden />}
          {playing ? 'Pause replay' : next === undefined ? 'Replay from start' : 'Play replay'}
        </Button>
        <Button look="ghost" size="icon" aria-label="Next statement" disabled={next === undefined} onClick={() => step(1)}>
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
        <div className="h-full bg-accent transition-[width]" style={{ width: `${((index + 1) / statements.length) * 100}%` }} />
      </div>
      <div className="grid min-w-0 gap-4 p-4 sm:p-5">
        <div className="flex flex-wrap items-center gap-2 text-sm text-ink-2">
          <span className="tabular-nums" role="status">
            Statement {(index + 1).toLocaleString()} of {statements.length.toLocaleString()}
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
        <p className="flex flex-wrap items-center gap-1.5 text-xs text-ink-3 max-lg:hidden">
          <Kbd>j</Kbd> next <Kbd>k</Kbd> previous <Kbd>p</Kbd> play or pause
        </p>
      </div>
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
