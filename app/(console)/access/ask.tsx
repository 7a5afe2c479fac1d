'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { toast } from 'sonner';
import { fieldError } from '../../data/errors';
import { useTRPC } from '../../data/trpc';
import { Button } from '../../ui/button';
import { Field, Select, Textarea } from '../../ui/field';
import { Sheet } from '../../ui/sheet';
import { ErrorState, SkeletonRows } from '../../ui/states';
import { durationWords, offeredDurations } from './words';

/** Asks for a connection for a time. */
export function AskForAccess({ connection, onClose }: { connection: string | null; onClose: () => void }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const formId = useId();
  const requestable = useQuery(trpc.accessRequests.requestable.queryOptions());
  const [chosen, setChosen] = useState(connection ?? '');
  const [duration, setDuration] = useState('');
  const [reason, setReason] = useState('');
  const free = requestable.data?.filter((one) => !one.has && one.pendingId === null) ?? [];
  const wanted = free.find(({ name }) => name === chosen) ?? free[0];
  const offered = wanted === undefined ? [] : offeredDurations(wanted.maxDurationMs);
  const length = offered.find((ms) => String(ms) === duration) ?? offered.find((ms) => ms >= 3_600_000) ?? offered.at(-1);
  const ask = useMutation(
    trpc.accessRequests.request.mutationOptions({
      onSuccess: ({ connectionName }) => {
        toast.success(`Asked for access to ${connectionName}`);
        void queryClient.invalidateQueries({ queryKey: trpc.accessRequests.pathKey() });
        onClose();
      },
    }),
  );
  const general = ask.error && (ask.error.data?.fields.length ?? 0) === 0 ? ask.error : null;
  return (
    <Sheet
      open
      onClose={onClose}
      dirty={reason !== ''}
      title="Ask for access"
      description="A reviewer decides. Access begins with the approval and ends by itself."
      footer={
        <Button look="primary" type="submit" form={formId} busy={ask.isPending} disabled={wanted === undefined}>
          Ask for access
        </Button>
      }
    >
      {requestable.isPending ? <SkeletonRows rows={2} label="Loading connections" /> : null}
      {requestable.error ? <ErrorState compact what="The connections could not be loaded" error={requestable.error} /> : null}
      {requestable.data && wanted === undefined ? (
        <p className="text-sm text-ink-2">
          {requestable.data.length === 0
            ? 'No connection can be asked for. An administrator sets it on a connection.'
            : 'You have access to everything that can be asked for, or wait for a decision about it.'}
        </p>
      ) : null}
      {wanted === undefined ? null : (
        <form
          id={formId}
          noValidate
          className="grid gap-4"
          onSubmit={(event) => {
            event.preventDefault();
            if (length !== undefined) ask.mutate({ connection: wanted.name, durationMs: length, reason });
          }}
        >
          <Field
            label="Connection"
            hint={`${wanted.required} ${wanted.required === 1 ? 'approval' : 'approvals'} from ${wanted.reviewerGroups.join(' or ') || 'any reviewer'}`}
            error={fieldError(ask.error, 'connection')}
          >
            <Select value={wanted.name} onChange={(event) => setChosen(event.target.value)}>
              {free.map(({ name }) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </Select>
          </Field>
          <Field label="For" error={fieldError(ask.error, 'durationMs')}>
            <Select value={String(length)} onChange={(event) => setDuration(event.target.value)}>
              {offered.map((ms) => (
                <option key={ms} value={String(ms)}>
                  {durationWords(ms)}
                </option>
              ))}
            </Select>
          </Field>
          <Field label="Reason" hint="The reviewers see it." error={fieldError(ask.error, 'reason')}>
            <Textarea value={reason} onChange={(event) => setReason(event.target.value)} maxLength={1_000} />
          </Field>
          {general ? <ErrorState compact what="Nothing was asked for" error={general} /> : null}
        </form>
      )}
    </Sheet>
  );
}
