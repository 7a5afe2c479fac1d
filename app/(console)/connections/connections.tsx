'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Cable, Pencil, Plug, Plus, ShieldCheck, TriangleAlert } from 'lucide-react';
import { useState } from 'react';
import { toast } from 'sonner';
import { useIsAdmin, useMe } from '../../data/me';
import { useTRPC } from '../../data/trpc';
import type { ConnectionRow } from '../../data/types';
import { Badge } from '../../ui/badge';
import { Button } from '../../ui/button';
import { Card } from '../../ui/card';
import { ConfirmDialog } from '../../ui/confirm';
import { ProofBadge } from '../../ui/enforcement';
import { Page } from '../../ui/frame';
import { Empty, ErrorState, SkeletonRows } from '../../ui/states';
import { ActionBadge } from '../../ui/verdict';
import { ConnectPanel } from './connect';
import { ConnectionEditor } from './editor';
import { EnforcementPanel } from './enforcement';

type Showing =
  | { what: 'editor'; connection: ConnectionRow | null }
  | { what: 'connect'; connection: ConnectionRow }
  | { what: 'enforcement'; connection: ConnectionRow }
  | { what: 'remove'; connection: ConnectionRow }
  | null;

export function Connections() {
  const trpc = useTRPC();
  const isAdmin = useIsAdmin();
  const [showing, setShowing] = useState<Showing>(null);
  const connections = useQuery(trpc.connections.list.queryOptions());
  const add = isAdmin ? (
    <Button look="primary" onClick={() => setShowing({ what: 'editor', connection: null })}>
      <Plus aria-hidden />
      Add connection
    </Button>
  ) : null;
  return (
    <Page title="Connections" about="Upstream databases. A connection’s name is the dbname that clients use." actions={add}>
      <Card>
        {connections.error && !connections.data ? (
          <ErrorState
            what="The connections could not be loaded"
            error={connections.error}
            effect="Open sessions are not affected."
            onRetry={() => void connections.refetch()}
          />
        ) : null}
        {connections.isPending ? <SkeletonRows rows={3} label="Loading connections" /> : null}
        {connections.data?.length === 0 ? (
          <Empty icon={Cable} title="No connection yet" action={add}>
            Paste a connection string and Gatehouse fills in the rest.
          </Empty>
        ) : null}
        <ul className="divide-y">
          {connections.data?.map((row) => (
            <Row key={row.id} row={row} isAdmin={isAdmin} show={setShowing} />
          ))}
        </ul>
      </Card>
      {showing?.what === 'editor' ? (
        <ConnectionEditor
          connection={showing.connection}
          onClose={() => setShowing(null)}
          {...(showing.connection
            ? { onRemove: () => showing.connection && setShowing({ what: 'remove', connection: showing.connection }) }
            : {})}
        />
      ) : null}
      {showing?.what === 'connect' ? <ConnectPanel connection={showing.connection} onClose={() => setShowing(null)} /> : null}
      {showing?.what === 'enforcement' ? <EnforcementPanel connection={showing.connection} onClose={() => setShowing(null)} /> : null}
      {showing?.what === 'remove' ? <Remove connection={showing.connection} onClose={() => setShowing(null)} /> : null}
    </Page>
  );
}

function Row({ row, isAdmin, show }: { row: ConnectionRow; isAdmin: boolean; show: (showing: Showing) => void }) {
  const trpc = useTRPC();
  const role = useMe()?.role;
  const mayRead = role !== undefined && role !== 'member';
  // The list does not wait for upstreams; whether a proof still fits the catalog is asked beside it.
  const live = useQuery(trpc.connections.enforcement.queryOptions({ id: row.id }, { enabled: mayRead && row.enforcement !== null }));
  const proof = row.enforcement && { ...row.enforcement, outdated: row.enforcement.outdated || live.data?.standing === 'outdated' };
  return (
    <li className="flex flex-wrap items-center gap-x-5 gap-y-2.5 px-4 py-4 sm:px-5">
      <span className="grid size-9 shrink-0 place-items-center rounded-lg bg-accent-soft text-accent-text">
        <Cable className="size-4.5" aria-hidden />
      </span>
      <div className="grid min-w-0 flex-1 basis-44 justify-items-start gap-1">
        <h2 className="text-base font-semibold">{row.name}</h2>
        <p className="max-w-full truncate font-mono text-xs text-ink-2">
          {row.username}@{row.host}:{row.port}/{row.database}
        </p>
        <ProofBadge proof={proof} />
      </div>
      <div className="flex flex-wrap items-center gap-1.5 text-xs text-ink-2">
        <Badge>TLS {row.tls}</Badge>
        <span className="inline-flex items-center gap-1">
          default <ActionBadge action={row.default} />
        </span>
        {row.superuser === 'allow' ? (
          <Badge tone="hold">
            <TriangleAlert aria-hidden />
            superuser allowed
          </Badge>
        ) : null}
        <Badge tone="outline">
          {row.openSessions} open {row.openSessions === 1 ? 'session' : 'sessions'}
        </Badge>
      </div>
      <div className="flex flex-wrap gap-2">
        {mayRead ? (
          <Button size="sm" onClick={() => show({ what: 'enforcement', connection: row })} aria-label={`Enforcement of ${row.name}`}>
            <ShieldCheck aria-hidden />
            Enforcement
          </Button>
        ) : null}
        <Button size="sm" onClick={() => show({ what: 'connect', connection: row })} aria-label={`Connect to ${row.name}`}>
          <Plug aria-hidden />
          Connect
        </Button>
        {isAdmin ? (
          <Button size="sm" onClick={() => show({ what: 'editor', connection: row })} aria-label={`Edit ${row.name}`}>
            <Pencil aria-hidden />
            Edit
          </Button>
        ) : null}
      </div>
    </li>
  );
}

function Remove({ connection, onClose }: { connection: ConnectionRow; onClose: () => void }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const remove = useMutation(
    trpc.connections.remove.mutationOptions({
      onSuccess: () => {
        toast.success(`Connection ${connection.name} removed`);
        void queryClient.invalidateQueries();
        onClose();
      },
    }),
  );
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      title={`Remove connection ${connection.name}?`}
      body="New sessions to it are refused and its stored password is deleted. The database itself and the audit are not touched."
      confirm="Remove connection"
      busy={remove.isPending}
      onConfirm={() => remove.mutate({ id: connection.id })}
    >
      {remove.error ? <ErrorState compact what="The connection was not removed" error={remove.error} /> : null}
    </ConfirmDialog>
  );
}
