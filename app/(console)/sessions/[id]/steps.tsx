'use client';
import Link from 'next/link';
import { useEffect, useRef } from 'react';
import type { StatementRow } from '../../../data/types';
import { Outcome } from '../../../statement/list';
import { Card } from '../../../ui/card';
import { Scroll } from '../../../ui/scroll';
import { SqlLine } from '../../../ui/sqlBlock';
import { durationText, Time } from '../../../ui/time';

interface StepsProps {
  /** In the order they ran. */
  statements: readonly StatementRow[];
  /** Statements of the session beyond these. */
  more: number;
  selectedId: string | null;
  onSelect: (id: string) => void;
}

/** The session's statements in the order they ran; the chosen one is what the replay shows. */
export function Steps({ statements, more, selectedId, onSelect }: StepsProps) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const area = list.current;
    const row = area?.querySelector<HTMLElement>('[aria-current="step"]');
    // Within the list alone: the page must not move under a reader while the replay goes on.
    if (
      area &&
      row &&
      selectedId !== null &&
      (row.offsetTop < area.scrollTop || row.offsetTop + row.offsetHeight > area.scrollTop + area.clientHeight)
    )
      area.scrollTo({ top: row.offsetTop - area.clientHeight / 3 });
  }, [selectedId]);
  return (
    <Card className="min-w-0 overflow-hidden">
      <h2 className="border-b px-4 py-3 text-sm font-semibold">
        Statements <span className="font-normal tabular-nums text-ink-3">{(statements.length + Math.max(0, more)).toLocaleString()}</span>
      </h2>
      <Scroll ref={list} label="Statements of this session" className="relative max-h-[36rem] max-lg:max-h-72">
        <ol className="divide-y">
          {statements.map((row) => (
            <li key={row.id}>
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
        {more > 0 ? (
          <p className="border-t px-4 py-3 text-xs text-ink-2">
            {more.toLocaleString()} more:{' '}
            <Link href={`/audit?q=session:${statements[0]?.sessionId}&range=all`} className="text-accent-text underline underline-offset-4">
              search them in the audit
            </Link>
          </p>
        ) : null}
      </Scroll>
    </Card>
  );
}
