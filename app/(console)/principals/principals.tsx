'use client';
import { useQuery } from '@tanstack/react-query';
import { Bot, KeyRound, Link2, Pencil, Plus, User, Users, Wrench } from 'lucide-react';
import { useState } from 'react';
import { useIsAdmin } from '../../data/me';
import { useTRPC } from '../../data/trpc';
import type { PrincipalRow } from '../../data/types';
import { Badge } from '../../ui/badge';
import { Button } from '../../ui/button';
import { Card } from '../../ui/card';
import { cx } from '../../ui/classes';
import { Page } from '../../ui/frame';
import { Empty, ErrorState, SkeletonRows } from '../../ui/states';
import { Time } from '../../ui/time';
import { AccessList } from './access';
import { PrincipalEditor } from './editor';
import { SignInLink } from './signInLink';
import { Tokens } from './tokens';

const ICONS = { human: User, agent: Bot, service: Wrench } as const;

type Showing = { what: 'editor'; principal: PrincipalRow | null } | { what: 'tokens' | 'link'; principal: PrincipalRow } | null;

export function Principals() {
  const trpc = useTRPC();
  const isAdmin = useIsAdmin();
  const [showing, setShowing] = useState<Showing>(null);
  const principals = useQuery(trpc.principals.list.queryOptions());
  return (
    <Page
      title="Principals"
      about="People, agents and services that connect, and who answers for them."
      actions={
        isAdmin ? (
          <Button look="primary" onClick={() => setShowing({ what: 'editor', principal: null })}>
            <Plus aria-hidden />
            Add principal
          </Button>
        ) : null
      }
    >
      <div className="grid gap-6">
        <Card>
          {principals.error && !principals.data ? (
            <ErrorState what="The principals could not be loaded" error={principals.error} onRetry={() => void principals.refetch()} />
          ) : null}
          {principals.isPending ? <SkeletonRows label="Loading principals" /> : null}
          {principals.data?.length === 0 ? <Empty icon={Users} title="No principal yet" /> : null}
          <ul className="divide-y">
            {principals.data?.map((row) => (
              <Row key={row.id} row={row} isAdmin={isAdmin} show={setShowing} />
            ))}
          </ul>
        </Card>
        <AccessList isAdmin={isAdmin} />
      </div>
      {showing?.what === 'editor' ? (
        <PrincipalEditor principal={showing.principal} all={principals.data ?? []} onClose={() => setShowing(null)} />
      ) : null}
      {showing?.what === 'link' ? <SignInLink principal={showing.principal} onClose={() => setShowing(null)} /> : null}
      {showing?.what === 'tokens' ? <Tokens principal={showing.principal} isAdmin={isAdmin} onClose={() => setShowing(null)} /> : null}
    </Page>
  );
}

function Row({ row, isAdmin, show }: { row: PrincipalRow; isAdmin: boolean; show: (showing: Showing) => void }) {
  const Icon = ICONS[row.kind];
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2.5 px-4 py-3.5">
      <span
        className={cx(
          'grid size-9 shrink-0 place-items-center rounded-full',
          row.kind === 'agent' ? 'bg-mask-soft text-mask' : 'bg-accent-soft text-accent-text',
        )}
      >
        <Icon className="size-4.5" aria-hidden />
      </span>
      <div className="min-w-0 flex-1 basis-44">
        <h2 className="flex flex-wrap items-center gap-2 text-sm font-semibold">
          {row.name}
          {row.disabledAt ? <Badge tone="deny">Disabled</Badge> : null}
        </h2>
        <p className="truncate text-xs text-ink-2">
          {row.kind}
          {row.owner ? ` of ${row.owner}` : ''}
          {row.email ? ` · ${row.email}` : ''}
          {row.passkeys > 0 ? ` · ${row.passkeys} ${row.passkeys === 1 ? 'passkey' : 'passkeys'}` : ''}
        </p>
      </div>
      <div className="flex flex-wrap items-center gap-1.5 lg:w-40">
        <Badge tone={row.role === 'member' ? 'outline' : 'accent'}>{row.role}</Badge>
        {row.groups.map((group) => (
          <Badge key={group}>{group}</Badge>
        ))}
      </div>
      <p className="w-28 text-xs text-ink-3 max-lg:hidden">
        {row.lastSeenAt ? (
          <>
            seen <Time at={row.lastSeenAt} as="ago" />
          </>
        ) : (
          'never seen'
        )}
      </p>
      <div className="flex flex-wrap justify-end gap-2 lg:w-80">
        {isAdmin && row.kind === 'human' && row.disabledAt === null ? (
          <Button size="sm" onClick={() => show({ what: 'link', principal: row })} aria-label={`Sign-in link for ${row.name}`}>
            <Link2 aria-hidden />
            Sign-in link
          </Button>
        ) : null}
        <Button
          size="sm"
          className="min-w-24"
          onClick={() => show({ what: 'tokens', principal: row })}
          aria-label={`Tokens of ${row.name}`}
        >
          <KeyRound aria-hidden />
          {row.tokens} {row.tokens === 1 ? 'token' : 'tokens'}
        </Button>
        {isAdmin ? (
          <Button size="sm" onClick={() => show({ what: 'editor', principal: row })} aria-label={`Edit ${row.name}`}>
            <Pencil aria-hidden />
            Edit
          </Button>
        ) : null}
      </div>
    </li>
  );
}
