'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Unlink, Users } from 'lucide-react';
import { useState } from 'react';
import { toast } from 'sonner';
import { useIsAdmin } from '../../data/me';
import { useTRPC } from '../../data/trpc';
import type { IdentityRow } from '../../data/types';
import { Button } from '../../ui/button';
import { Card } from '../../ui/card';
import { ConfirmDialog } from '../../ui/confirm';
import { Empty, ErrorState, SkeletonRows } from '../../ui/states';
import { Table, Td, Th, Tr } from '../../ui/table';
import { Time } from '../../ui/time';

/** Whom each subject of a provider is here, and the way to part the two. */
export function Subjects() {
  const trpc = useTRPC();
  const isAdmin = useIsAdmin();
  const [parting, setParting] = useState<IdentityRow | null>(null);
  const rows = useQuery(trpc.identities.list.queryOptions());
  return (
    <Card>
      <header className="border-b px-4 py-3">
        <h2 className="text-base font-semibold">Subjects</h2>
        <p className="text-sm text-ink-2">
          The first sign-in links a provider’s subject to a principal. From then on the subject decides, whatever it is called there.
        </p>
      </header>
      {rows.error && !rows.data ? (
        <ErrorState what="The subjects could not be loaded" error={rows.error} onRetry={() => void rows.refetch()} />
      ) : null}
      {rows.isPending ? <SkeletonRows rows={3} label="Loading subjects" /> : null}
      {rows.data?.length === 0 ? <Empty icon={Users} title="Nobody has signed in by a provider yet" /> : null}
      {rows.data !== undefined && rows.data.length > 0 ? (
        <Table label="Subjects">
          <thead>
            <tr>
              <Th>Principal</Th>
              <Th>Provider</Th>
              <Th>Subject</Th>
              <Th>Linked</Th>
              <Th>Last seen</Th>
              <Th>
                <span className="sr-only">What can be done</span>
              </Th>
            </tr>
          </thead>
          <tbody>
            {rows.data.map((row) => (
              <Tr key={row.id}>
                <Td className="font-medium">{row.principal}</Td>
                <Td>{row.provider}</Td>
                <Td>
                  <code className="break-all text-xs">{row.subject}</code>
                </Td>
                <Td className="whitespace-nowrap text-ink-2">
                  <Time at={row.createdAt} as="ago" />
                </Td>
                <Td className="whitespace-nowrap text-ink-2">{row.lastSeenAt ? <Time at={row.lastSeenAt} as="ago" /> : 'never'}</Td>
                <Td className="text-right">
                  {isAdmin ? (
                    <Button size="sm" onClick={() => setParting(row)} aria-label={`Unlink ${row.subject} from ${row.principal}`}>
                      <Unlink aria-hidden />
                      Unlink
                    </Button>
                  ) : null}
                </Td>
              </Tr>
            ))}
          </tbody>
        </Table>
      ) : null}
      {parting === null ? null : <UnlinkDialog row={parting} onClose={() => setParting(null)} />}
    </Card>
  );
}

function UnlinkDialog({ row, onClose }: { row: IdentityRow; onClose: () => void }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const unlink = useMutation(
    trpc.identities.unlink.mutationOptions({
      onSuccess: async () => {
        await queries.invalidateQueries();
        toast.success(`${row.principal} is not a subject of ${row.provider} any more`);
        onClose();
      },
    }),
  );
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      onConfirm={() => unlink.mutate({ id: row.id })}
      title={`Unlink ${row.principal}?`}
      body="Open sessions of this principal end, and groups that the provider gave go. The next sign-in links anew, by name: for somebody who has another account at the provider now."
      confirm="Unlink subject"
      busy={unlink.isPending}
      error={unlink.error ? <ErrorState compact what="The subject could not be unlinked" error={unlink.error} /> : null}
    />
  );
}
