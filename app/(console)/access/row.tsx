'use client';
import type { AccessRequestRow } from '../../data/types';
import { Badge } from '../../ui/badge';
import { cx } from '../../ui/classes';
import { Time } from '../../ui/time';
import { Doings } from './decide';
import { durationWords, STATUS_WORDS } from './words';

/** One request: who, what, why, until when, and what the viewer may do with it. */
export function Row({ row, marked }: { row: AccessRequestRow; marked: boolean }) {
  const { words, tone } = STATUS_WORDS[row.status];
  const live = row.status === 'pending' || row.status === 'approved';
  return (
    <li
      id={row.id}
      aria-current={marked ? 'true' : undefined}
      className={cx('flex flex-wrap items-start justify-between gap-x-6 gap-y-3 px-4 py-4 text-sm sm:px-5', marked && 'bg-accent-soft')}
    >
      <div className="grid min-w-0 flex-1 basis-64 gap-1">
        <h3 className="flex flex-wrap items-center gap-2 text-base font-semibold">
          {row.principalName}
          <span className="text-sm font-normal text-ink-2">
            {row.ownerName === null ? '' : `for ${row.ownerName} `}to {row.connectionName}
          </span>
          <Badge tone={tone}>{words}</Badge>
          {row.status === 'pending' && row.required > 1 ? (
            <Badge tone="outline">
              {row.approvals} of {row.required} approvals
            </Badge>
          ) : null}
        </h3>
        <p className="break-words text-ink-2">“{row.reason}”</p>
        <p className="text-xs text-ink-3">
          {durationWords(row.durationMs)} · asked <Time at={row.createdAt} quiet />
          {row.status === 'pending' ? (
            <>
              {' '}
              · decided by {row.reviewerGroups.join(' or ') || 'any reviewer'} before <Time at={row.expiresAt} quiet />
            </>
          ) : null}
          {row.status === 'approved' && row.grantedUntil !== null ? (
            <>
              {' '}
              · until <Time at={row.grantedUntil} quiet />
            </>
          ) : null}
          {!live && (row.endedAt ?? row.decidedAt) !== null ? (
            <>
              {' '}
              · {words.toLowerCase()} <Time at={row.endedAt ?? row.decidedAt ?? row.createdAt} quiet />
              {row.endedBy === null ? '' : ` by ${row.endedBy}`}
            </>
          ) : null}
        </p>
      </div>
      {live ? <Doings row={row} /> : null}
    </li>
  );
}
