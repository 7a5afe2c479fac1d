'use client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { toast } from 'sonner';
import { fieldError } from '../../data/errors';
import { useTRPC } from '../../data/trpc';
import type { ViewRow } from '../../data/types';
import { Button } from '../../ui/button';
import { Check, Field, Input } from '../../ui/field';
import { Sheet } from '../../ui/sheet';
import { ErrorState } from '../../ui/states';
import { type AuditState, SORTS } from './useAuditState';
import { viewOfState } from './viewState';

/** Keeps the page's search under a name, or gives a kept one another name. */
export function ViewEditor({ view, state, onClose }: { view: ViewRow | null; state: AuditState['state']; onClose: () => void }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const formId = useId();
  const [name, setName] = useState(view?.name ?? '');
  const [shared, setShared] = useState(view?.shared ?? false);
  const save = useMutation(
    trpc.views.save.mutationOptions({
      onSuccess: () => {
        toast.success(view === null ? 'View saved' : 'View changed');
        void queryClient.invalidateQueries({ queryKey: trpc.views.pathKey() });
        onClose();
      },
    }),
  );
  const kept = view ?? viewOfState(state);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const { q, range, from, to, columns } = kept;
    const sort = SORTS.find((one) => one === kept.sort) ?? 'newest';
    save.mutate({ q, range, from, to, columns, sort, name: name.trim(), shared, ...(view === null ? {} : { id: view.id }) });
  };
  const nameError = fieldError(save.error, 'name');
  return (
    <Sheet
      open
      onClose={onClose}
      title={view === null ? 'Save view' : `View ${view.name}`}
      description="The query, time range, order and columns as they are now. Results are not kept: a view searches anew."
      dirty={name !== (view?.name ?? '') || shared !== (view?.shared ?? false)}
      footer={
        <Button type="submit" form={formId} look="primary" busy={save.isPending}>
          Save view
        </Button>
      }
    >
      <form id={formId} onSubmit={submit} className="grid gap-4">
        <Field label="Name" error={nameError}>
          <Input value={name} maxLength={60} required onChange={(event) => setName(event.target.value)} placeholder="Denied this week" />
        </Field>
        <Check
          label="Share it with everybody"
          hint="Each person finds in it only what they may see."
          checked={shared}
          onChange={(event) => setShared(event.target.checked)}
        />
        <p className="rounded-lg border bg-sunken px-3 py-2 font-mono text-xs break-all">{kept.q === '' ? 'every statement' : kept.q}</p>
        {save.error && nameError === undefined ? <ErrorState compact what="The view was not saved" error={save.error} effect="" /> : null}
      </form>
    </Sheet>
  );
}
