'use client';
import { useQuery } from '@tanstack/react-query';
import Link from 'next/link';
import { useState } from 'react';
import { useTRPC } from '../../data/trpc';
import type { ConnectionRow } from '../../data/types';
import { CopyLine } from '../../ui/copy';
import { Sheet } from '../../ui/sheet';
import { ErrorState, Skeleton } from '../../ui/states';
import { TabPanel, Tabs } from '../../ui/tabs';

const FORMS = [
  { value: 'psql', label: 'psql' },
  { value: 'uri', label: 'URI' },
  { value: 'env', label: '.env' },
  { value: 'node', label: 'Node' },
  { value: 'python', label: 'Python' },
  { value: 'jdbc', label: 'JDBC' },
] as const;

/** How to connect, in the words of each client. The token is never in it. */
export function ConnectPanel({ connection, onClose }: { connection: ConnectionRow; onClose: () => void }) {
  const trpc = useTRPC();
  const [form, setForm] = useState<(typeof FORMS)[number]['value']>('psql');
  const snippets = useQuery(trpc.connections.snippets.queryOptions({ id: connection.id }));
  return (
    <Sheet
      open
      onClose={onClose}
      title={`Connect to ${connection.name}`}
      description="Clients connect with what they already have; only host, port and password change."
    >
      {snippets.error ? (
        <ErrorState
          compact
          what="The snippets could not be loaded"
          error={snippets.error}
          effect=""
          onRetry={() => void snippets.refetch()}
        />
      ) : null}
      {snippets.isPending ? <Skeleton className="h-40" /> : null}
      {snippets.data ? (
        <Tabs label="Client" value={form} onChange={setForm} tabs={FORMS}>
          {FORMS.map((one) => (
            <TabPanel key={one.value} value={one.value}>
              <CopyLine
                multiline={one.value !== 'psql' && one.value !== 'uri'}
                text={snippets.data[one.value]}
                label={`${one.label} snippet`}
              />
            </TabPanel>
          ))}
        </Tabs>
      ) : null}
      <p className="mt-4 text-sm text-ink-2">
        The password is an access token. Make one under{' '}
        <Link href="/principals" className="text-accent-text underline underline-offset-4">
          Principals
        </Link>
        ; it is shown once.
      </p>
    </Sheet>
  );
}
