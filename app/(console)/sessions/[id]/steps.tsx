'use client';
import { useLayoutEffect, useRef } from 'react';
import { Outcome } from '../../../statement/list';
import { Card } from '../../../ui/card';
import { Scroll } from '../../../ui/scroll';
import { SqlLine } from '../../../ui/sqlBlock';
import { ErrorState } from '../../../ui/states';
import { durationText, Time } from '../../../ui/time';
import type { SessionWindow } from './useWindow';

/** So close to an end of what is read, it is read on. */
const NEAR_PX = 800;

interface StepsProps {
  window: SessionWindow;
  /** Statements of the session. */
  count: number;
  /** There are more than were counted. */
  hasMore: boolean;
  selectedId: string | null;
  onSelect: (id: string) => void;
}

/** The session's statements in the order they ran, read on as one scrolls; the chosen one is what the replay shows. */
export function Steps({ window, count, hasMore, selectedId, onSelect }: StepsProps) {
  const { rows, first } = window;
  const list = useRef<HTMLDivElement>(null);
  /** The first statement in sight and where it stands: rows that come or go above it must not move it. */
  const kept = useRef<{ id: string; top: number } | null>(null);
  const shown = useRef<string | null>(null);
  const look = () => {
    const area = list.current;
    if (area === null) return;
    const steps = [...area.querySelectorAll<HTMLElement>('[data-step]')];
    const top = steps.find((step) => step.offsetTop + step.offsetHeight > area.scrollTop);
    kept.current = top?.dataset.step === undefined ? null : { id: top.dataset.step, top: top.offsetTop - area.scrollTop };
    if (area.scrollTop < NEAR_PX) window.readPrevious();
    else if (area.scrollHeight - area.clientHeight - area.scrollTop < NEAR_PX) window.readNext();
  };
  useLayoutEffect(() => {
    const area = list.current;
    if (area === null) return;
    const step = (id: string) => area.querySelector<HTMLElement>(`[data-step="${CSS.escape(id)}"]`);
    const before = kept.current === null ? null : step(kept.current.id);
    if (before !== null && kept.current !== null) area.scrollTop = before.offsetTop - kept.current.top;
    const chosen = selectedId === null || shown.current === selectedId ? null : step(selectedId);
    if (chosen !== null) {
      shown.current = selectedId;
      // Within the list alone: the page must not move under a reader while the replay goes on.
      if (chosen.offsetTop < area.scrollTop || chosen.offsetTop + chosen.offsetHeight > area.scrollTop + area.clientHeight)
        area.scrollTop = chosen.offsetTop - area.clientHeight / 3;
    }
    look();
  });
  return (
    <Card className="min-w-0 overflow-hidden">
      <h2 className="border-b px-4 py-3 text-sm font-semibold">
        Statements{' '}
        <span className="font-normal tabular-nums text-ink-3">
          {Math.max(count, first + rows.length).toLocaleString()}
          {hasMore ? '+' : ''}
        </span>
      </h2>
      <Scroll
        ref={list}
        label="Statements of this session"
        onScroll={look}
        className="relative max-h-[36rem] [overflow-anchor:none] max-lg:max-h-72"
      >
        <ol className="divide-y">
          {rows.map((row, index) => (
            <li key={row.id} data-step={row.id} aria-posinset={first + index + 1} aria-setsize={Math.max(count, first + rows.length)}>
              <button
                type="button"
                aria-current={row.id === selectedId ? 'step' : undefined}
                onClick={() => onSelect(row.id)}
                className="grid w-full gap-1 px-4 py-2 text-left -outline-offset-2 hover:bg-hover aria-[current=step]:bg-accent-soft"
              >
                <SqlLine sql={row.sql} />
                <span className="flex flex-wrap items-center gap-2 text-xs text-ink-2">
                  <Outcome row={row} />
                  <Time at={row.at} quiet />
                  <span className="tabular-nums">{row.durationMs === null ? '' : durationText(row.durationMs)}</span>
                </span>
              </button>
            </li>
          ))}
        </ol>
        {window.error === null || rows.length === 0 ? null : (
          <div className="p-3">
            <ErrorState compact what="The list could not be read on" error={window.error} effect="" onRetry={window.retry} />
          </div>
        )}
      </Scroll>
    </Card>
  );
}
