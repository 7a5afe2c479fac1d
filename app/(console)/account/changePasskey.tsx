'use client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { toast } from 'sonner';
import { fieldError } from '../../data/errors';
import { useTRPC } from '../../data/trpc';
import type { PasskeyRow } from '../../data/types';
import { signWithPasskey } from '../../passkeys/ceremony';
import { Button } from '../../ui/button';
import { ConfirmDialog } from '../../ui/confirm';
import { Field, Input } from '../../ui/field';
import { Sheet } from '../../ui/sheet';
import { ErrorState } from '../../ui/states';

interface Props {
  row: PasskeyRow;
  onClose: () => void;
}

export function RenamePasskey({ row, onClose }: Props) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const formId = useId();
  const [name, setName] = useState(row.name);
  const rename = useMutation(
    trpc.passkeys.rename.mutationOptions({
      onSuccess: async () => {
        await queries.invalidateQueries();
        onClose();
      },
    }),
  );
  const error = fieldError(rename.error, 'name');
  return (
    <Sheet
      open
      onClose={onClose}
      dirty={name !== row.name}
      title="Rename passkey"
      footer={
        <Button look="primary" type="submit" form={formId} busy={rename.isPending} disabled={name.trim() === ''}>
          Save name
        </Button>
      }
    >
      <form
        id={formId}
        className="grid gap-4"
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          rename.mutate({ id: row.id, name });
        }}
      >
        <Field label="Name" error={error}>
          <Input value={name} maxLength={60} onChange={(event) => setName(event.target.value)} />
        </Field>
        {rename.error && error === undefined ? <ErrorState compact what="The name was not saved" error={rename.error} /> : null}
      </form>
    </Sheet>
  );
}

/** With a passkey of one's own, the same or another: a stolen session removes none. */
export function RemovePasskey({ row, onClose }: Props) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const ask = useMutation(trpc.passkeys.confirmRemoving.mutationOptions());
  const send = useMutation(trpc.passkeys.remove.mutationOptions());
  const remove = useMutation({
    mutationFn: async () => send.mutateAsync({ id: row.id, confirmation: await signWithPasskey(await ask.mutateAsync({ id: row.id })) }),
    onSuccess: async () => {
      toast.success(`Passkey ${row.name} removed`);
      onClose();
      await queries.invalidateQueries();
    },
  });
  return (
    <ConfirmDialog
      open
      onClose={onClose}
      onConfirm={() => remove.mutate()}
      title={`Remove passkey “${row.name}”?`}
      body="It signs you in no more and confirms no approval; whoever is signed in by it is signed out, this browser too. Your browser asks for one of your passkeys first. Have you lost the only one? An administrator removes it for you."
      confirm="Remove passkey"
      busy={remove.isPending}
      error={remove.error ? <ErrorState compact what="The passkey was not removed" error={remove.error} /> : null}
    />
  );
}
