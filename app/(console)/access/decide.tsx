'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Check, Undo2, X } from 'lucide-react';
import { useState } from 'react';
import { toast } from 'sonner';
import { useTRPC } from '../../data/trpc';
import type { AccessRequestRow } from '../../data/types';
import { Button } from '../../ui/button';
import { ConfirmDialog } from '../../ui/confirm';
import { Field, Textarea } from '../../ui/field';
import { ErrorState, sentence } from '../../ui/states';

/** What the viewer may do with one request: decide it, or end it. Where they may not decide, why and who can. */
export function Doings({ row }: { row: AccessRequestRow }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const [asking, setAsking] = useState<'reject' | 'end' | null>(null);
  const [reason, setReason] = useState('');
  const detail = useQuery(trpc.accessRequests.get.queryOptions({ id: row.id }));
  const done = (words: string) => {
    toast.success(words);
    setAsking(null);
    void queryClient.invalidateQueries({ queryKey: trpc.accessRequests.pathKey() });
  };
  const failed = (error: { message: string }) => {
    toast.error(`Nothing was decided: ${error.message}`);
    void queryClient.invalidateQueries({ queryKey: trpc.accessRequests.pathKey() });
  };
  const approve = useMutation(
    trpc.accessRequests.approve.mutationOptions({
      onSuccess: (now) =>
        done(now.status === 'approved' ? `${row.principalName} has access` : `Approval ${now.approvals} of ${now.required}`),
      onError: failed,
    }),
  );
  const reject = useMutation(trpc.accessRequests.reject.mutationOptions({ onSuccess: () => done('Access refused') }));
  const end = useMutation(
    trpc.accessRequests.end.mutationOptions({
      onSuccess: (now) => done(now.status === 'withdrawn' ? 'Request withdrawn' : 'Access taken back'),
    }),
  );
  if (detail.data === undefined) return null;
  const { mayDecide, mayEnd } = detail.data;
  const pending = row.status === 'pending';
  return (
    <div className="grid justify-items-start gap-2 sm:justify-items-end">
      <div className="flex flex-wrap gap-2">
        {pending && mayDecide.allowed ? (
          <>
            <Button
              size="sm"
              look="primary"
              onClick={() => approve.mutate({ id: row.id })}
              busy={approve.isPending}
              aria-label={`Approve access of ${row.principalName} to ${row.connectionName}`}
            >
              <Check aria-hidden />
              Approve access
            </Button>
            <Button
              size="sm"
              onClick={() => setAsking('reject')}
              aria-label={`Reject access of ${row.principalName} to ${row.connectionName}`}
            >
              <X aria-hidden />
              Reject
            </Button>
          </>
        ) : null}
        {mayEnd ? (
          <Button
            size="sm"
            onClick={() => setAsking('end')}
            aria-label={`${pending ? 'Withdraw request' : 'Take back access'} of ${row.principalName} to ${row.connectionName}`}
          >
            <Undo2 aria-hidden />
            {pending ? 'Withdraw' : 'Take back'}
          </Button>
        ) : null}
      </div>
      {pending && !mayDecide.allowed ? (
        <p className="max-w-72 text-xs text-ink-3 sm:text-right">
          {sentence(mayDecide.why)}
          {mayDecide.who.length === 0 ? '' : ` Who can: ${mayDecide.who.join(', ')}.`}
        </p>
      ) : null}
      <ConfirmDialog
        open={asking === 'reject'}
        onClose={() => setAsking(null)}
        title={`Refuse ${row.principalName} access to ${row.connectionName}?`}
        body="Whoever asked sees the reason."
        confirm="Reject request"
        busy={reject.isPending}
        disabled={reason.trim() === ''}
        onConfirm={() => reject.mutate({ id: row.id, reason })}
      >
        <Field label="Reason">
          <Textarea value={reason} onChange={(event) => setReason(event.target.value)} maxLength={1_000} />
        </Field>
        {reject.error ? <ErrorState compact what="The request was not rejected" error={reject.error} /> : null}
      </ConfirmDialog>
      <ConfirmDialog
        open={asking === 'end'}
        onClose={() => setAsking(null)}
        title={pending ? `Withdraw the request of ${row.principalName}?` : `Take ${row.connectionName} back from ${row.principalName}?`}
        body={pending ? 'Nobody decides it then.' : 'Its sessions there end now, unless a group gives it access too.'}
        confirm={pending ? 'Withdraw request' : 'Take back access'}
        busy={end.isPending}
        onConfirm={() => end.mutate({ id: row.id })}
      >
        {end.error ? <ErrorState compact what="Nothing was ended" error={end.error} /> : null}
      </ConfirmDialog>
    </div>
  );
}
