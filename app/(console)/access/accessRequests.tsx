'use client';
import { useQuery } from '@tanstack/react-query';
import { DoorOpen, Plus } from 'lucide-react';
import { parseAsString, useQueryState } from 'nuqs';
import { useState } from 'react';
import { useTRPC } from '../../data/trpc';
import { Button } from '../../ui/button';
import { Card } from '../../ui/card';
import { Page } from '../../ui/frame';
import { Empty, ErrorState, SkeletonRows } from '../../ui/states';
import { AskForAccess } from './ask';
import { Row } from './row';

const REFRESH_MS = 5_000;

/** Who asks for a connection for a time, who has one now, and what became of the others. */
export function AccessRequests({ marked }: { marked: string | null }) {
  const [connection, setConnection] = useQueryState('connection', parseAsString);
  const [asking, setAsking] = useState(false);
  const close = () => {
    setAsking(false);
    void setConnection(null);
  };
  return (
    <Page
      title="Access requests"
      about="Access to a connection for a time: asked for with a reason, decided by its reviewers, ended by the clock."
      actions={
        <Button look="primary" onClick={() => setAsking(true)}>
          <Plus aria-hidden />
          Ask for access
        </Button>
      }
    >
      <div className="grid gap-8">
        <Section status="open" title="Waiting for a decision" empty="Nobody waits for access" marked={marked} />
        <Section status="active" title="Has access now" empty="Nobody has access for a time" marked={marked} />
        <Section status="ended" title="Earlier" empty="Nothing has ended yet" marked={marked} />
      </div>
      {asking || connection !== null ? <AskForAccess connection={connection} onClose={close} /> : null}
    </Page>
  );
}

function Section({
  status,
  title,
  empty,
  marked,
}: {
  status: 'open' | 'active' | 'ended';
  title: string;
  empty: string;
  marked: string | null;
}) {
  const trpc = useTRPC();
  const requests = useQuery(trpc.accessRequests.list.queryOptions({ status, limit: 50 }, { refetchInterval: REFRESH_MS }));
  const titleId = `access-${status}`;
  return (
    <section aria-labelledby={titleId}>
      <h2 id={titleId} className="mb-2.5 text-base font-semibold">
        {title}
      </h2>
      <Card>
        {requests.error && !requests.data ? (
          <ErrorState what="The access requests could not be loaded" error={requests.error} onRetry={() => void requests.refetch()} />
        ) : null}
        {requests.isPending ? <SkeletonRows rows={2} label="Loading access requests" /> : null}
        {requests.data?.items.length !== 0 ? null : status === 'open' ? (
          <Empty icon={DoorOpen} title={empty} />
        ) : (
          <p className="px-4 py-4 text-sm text-ink-3 sm:px-5">{empty}.</p>
        )}
        <ul className="divide-y">
          {requests.data?.items.map((row) => (
            <Row key={row.id} row={row} marked={row.id === marked} />
          ))}
        </ul>
      </Card>
    </section>
  );
}
