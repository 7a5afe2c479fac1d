'use client';
import { useQuery } from '@tanstack/react-query';
import { useTRPC } from '../../data/trpc';
import { Field, Input, Select } from '../../ui/field';
import { Names } from '../../ui/names';
import type { FieldsProps } from './editor';
import type { RuleForm } from './form';

/** What happens when the rule matches, and to whom it speaks. */
export function VerdictFields({ form, set, error }: FieldsProps) {
  const trpc = useTRPC();
  const connections = useQuery(trpc.connections.list.queryOptions()).data?.map((one) => one.name) ?? [];
  const groups = useQuery(trpc.groups.list.queryOptions()).data?.map((one) => one.name) ?? [];
  return (
    <>
      <fieldset className="grid gap-4 border-t pt-4">
        <legend className="sr-only">Verdict</legend>
        <Field label="Then" error={error('action')}>
          <Select value={form.action} onChange={(event) => set({ action: event.target.value as RuleForm['action'] })}>
            <option value="deny">Deny the statement</option>
            <option value="hold">Hold it for approval</option>
            <option value="allow">Allow it</option>
          </Select>
        </Field>
        <Field label="Message to the client" optional error={error('message')}>
          <Input value={form.message} maxLength={500} onChange={(event) => set({ message: event.target.value })} />
        </Field>
        {form.action === 'hold' ? (
          <div className="grid gap-4 rounded-xl bg-sunken p-4 sm:grid-cols-2">
            <Field label="Reviewers’ groups" className="sm:col-span-2" error={error('approval.groups')}>
              <Names values={form.approvers} onChange={(approvers) => set({ approvers })} suggestions={groups} empty="Any reviewer." />
            </Field>
            <Field label="Approvals needed" error={error('approval.count')}>
              <Input inputMode="numeric" value={form.count} onChange={(event) => set({ count: event.target.value })} />
            </Field>
            <Field label="Expires after, minutes" error={error('approval.expiresInMs')}>
              <Input inputMode="decimal" value={form.expiresMinutes} onChange={(event) => set({ expiresMinutes: event.target.value })} />
            </Field>
            <Field label="Inside a transaction" error={error('approval.at')}>
              <Select value={form.at} onChange={(event) => set({ at: event.target.value as RuleForm['at'] })}>
                <option value="statement">Hold the statement</option>
                <option value="commit">Run it, hold the COMMIT</option>
              </Select>
            </Field>
            <Field label="Dry run" error={error('approval.dryRun')}>
              <Select value={form.dryRun ? 'yes' : 'no'} onChange={(event) => set({ dryRun: event.target.value === 'yes' })}>
                <option value="no">When a reviewer asks</option>
                <option value="yes">As soon as it is held</option>
              </Select>
            </Field>
            <Field
              label="Passkey"
              className="sm:col-span-2"
              hint="Who approves it confirms that with a fresh passkey in the console; the command line and chat cannot then."
              error={error('approval.passkey')}
            >
              <Select value={form.passkey ? 'required' : 'no'} onChange={(event) => set({ passkey: event.target.value === 'required' })}>
                <option value="no">Not asked for</option>
                <option value="required">Required for each approval</option>
              </Select>
            </Field>
            <Field
              label="Break-glass groups"
              className="sm:col-span-2"
              hint="Their members may run it at once with a reason; it is recorded and announced."
              error={error('approval.breakGlass')}
            >
              <Names values={form.breakGlass} onChange={(breakGlass) => set({ breakGlass })} suggestions={groups} empty="Nobody." />
            </Field>
          </div>
        ) : null}
      </fieldset>
      <fieldset className="grid gap-4 border-t pt-4 sm:grid-cols-2">
        <legend className="sr-only">Who and where</legend>
        <Field label="Connections" error={error('connections')}>
          <Names
            values={form.connections}
            onChange={(next) => set({ connections: next })}
            suggestions={connections}
            empty="All connections."
          />
        </Field>
        <Field label="Groups" error={error('groups')}>
          <Names values={form.groups} onChange={(next) => set({ groups: next })} suggestions={groups} empty="Everyone." />
        </Field>
      </fieldset>
    </>
  );
}
