'use client';
import { ArrowUp, CircleCheckBig, Keyboard, KeyRound, Search, ShieldQuestion } from 'lucide-react';
import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { type ReactNode, useRef, useState } from 'react';
import type { RequestRow } from '../../data/types';
import { Button } from '../../ui/button';
import { Card } from '../../ui/card';
import { Input } from '../../ui/field';
import { Page } from '../../ui/frame';
import { Kbd } from '../../ui/kbd';
import { useMedia } from '../../ui/media';
import { Empty, ErrorState, SkeletonRows } from '../../ui/states';
import { useNow } from '../../ui/time';
import { useDecide } from './decide';
import { QueueEmpty } from './empty';
import { KeysHelp } from './help';
import { useKeys, useKeysOn } from './keys';
import { matchesFilter } from './merge';
import { DrawerPanel, SidePanel, useRequest } from './panel';
import { QueueRow, rowElementId } from './row';
import { useQueue } from './useQueue';

const idOf = (pathname: string): string | null => /^\/approvals\/([^/]+)/.exec(pathname)?.[1] ?? null;

/** The page a reviewer keeps open: a list that holds still, a card beside it, and keys for all of it. */
export function Queue() {
  const queue = useQueue();
  const openId = idOf(usePathname());
  const [focusedId, setFocusedId] = useState<string | null>(null);
  const [filter, setFilter] = useState('');
  const [help, setHelp] = useState(false);
  const [keysOn, setKeysOn] = useKeysOn();
  const filterBox = useRef<HTMLInputElement>(null);
  const wide = useMedia('(min-width: 64rem)');
  const decide = useDecide(useRequest(openId).data);

  const waiting = queue.waiting.filter((row) => matchesFilter(row, filter));
  const decided = queue.decided.filter((row) => matchesFilter(row, filter));
  const rows = [...waiting, ...decided];
  const currentId = openId ?? focusedId;

  // Next follows native history calls, so switching rows keeps the page, its scroll and its subscription.
  const open = (id: string) => {
    setFocusedId(id);
    const url = `/approvals/${id}`;
    if (openId === null) window.history.pushState(null, '', url);
    else window.history.replaceState(null, '', url);
  };
  const close = () => window.history.replaceState(null, '', '/approvals');
  const move = (step: 1 | -1) => {
    const at = rows.findIndex((row) => row.id === currentId);
    const next = rows[at === -1 ? (step === 1 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + step))];
    if (next === undefined) return;
    if (openId === null) setFocusedId(next.id);
    else open(next.id);
    document.getElementById(rowElementId(next.id))?.scrollIntoView({ block: 'nearest' });
  };
  const openFocused = () => {
    const id = currentId ?? rows[0]?.id;
    if (id !== undefined) open(id);
  };
  useKeys(
    {
      j: () => move(1),
      k: () => move(-1),
      Enter: openFocused,
      a: openId === null ? openFocused : decide.startApprove,
      r: openId === null ? openFocused : decide.startReject,
      '/': () => filterBox.current?.focus(),
      '?': () => setHelp(true),
    },
    keysOn && !help && !decide.rejecting,
  );
  useKeys({ Escape: () => (openId === null ? undefined : close()) }, wide && !help && !decide.rejecting);

  const panel = openId === null ? null : { id: openId, decide, onClose: close };
  return (
    <Page
      wide
      title="Approvals"
      about="Statements that wait for a person. The client waits on its own connection until you decide."
      actions={
        <>
          <div className="relative">
            <Search className="pointer-events-none absolute left-2.5 top-1/2 size-4 -translate-y-1/2 text-ink-3" aria-hidden />
            <Input
              ref={filterBox}
              type="search"
              aria-label="Filter requests"
              placeholder="Filter"
              value={filter}
              onChange={(event) => setFilter(event.target.value)}
              onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()}
              className="w-44 pl-8"
            />
          </div>
          <Button asChild look="ghost">
            <Link href="/approvals/grants">
              <KeyRound aria-hidden />
              Grants
            </Link>
          </Button>
          <Button look="ghost" onClick={() => setHelp(true)} className="max-lg:hidden">
            <Keyboard aria-hidden />
            Keys
            <Kbd>?</Kbd>
          </Button>
        </>
      }
    >
      <div className="grid items-start gap-4 lg:grid-cols-[minmax(20rem,26rem)_minmax(0,1fr)]">
        <div className="grid min-w-0 gap-3">
          <p role="status" className="sr-only">
            {queue.unseen.length > 0 ? `${queue.unseen.length} new` : ''}
          </p>
          {queue.error ? (
            <ErrorState
              what="The queue could not be loaded"
              error={queue.error}
              effect="Held statements keep waiting."
              onRetry={queue.retry}
            />
          ) : null}
          {queue.loading ? (
            <Card>
              <SkeletonRows label="Loading requests" />
            </Card>
          ) : null}
          {!queue.loading && !queue.error && queue.waiting.length === 0 ? <QueueEmpty /> : null}
          <RowList
            title="Waiting"
            rows={waiting}
            {...{ openId, focusedId, open }}
            aside={
              queue.unseen.length > 0 ? (
                <Button look="primary" size="sm" onClick={queue.showNew}>
                  <ArrowUp aria-hidden />
                  {queue.unseen.length} new
                </Button>
              ) : null
            }
          />
          <RowList title="Decided" rows={decided} {...{ openId, focusedId, open }} />
          {rows.length === 0 && filter !== '' && !queue.loading ? (
            <p className="px-1 text-sm text-ink-2">No request matches “{filter}”.</p>
          ) : null}
        </div>
        {wide ? (
          <div className="sticky top-4 flex h-[calc(100dvh-11rem)] min-h-96 min-w-0">
            {panel ? (
              <SidePanel {...panel} />
            ) : (
              <div className="grid flex-1 place-items-center rounded-xl border border-dashed">
                <Empty
                  icon={rows.length === 0 ? CircleCheckBig : ShieldQuestion}
                  title={rows.length === 0 ? 'No request to show' : 'Choose a request'}
                >
                  {rows.length === 0 ? (
                    'The next held statement appears here by itself.'
                  ) : (
                    <span>
                      Click one, or press <Kbd>j</Kbd> and <Kbd>Enter</Kbd>.
                    </span>
                  )}
                </Empty>
              </div>
            )}
          </div>
        ) : panel ? (
          <DrawerPanel {...panel} />
        ) : null}
      </div>
      <KeysHelp open={help} onClose={() => setHelp(false)} on={keysOn} setOn={setKeysOn} />
    </Page>
  );
}

interface RowListProps {
  title: string;
  rows: readonly RequestRow[];
  openId: string | null;
  focusedId: string | null;
  open: (id: string) => void;
  /** Shown beside the title, in a line whose height is kept for it: what appears there must not push rows from under the pointer. */
  aside?: ReactNode;
}

function RowList({ title, rows, openId, focusedId, open, aside = null }: RowListProps) {
  const nowMs = useNow();
  if (rows.length === 0) return aside;
  // A row decided a moment ago keeps its place and no longer counts.
  const count = title === 'Waiting' ? rows.filter((row) => row.status === 'pending').length : rows.length;
  return (
    <section aria-label={title} className="grid gap-1">
      <div className="flex h-8 items-center justify-between px-1 max-sm:h-11">
        <h2 className="text-xs font-medium text-ink-3">
          {title} <span className="tabular-nums">{count}</span>
        </h2>
        {aside}
      </div>
      <Card className="overflow-hidden">
        <ul className="divide-y">
          {rows.map((row) => (
            <QueueRow
              key={row.id}
              row={row}
              href={`/approvals/${row.id}`}
              nowMs={nowMs}
              selected={row.id === openId}
              focused={row.id === focusedId && openId === null}
              onOpen={() => open(row.id)}
            />
          ))}
        </ul>
      </Card>
    </section>
  );
}
