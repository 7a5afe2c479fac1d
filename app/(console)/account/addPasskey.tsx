'use client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Fingerprint } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { toast } from 'sonner';
import { fieldError } from '../../data/errors';
import { useTRPC } from '../../data/trpc';
import { createPasskey, signWithPasskey } from '../../passkeys/ceremony';
import { Button } from '../../ui/button';
import { Field, Input } from '../../ui/field';
import { ErrorState } from '../../ui/states';

type Options = Parameters<typeof createPasskey>[0];

/** Two steps where there is a passkey already: it confirms that another is added, and then that one is made. Each is a press of its own, as browsers ask. */
export function AddPasskey({ first, onDone }: { first: boolean; onDone: () => void }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [confirmed, setConfirmed] = useState<Options | null>(null);
  const askConfirmation = useMutation(trpc.passkeys.confirmAdding.mutationOptions());
  const begin = useMutation(trpc.passkeys.begin.mutationOptions());
  const register = useMutation(trpc.passkeys.register.mutationOptions());
  const confirm = useMutation({
    mutationFn: async () => begin.mutateAsync({ confirmation: await signWithPasskey(await askConfirmation.mutateAsync()) }),
    onSuccess: setConfirmed,
  });
  const create = useMutation({
    mutationFn: async () => {
      const response = await createPasskey(confirmed ?? (await begin.mutateAsync({})));
      return register.mutateAsync({ name, response });
    },
    onSuccess: async (row) => {
      await queries.invalidateQueries();
      toast.success(`Passkey ${row.name} registered`);
      onDone();
    },
    // A challenge is answered once.
    onError: () => setConfirmed(null),
  });
  const mustConfirm = !first && confirmed === null;
  const failed = create.error ?? confirm.error;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.reset();
    if (mustConfirm) confirm.mutate();
    else create.mutate();
  };
  return (
    <form onSubmit={submit} className="grid gap-4 border-b bg-sunken/50 p-4">
      <Field
        label="Name"
        hint="What tells it from your others, e.g. Work laptop."
        error={fieldError(register.error, 'name')}
        className="max-w-md"
      >
        <Input value={name} maxLength={60} required autoFocus onChange={(event) => setName(event.target.value)} />
      </Field>
      {first ? null : (
        <p className="text-sm text-ink-2" role="status">
          {mustConfirm
            ? 'First your browser asks for a passkey that you have: nobody else adds one to your account.'
            : 'Confirmed. Now your browser makes the new one.'}
        </p>
      )}
      {failed ? <ErrorState compact what="No passkey was added" error={failed} /> : null}
      <div className="flex flex-wrap gap-2">
        <Button type="submit" look="primary" busy={confirm.isPending || create.isPending} disabled={name.trim() === ''}>
          <Fingerprint aria-hidden />
          {mustConfirm ? 'Confirm with a passkey' : 'Create passkey'}
        </Button>
        <Button onClick={onDone}>Cancel</Button>
      </div>
    </form>
  );
}
