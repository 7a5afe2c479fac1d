'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Trash2 } from 'lucide-react';
import { useId, useState } from 'react';
import { toast } from 'sonner';
import { fieldError } from '../../data/errors';
import { useTRPC } from '../../data/trpc';
import type { MaskingRow } from '../../data/types';
import { Button } from '../../ui/button';
import { ConfirmDialog } from '../../ui/confirm';
import { Check, Field, Input, Select } from '../../ui/field';
import { Names } from '../../ui/names';
import { Sheet } from '../../ui/sheet';
import { ErrorState } from '../../ui/states';
import { draftOf, type MaskingForm } from './form';
import { MaskFields } from './maskFields';

const DETECTORS = [
  ['credit_card', 'Card numbers'],
  ['ssn', 'Social security numbers'],
  ['email', 'Mail addresses'],
  ['iban', 'IBANs'],
  ['phone', 'Phone numbers'],
  ['api_key', 'API keys'],
] as const;

interface Props {
  rule: MaskingRow | null;
  start: MaskingForm;
  /** The type of the one column this rule is being made for; limits the masks to those that fit. */
  columnType: string | null;
  onClose: () => void;
}

export function MaskingEditor({ rule, start, columnType, onClose }: Props) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const formId = useId();
  const [first] = useState(start);
  const [form, setForm] = useState(start);
  const [removing, setRemoving] = useState(false);
  const connections = useQuery(trpc.connections.list.queryOptions()).data?.map((one) => one.name) ?? [];
  const groups = useQuery(trpc.groups.list.queryOptions()).data?.map((one) => one.name) ?? [];
  const done = (words: string) => {
    toast.success(words);
    void queryClient.invalidateQueries();
    onClose();
  };
  const save = useMutation(
    trpc.masking.save.mutationOptions({
      onSuccess: ({ warnings }) => {
        done(`Masking rule ${form.name} saved`);
        for (const warning of warnings) toast.warning(warning);
      },
    }),
  );
  const remove = useMutation(trpc.masking.remove.mutationOptions({ onSuccess: () => done(`Masking rule ${form.name} removed`) }));
  const set = (change: Partial<MaskingForm>) => setForm((current) => ({ ...current, ...change }));
  const error = (path: string) => fieldError(save.error, path);
  const general = save.error && (save.error.data?.fields.length ?? 0) === 0 ? save.error : null;
  return (
    <Sheet
      open
      onClose={onClose}
      dirty={JSON.stringify(form) !== JSON.stringify(first)}
      title={rule ? `Edit masking rule ${rule.name}` : 'Add masking rule'}
      description="Values are masked on their way to the client; the database is not changed."
      footer={
        <>
          <Button look="primary" type="submit" form={formId} busy={save.isPending}>
            Save masking rule
          </Button>
          {rule ? (
            <Button look="ghost" className="ml-auto text-deny hover:text-deny" onClick={() => setRemoving(true)}>
              <Trash2 aria-hidden />
              Remove masking rule
            </Button>
          ) : null}
        </>
      }
    >
      <form
        id={formId}
        noValidate
        className="grid gap-5"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate(draftOf(form, rule));
        }}
      >
        <div className="grid gap-4 sm:grid-cols-[1fr_10rem]">
          <Field label="Name" error={error('name')}>
            <Input value={form.name} onChange={(event) => set({ name: event.target.value })} className="font-mono" />
          </Field>
          <Field label="Mode" error={error('mode')} hint={form.mode === 'observe' ? 'Records what would have been masked.' : undefined}>
            <Select value={form.mode} onChange={(event) => set({ mode: event.target.value as MaskingForm['mode'] })}>
              <option value="enforce">Enforce</option>
              <option value="observe">Observe only</option>
              <option value="off">Off</option>
            </Select>
          </Field>
        </div>
        <Field label="Columns" hint="schema.table.column; * stands for any part." error={error('columns')}>
          <Names mono values={form.columns} onChange={(columns) => set({ columns })} placeholder="public.customers.ssn" />
        </Field>
        <MaskFields form={form} set={set} error={error} columnType={columnType} />
        <div className="grid gap-4 border-t pt-4 sm:grid-cols-2">
          <Field label="Connections" error={error('connections')}>
            <Names
              values={form.connections}
              onChange={(next) => set({ connections: next })}
              suggestions={connections}
              empty="All connections."
            />
          </Field>
          <Field label="Not for groups" error={error('exceptGroups')}>
            <Names
              values={form.exceptGroups}
              onChange={(exceptGroups) => set({ exceptGroups })}
              suggestions={groups}
              empty="Masked for everyone."
            />
          </Field>
          <Field
            label="Masked columns in WHERE, JOIN, ORDER BY"
            hint="A condition can reveal a value without returning it."
            error={error('inference')}
            className="sm:col-span-2"
          >
            <Select value={form.inference} onChange={(event) => set({ inference: event.target.value as MaskingForm['inference'] })}>
              <option value="open">Open: allowed</option>
              <option value="guarded">Guarded: equality, IN lists, equi-joins and IS NULL only</option>
              <option value="closed">Closed: refused</option>
              <option value="masked">Masked: every operator sees masked values; where that cannot be, refused</option>
            </Select>
          </Field>
        </div>
        <fieldset className="border-t pt-4">
          <legend className="float-left mb-1 text-sm font-medium">Also mask content that looks like</legend>
          <p className="clear-both mb-2 text-xs text-ink-2">
            A further net: in text, JSON, arrays and large numbers of columns no rule masks, only the part found is masked; a number becomes
            NULL. Sensitive columns are better named above.
          </p>
          <div className="grid gap-x-6 sm:grid-cols-2">
            {DETECTORS.map(([value, words]) => (
              <Check
                key={value}
                label={words}
                checked={form.detect.includes(value)}
                onChange={(event) =>
                  set({ detect: event.target.checked ? [...form.detect, value] : form.detect.filter((one) => one !== value) })
                }
              />
            ))}
          </div>
        </fieldset>
        {general ? <ErrorState compact what="The masking rule was not saved" error={general} /> : null}
      </form>
      <ConfirmDialog
        open={removing}
        onClose={() => setRemoving(false)}
        title={`Remove masking rule ${rule?.name ?? ''}?`}
        body="The columns only this rule covers leave the gateway in the clear from the next statement on."
        confirm="Remove masking rule"
        busy={remove.isPending}
        onConfirm={() => rule && remove.mutate({ id: rule.id })}
      >
        {remove.error ? (
          <ErrorState compact what="The masking rule was not removed" error={remove.error} effect="It stays in force." />
        ) : null}
      </ConfirmDialog>
    </Sheet>
  );
}
