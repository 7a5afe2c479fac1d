'use client';
import { Clock } from 'lucide-react';
import type { RequestRow } from '../../data/types';
import { Badge } from '../../ui/badge';
import { cx } from '../../ui/classes';
import { SqlLine } from '../../ui/sqlBlock';
import { agoText, countdownText } from '../../ui/time';
import { RequestBadge } from '../../ui/verdict';

interface RowProps {
  row: RequestRow;
  href: string;
  selected: boolean;
  focused: boolean;
  nowMs: number;
  onOpen: () => void;
}

export const rowElementId = (id: string) => `row-${id}`;

/** One request of the queue. A plain link, so that it opens in a new tab too. */
export function QueueRow({ row, href, selected, focused, nowMs, onOpen }: RowProps) {
  const pending = row.status === 'pending';
  return (
    <li>
      <a
        id={rowElementId(row.id)}
        href={href}
        aria-current={selected ? 'true' : undefined}
        onClick={(event) => {
          if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
          event.preventDefault();
          onOpen();
        }}
        className={cx(
          'grid gap-1.5 border-l-2 border-transparent px-4 py-3 -outline-offset-2 hover:bg-hover',
          focused && 'border-l-line-strong bg-hover',
          selected && 'border-l-accent bg-accent-soft hover:bg-accent-soft',
        )}
      >
        <span className="flex items-center gap-2">
          <RequestBadge status={row.status} />
          {row.required > 1 ? (
            <Badge tone="outline">
              {row.approvals} of {row.required}
            </Badge>
          ) : null}
          <span
            className={cx(
              'ml-auto flex items-center gap-1 text-xs tabular-nums',
              pending && row.expiresAt.getTime() - nowMs < 60_000 ? 'font-semibold text-deny' : 'text-ink-2',
            )}
          >
            {pending ? (
              <>
                <Clock className="size-3.5" aria-hidden />
                <span className="sr-only">expires in </span>
                {countdownText(row.expiresAt.getTime() - nowMs)}
              </>
            ) : (
              agoText(row.decidedAt ?? row.createdAt, nowMs)
            )}
          </span>
        </span>
        <SqlLine sql={row.sql} />
        <span className="truncate text-xs text-ink-2">
          <b className="font-semibold text-ink">{row.principalName}</b>
          {row.ownerName ? ` for ${row.ownerName}` : ''} on <b className="font-semibold text-ink">{row.connectionName}</b>
          {pending ? ` · ${agoText(row.createdAt, nowMs)}` : ` · ${row.rule}`}
        </span>
      </a>
    </li>
  );
}
