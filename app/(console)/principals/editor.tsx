'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { toast } from 'sonner';
import { fieldError } from '../../data/errors';
import { useTRPC } from '../../data/trpc';
import type { PrincipalRow } from '../../data/types';
import { Button } from '../../ui/button';
import { Section } from '../../ui/card';
import { ConfirmDialog } from '../../ui/confirm';
import { Field, Input, Select } from '../../ui/field';
import { Names } from '../../ui/names';
import { Sheet } from '../../ui/sheet';
import { ErrorState } from '../../ui/states';
import { BudgetFields, type BudgetForm, budgetFormOf, budgetsOf } from './budgetFields';
import { Usage } from './usage';

interface Form {
  name: string;
  kind: PrincipalRow['kind'];
  email: string;
  slackUserId: string;
  role: PrincipalRow['role'];
  owner: string;
  groups: string[];
  maxSessions: string;
  budgets: BudgetForm;
}

const formOf = (row: PrincipalRow | null): Form => ({
  name: row?.name ?? '',
  kind: row?.kind ?? 'agent',
  email: row?.email ?? '',
  slackUserId: row?.slackUserId ?? '',
  role: row?.role ?? 'member',
  owner: row?.owner ?? '',
  groups: row?.groups ?? [],
  maxSessions: row?.limits.maxSessions === undefined ? '' : String(row.limits.maxSessions),
  budgets: budgetFormOf(row?.limits ?? {}),
});

export function PrincipalEditor({
  principal,
  all,
  onClose,
}: {
  principal: PrincipalRow | null;
  all: readonly PrincipalRow[];
  onClose: () => void;
}) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const formId = useId();
  const [start] = useState(() => formOf(principal));
  const [form, setForm] = useState(start);
  const [disabling, setDisabling] = useState(false);
  const set = (change: Partial<Form>) => setForm((current) => ({ ...current, ...change }));
  const groups = useQuery(trpc.groups.list.queryOptions());
  const done = (words: string) => {
    toast.success(words);
    void queryClient.invalidateQueries();
    onClose();
  };
  const save = useMutation(trpc.principals.save.mutationOptions({ onSuccess: () => done(`Principal ${form.name} saved`) }));
  const disable = useMutation(trpc.principals.disable.mutationOptions({ onSuccess: () => done(`Principal ${form.name} disabled`) }));
  const enable = useMutation(trpc.principals.enable.mutationOptions({ onSuccess: () => done(`Principal ${form.name} enabled`) }));
  const error = (path: string) => fieldError(save.error, path);
  const general = save.error && (save.error.data?.fields.length ?? 0) === 0 ? save.error : null;
  return (
    <Sheet
      open
      onClose={onClose}
      dirty={JSON.stringify(form) !== JSON.stringify(start)}
      title={principal ? `Edit ${principal.name}` : 'Add principal'}
      description="A principal keeps its name for life: the record speaks of it by name."
      footer={
        <>
          <Button look="primary" type="submit" form={formId} busy={save.isPending}>
            Save principal
          </Button>
          {principal === null ? null : principal.disabledAt ? (
            <Button className="ml-auto" onClick={() => enable.mutate({ id: principal.id })} busy={enable.isPending}>
              Enable principal
            </Button>
          ) : (
            <Button look="ghost" className="ml-auto text-deny hover:text-deny" onClick={() => setDisabling(true)}>
              Disable principal
            </Button>
          )}
        </>
      }
    >
      <form
        id={formId}
        noValidate
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate({
            ...(principal === null ? {} : { id: principal.id }),
            name: form.name.trim(),
            kind: form.kind,
            role: form.role,
            email: form.email.trim() || null,
            slackUserId: form.slackUserId.trim() || null,
            owner: form.owner || null,
            groups: form.groups,
            limits: { ...(form.maxSessions.trim() === '' ? {} : { maxSessions: Number(form.maxSessions) }), ...budgetsOf(form.budgets) },
          });
        }}
      >
        <Field label="Name" hint="Clients use it as user." error={error('name')}>
          <Input value={form.name} disabled={principal !== null} onChange={(event) => set({ name: event.target.value })} />
        </Field>
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Kind" error={error('kind')}>
            <Select value={form.kind} onChange={(event) => set({ kind: event.target.value as Form['kind'] })}>
              <option value="agent">Agent</option>
              <option value="human">Person</option>
              <option value="service">Service</option>
            </Select>
          </Field>
          <Field label="Console role" error={error('role')}>
            <Select value={form.role} onChange={(event) => set({ role: event.target.value as Form['role'] })}>
              <option value="member">Member: sees their own</option>
              <option value="auditor">Auditor: reads everything</option>
              <option value="reviewer">Reviewer: decides requests</option>
              <option value="admin">Administrator</option>
            </Select>
          </Field>
        </div>
        <Field
          label="Owner"
          optional={form.kind !== 'agent'}
          hint="The person an agent acts for. They cannot approve what it asks."
          error={error('owner')}
        >
          <Select value={form.owner} onChange={(event) => set({ owner: event.target.value })}>
            <option value="">Nobody</option>
            {all
              .filter((one) => one.kind === 'human' && one.id !== principal?.id)
              .map((one) => (
                <option key={one.id} value={one.name}>
                  {one.name}
                </option>
              ))}
          </Select>
        </Field>
        <Field label="Email" optional error={error('email')}>
          <Input type="email" value={form.email} onChange={(event) => set({ email: event.target.value })} />
        </Field>
        {form.kind === 'human' ? (
          <Field
            label="Slack member ID"
            optional
            hint="Who they are when they press a button in Slack. Without it, their mail address there says it."
            error={error('slackUserId')}
          >
            <Input value={form.slackUserId} onChange={(event) => set({ slackUserId: event.target.value })} placeholder="U024BE7LH" />
          </Field>
        ) : null}
        <Field label="Groups" hint="Rules and access speak of groups. Type a name and press Enter." error={error('groups')}>
          <Names
            values={form.groups}
            onChange={(next) => set({ groups: next })}
            suggestions={groups.data?.map((group) => group.name) ?? []}
            empty="In no group: no access to any connection."
          />
        </Field>
        <Field label="Most sessions" hint="Open at once, over all connections." optional error={error('limits.maxSessions')}>
          <Input
            inputMode="numeric"
            value={form.maxSessions}
            onChange={(event) => set({ maxSessions: event.target.value })}
            placeholder="no limit"
          />
        </Field>
        <BudgetFields form={form.budgets} onChange={(budgets) => set({ budgets })} error={error} />
        {principal === null ? null : (
          <Section title="Used">
            <Usage principalId={principal.id} />
          </Section>
        )}
        {general ? <ErrorState compact what="The principal was not saved" error={general} /> : null}
        {enable.error ? <ErrorState compact what="The principal was not enabled" error={enable.error} /> : null}
      </form>
      <ConfirmDialog
        open={disabling}
        onClose={() => setDisabling(false)}
        title={`Disable ${form.name}?`}
        body="Its sessions end and its tokens stop working until it is enabled again. The audit keeps what it did."
        confirm="Disable principal"
        busy={disable.isPending}
        onConfirm={() => principal && disable.mutate({ id: principal.id })}
      >
        {disable.error ? <ErrorState compact what="The principal was not disabled" error={disable.error} /> : null}
      </ConfirmDialog>
    </Sheet>
  );
}
