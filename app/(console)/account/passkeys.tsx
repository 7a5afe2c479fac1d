'use client';
import { useQuery } from '@tanstack/react-query';
import { Fingerprint, Pencil, Plus, Trash2, TriangleAlert } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { useTRPC } from '../../data/trpc';
import type { OwnPasskeys, PasskeyRow } from '../../data/types';
import { Elsewhere, useIsAt } from '../../passkeys/elsewhere';
import { Badge } from '../../ui/badge';
import { Button } from '../../ui/button';
import { Card } from '../../ui/card';
import { Empty, ErrorState, SkeletonRows, sentence } from '../../ui/states';
import { Time } from '../../ui/time';
import { AddPasskey } from './addPasskey';
import { RemovePasskey, RenamePasskey } from './changePasskey';

type Doing = { what: 'add' } | { what: 'rename' | 'remove'; row: PasskeyRow } | null;

/** The passkeys of whoever looks. */
export function Passkeys() {
  const trpc = useTRPC();
  const [doing, setDoing] = useState<Doing>(null);
  const own = useQuery(trpc.passkeys.own.queryOptions());
  const isHere = useIsAt(own.data?.origin ?? null);
  const rows = own.data?.rows ?? [];
  const usable = own.data !== undefined && own.data.origin !== null && isHere;
  return (
    <Card>
      <header className="flex flex-wrap items-center justify-between gap-x-6 gap-y-3 border-b px-4 py-3">
        <div className="min-w-0 flex-1 basis-72">
          <h2 className="text-base font-semibold">Passkeys</h2>
          <p className="text-sm text-ink-2">
            A key that your device keeps and opens with your finger, face or PIN. It signs you in here, and confirms approvals where a rule
            asks for it.
          </p>
        </div>
        {usable && rows.length < own.data.most && doing?.what !== 'add' ? (
          <Button look={rows.length === 0 ? 'primary' : 'secondary'} onClick={() => setDoing({ what: 'add' })}>
            <Plus aria-hidden />
            Add passkey
          </Button>
        ) : null}
      </header>
      {own.error && !own.data ? (
        <ErrorState what="Your passkeys could not be loaded" error={own.error} onRetry={() => void own.refetch()} />
      ) : null}
      {own.isPending ? <SkeletonRows rows={2} label="Loading passkeys" /> : null}
      {own.data ? <WhyNot own={own.data} isHere={isHere} /> : null}
      {doing?.what === 'add' ? <AddPasskey first={rows.length === 0} onDone={() => setDoing(null)} /> : null}
      {own.data && rows.length === 0 && doing?.what !== 'add' ? (
        <Empty icon={Fingerprint} title="No passkey yet">
          With one you sign in without a link, and nobody can do it for you from another page or with a stolen password.
        </Empty>
      ) : null}
      <ul className="divide-y">
        {rows.map((row) => (
          <Row key={row.id} row={row} usable={usable} onDo={(what) => setDoing({ what, row })} />
        ))}
      </ul>
      {doing?.what === 'rename' ? <RenamePasskey row={doing.row} onClose={() => setDoing(null)} /> : null}
      {doing?.what === 'remove' ? <RemovePasskey row={doing.row} onClose={() => setDoing(null)} /> : null}
    </Card>
  );
}

function WhyNot({ own, isHere }: { own: OwnPasskeys; isHere: boolean }) {
  if (own.whyNot !== null) return <Notice>{sentence(own.whyNot)}</Notice>;
  if (own.origin === null || isHere) return null;
  return (
    <Notice>
      <Elsewhere origin={own.origin} />
    </Notice>
  );
}

const Notice = ({ children }: { children: ReactNode }) => (
  <p role="note" className="m-4 flex items-start gap-2 rounded-lg bg-hold-soft p-3 text-sm text-hold">
    <TriangleAlert className="mt-0.5 size-4 shrink-0" aria-hidden />
    <span className="min-w-0 break-words">{children}</span>
  </p>
);

function Row({ row, usable, onDo }: { row: PasskeyRow; usable: boolean; onDo: (what: 'rename' | 'remove') => void }) {
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2.5 px-4 py-3.5">
      <span className="grid size-9 shrink-0 place-items-center rounded-full bg-accent-soft text-accent-text">
        <Fingerprint className="size-4.5" aria-hidden />
      </span>
      <div className="min-w-0 flex-1 basis-44">
        <h3 className="flex flex-wrap items-center gap-2 text-sm font-semibold">
          <span className="min-w-0 break-words">{row.name}</span>
          {row.backedUp ? <Badge>synced</Badge> : null}
        </h3>
        <p className="text-xs text-ink-3">
          registered <Time at={row.createdAt} as="ago" />, {row.lastUsedAt ? 'last used ' : 'never used'}
          {row.lastUsedAt ? <Time at={row.lastUsedAt} as="ago" /> : null}
        </p>
      </div>
      <div className="flex flex-wrap gap-2">
        <Button size="sm" onClick={() => onDo('rename')} aria-label={`Rename ${row.name}`}>
          <Pencil aria-hidden />
          Rename
        </Button>
        <Button size="sm" disabled={!usable} onClick={() => onDo('remove')} aria-label={`Remove ${row.name}`}>
          <Trash2 aria-hidden />
          Remove
        </Button>
      </div>
    </li>
  );
}
