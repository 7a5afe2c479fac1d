'use client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Trash2 } from 'lucide-react';
import { useId, useState } from 'react';
import { toast } from 'sonner';
import { fieldError } from '../../data/errors';
import { useTRPC } from '../../data/trpc';
import type { RuleRow } from '../../data/types';
import { Button } from '../../ui/button';
import { ConfirmDialog } from '../../ui/confirm';
import { Field, Input, Select } from '../../ui/field';
import { Sheet } from '../../ui/sheet';
import { ErrorState } from '../../ui/states';
import { draftOf, type RuleForm } from './form';
import { MatchFields } from './matchFields';
import { VerdictFields } from './verdictFields';

export interface FieldsProps {
  form: RuleForm;
  set: (change: Partial<RuleForm>) => void;
  error: (path: string) => string | undefined;
}

export function RuleEditor({ rule, start, onClose }: { rule: RuleRow | null; start: RuleForm; onClose: () => void }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const formId = useId();
  const [first] = useState(start);
  const [form, setForm] = useState(start);
  const [removing, setRemoving] = useState(false);
  const done = (words: string) => {
    toast.success(words);
    void queryClient.invalidateQueries();
    onClose();
  };
  const save = useMutation(
    trpc.rules.save.mutationOptions({
      onSuccess: ({ warnings }) => {
        done(`Rule ${form.name} saved`);
        for (const warning of warnings) toast.warning(warning);
      },
    }),
  );
  const remove = useMutation(trpc.rules.remove.mutationOptions({ onSuccess: () => done(`Rule ${form.name} removed`) }));
  const set = (change: Partial<RuleForm>) => setForm((current) => ({ ...current, ...change }));
  const error = (path: string) => fieldError(save.error, path);
  const general = save.error && (save.error.data?.fields.length ?? 0) === 0 ? save.error : null;
  const whole = save.error?.data?.fields.find((field) => field.path === 'match')?.message;
  return (
    <Sheet
      open
      onClose={onClose}
      dirty={JSON.stringify(form) !== JSON.stringify(first)}
      title={rule ? `Edit rule ${rule.name}` : 'Add rule'}
      description="A statement must meet every condition that is given."
      footer={
        <>
          <Button look="primary" type="submit" form={formId} busy={save.isPending}>
            Save rule
          </Button>
          {rule ? (
            <Button look="ghost" className="ml-auto text-deny hover:text-deny" onClick={() => setRemoving(true)}>
              <Trash2 aria-hidden />
              Remove rule
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
          <Field label="Name" error={error('name')} hint="Clients see it in errors and notices.">
            <Input value={form.name} onChange={(event) => set({ name: event.target.value })} className="font-mono" />
          </Field>
          <Field label="Mode" error={error('mode')}>
            <Select value={form.mode} onChange={(event) => set({ mode: event.target.value as RuleForm['mode'] })}>
              <option value="enforce">Enforce</option>
              <option value="observe">Observe only</option>
              <option value="off">Off</option>
            </Select>
          </Field>
        </div>
        <VerdictFields form={form} set={set} error={error} />
        <MatchFields form={form} set={set} error={error} />
        {whole ? <ErrorState compact what="The rule was not saved" error={{ message: whole }} /> : null}
        {general ? <ErrorState compact what="The rule was not saved" error={general} /> : null}
      </form>
      <ConfirmDialog
        open={removing}
        onClose={() => setRemoving(false)}
        title={`Remove rule ${rule?.name ?? ''}?`}
        body="Statements it would have stopped are decided by the other rules and the connection’s default. The audit keeps what it decided."
        confirm="Remove rule"
        busy={remove.isPending}
        onConfirm={() => rule && remove.mutate({ id: rule.id })}
      >
        {remove.error ? <ErrorState compact what="The rule was not removed" error={remove.error} effect="It stays in force." /> : null}
      </ConfirmDialog>
    </Sheet>
  );
}
