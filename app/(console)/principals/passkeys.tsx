'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Trash2 } from 'lucide-react';
import { useState } from 'react';
import { toast } from 'sonner';
import { useMe } from '../../data/me';
import { useTRPC } from '../../data/trpc';
import type { PasskeyRow, PrincipalRow } from '../../data/types';
import { Badge } from '../../ui/badge';
import { Button } from '../../ui/button';
import { Section } from '../../ui/card';
import { ConfirmDialog } from '../../ui/confirm';
import { ErrorState, SkeletonRows } from '../../ui/states';
import { Time } from '../../ui/time';

/** What a person proves themselves with in the console; one that was lost is taken away here. */
export function PasskeysOf({ principal, isAdmin }: { principal: PrincipalRow; isAdmin: boolean }) {
  const trpc = useTRPC();
  const me = useMe();
  const [removing, setRemoving] = useState<PasskeyRow | null>(null);
  const passkeys = useQuery(trpc.passkeys.list.queryOptions({ principal: principal.id }));
  // One's own are changed under Your account, with a passkey.
  const mayRemove = isAdmin && me !== undefined && me.id !== principal.id;
  return (
    <Section title="Passkeys">
      {passkeys.error && !passkeys.data ? (
        <ErrorState compact what="The passkeys could not be loaded" error={passkeys.error} onRetry={() => void passkeys.refetch()} />
      ) : null}
      {passkeys.isPending ? <SkeletonRows rows={1} label="Loading passkeys" /> : null}
      {passkeys.data?.length === 0 ? <p className="text-sm text-ink-3">None. {principal.name} registers them under Your account.</p> : null}
      {passkeys.data && passkeys.data.length > 0 ? (
        <ul className="divide-y rounded-lg border">
          {passkeys.data.map((row) => (
            <li key={row.id} className="flex flex-wrap items-center gap-x-3 gap-y-2 px-3 py-2.5">
              <div className="min-w-0 flex-1 basis-40">
                <p className="flex flex-wrap items-center gap-2 text-sm font-medium">
                  <span className="min-w-0 break-words">{row.name}</span>
                  {row.backedUp ? <Badge>synced</Badge> : null}
                </p>
                <p className="text-xs text-ink-3">
                  registered <Time at={row.createdAt} as="ago" />, {row.lastUsedAt ? 'used ' : 'never used'}
                  {row.lastUsedAt ? <Time at={row.lastUsedAt} as="ago" /> : null}
                </p>
              </div>
              {mayRemove ? (
                <Button size="sm" onClick={() => setRemoving(row)} aria-label={`Remove passkey ${row.name}`}>
                  <Trash2 aria-hidden />
                  Remove
                </Button>
              ) : null}
            </li>
          ))}
        </ul>
      ) : null}
      {removing ? <RemovePasskey row={removing} of={principal.name} onClose={() => setRemoving(null)} /> : null}
    </Section>
  );
}

function RemovePasskey({ row, of, onClose }: { row: PasskeyRow; of: string; onClose: () => void }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const remove = useMutation(
    trpc.passkeys.remove.mutationOptions({
      onSuccess: async () => {
        await queries.invalidateQueries();
        toast.success(`Passkey ${row.name} of ${of} removed`);
        onClose();
      },
    }),
  );
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      onConfirm={() => remove.mutate({ id: row.id })}
      title={`Remove passkey “${row.name}”?`}
      body={`It signs ${of} in no more and confirms no approval, and console sessions that it opened end. ${of} may register another.`}
      confirm="Remove passkey"
      busy={remove.isPending}
      error={remove.error ? <ErrorState compact what="The passkey was not removed" error={remove.error} /> : null}
    />
  );
}
