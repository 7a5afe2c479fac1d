'use client';
import { useQuery } from '@tanstack/react-query';
import { BellRing, Plus } from 'lucide-react';
import { useState } from 'react';
import { useIsAdmin } from '../../data/me';
import { useTRPC } from '../../data/trpc';
import type { ChannelRow } from '../../data/types';
import { Button } from '../../ui/button';
import { Card } from '../../ui/card';
import { Page } from '../../ui/frame';
import { Empty, ErrorState, SkeletonRows } from '../../ui/states';
import { Channel } from './channel';
import { Deliveries } from './deliveries';
import { ChannelEditor } from './editor';
import { SigningSecret } from './secret';

type Showing = { what: 'editor'; channel: ChannelRow | null } | { what: 'secret'; channel: string; secret: string } | null;

const REFRESH_MS = 10_000;

export function Notifications() {
  const trpc = useTRPC();
  const isAdmin = useIsAdmin();
  const [showing, setShowing] = useState<Showing>(null);
  const channels = useQuery(trpc.notifications.list.queryOptions(undefined, { refetchInterval: REFRESH_MS }));
  const close = () => setShowing(null);
  const showSecret = (channel: string, secret: string) => setShowing({ what: 'secret', channel, secret });
  const add = isAdmin ? (
    <Button look="primary" onClick={() => setShowing({ what: 'editor', channel: null })}>
      <Plus aria-hidden />
      Add channel
    </Button>
  ) : null;
  return (
    <Page
      title="Notifications"
      about="Who hears that a statement waits, and what became of it. Only Slack’s buttons decide; every other message is a link to here."
      actions={add}
    >
      <div className="grid gap-8">
        <Card>
          {channels.error && !channels.data ? (
            <ErrorState
              what="The channels could not be loaded"
              error={channels.error}
              effect="Notifications go out all the same."
              onRetry={() => void channels.refetch()}
            />
          ) : null}
          {channels.isPending ? <SkeletonRows rows={3} label="Loading channels" /> : null}
          {channels.data?.length === 0 ? (
            <Empty icon={BellRing} title="Nobody is told" action={add}>
              Reviewers see what waits only when they look here. Add a webhook, Slack, Microsoft Teams or e-mail.
            </Empty>
          ) : null}
          <ul className="divide-y">
            {channels.data?.map((row) => (
              <Channel
                key={row.id}
                row={row}
                isAdmin={isAdmin}
                onEdit={() => setShowing({ what: 'editor', channel: row })}
                onSecret={showSecret}
              />
            ))}
          </ul>
        </Card>
        <Deliveries />
      </div>
      {showing?.what === 'editor' ? <ChannelEditor channel={showing.channel} onClose={close} onSecret={showSecret} /> : null}
      {showing?.what === 'secret' ? <SigningSecret channel={showing.channel} secret={showing.secret} onClose={close} /> : null}
    </Page>
  );
}
