'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { toast } from 'sonner';
import { fieldError } from '../../data/errors';
import { useTRPC } from '../../data/trpc';
import type { ChannelRow } from '../../data/types';
import { Button } from '../../ui/button';
import { Check, Field, Input, Select } from '../../ui/field';
import { Names } from '../../ui/names';
import { Sheet } from '../../ui/sheet';
import { ErrorState } from '../../ui/states';
import { EVENT_GROUPS, EVENT_WORDS, KIND_WORDS } from './events';
import { type ChannelForm, draftOf, formOf } from './form';
import { TargetFields } from './targetFields';

interface EditorProps {
  channel: ChannelRow | null;
  onClose: () => void;
  /** A new webhook's signing secret: shown once, by whoever opened the editor. */
  onSecret: (channel: string, secret: string) => void;
}

export function ChannelEditor({ channel, onClose, onSecret }: EditorProps) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const formId = useId();
  const [start] = useState(() => formOf(channel));
  const [form, setForm] = useState(start);
  const set = (change: Partial<ChannelForm>) => setForm((current) => ({ ...current, ...change }));
  const connections = useQuery(trpc.connections.list.queryOptions());
  const groups = useQuery(trpc.groups.list.queryOptions());
  const save = useMutation(
    trpc.notifications.save.mutationOptions({
      onSuccess: ({ secret }) => {
        toast.success(`Channel ${form.name} saved`);
        void queryClient.invalidateQueries();
        if (secret === null) onClose();
        else onSecret(form.name, secret);
      },
    }),
  );
  const error = (path: string) => fieldError(save.error, path);
  const general = save.error && (save.error.data?.fields.length ?? 0) === 0 ? save.error : null;
  const toggle = (kind: ChannelForm['events'][number], on: boolean) =>
    set({ events: on ? [...form.events, kind] : form.events.filter((one) => one !== kind) });
  return (
    <Sheet
      open
      onClose={onClose}
      dirty={JSON.stringify(form) !== JSON.stringify(start)}
      title={channel ? `Edit channel ${channel.name}` : 'Add channel'}
      description="Where Gatehouse says that something waits for a person, or what became of it."
      footer={
        <Button look="primary" type="submit" form={formId} busy={save.isPending}>
          Save channel
        </Button>
      }
    >
      <form
        id={formId}
        noValidate
        className="grid gap-5"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate(draftOf(form, channel));
        }}
      >
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Name" error={error('name')}>
            <Input value={form.name} onChange={(event) => set({ name: event.target.value })} placeholder="dba-alerts" />
          </Field>
          <Field label="Kind" error={error('target.kind')}>
            <Select
              value={form.kind}
              disabled={channel !== null}
              onChange={(event) => set({ kind: event.target.value as ChannelForm['kind'] })}
            >
              {Object.entries(KIND_WORDS).map(([kind, words]) => (
                <option key={kind} value={kind}>
                  {words}
                </option>
              ))}
            </Select>
          </Field>
        </div>
        <TargetFields form={form} set={set} error={error} stored={channel !== null} />
        <fieldset className="grid gap-3 border-t pt-4">
          <legend className="sr-only">Events</legend>
          {EVENT_GROUPS.map((group) => (
            <div key={group.name}>
              <p className="text-sm font-medium">{group.name}</p>
              <div className="grid sm:grid-cols-2 sm:gap-x-4">
                {group.kinds.map((kind) => (
                  <Check
                    key={kind}
                    label={EVENT_WORDS[kind]}
                    checked={form.events.includes(kind)}
                    onChange={(event) => toggle(kind, event.target.checked)}
                  />
                ))}
              </div>
            </div>
          ))}
          {error('events') ? (
            <p role="alert" className="text-xs text-deny">
              {error('events')}
            </p>
          ) : null}
        </fieldset>
        <div className="grid gap-4 border-t pt-4">
          <Field label="Connections" optional hint="Only what happens on these." error={error('connections')}>
            <Names
              values={form.connections}
              onChange={(next) => set({ connections: next })}
              suggestions={connections.data?.map(({ name }) => name) ?? []}
              empty="All connections."
            />
          </Field>
          <Field label="Reviewer groups" optional hint="Only what members of these groups may decide." error={error('groups')}>
            <Names
              values={form.groups}
              onChange={(next) => set({ groups: next })}
              suggestions={groups.data?.map(({ name }) => name) ?? []}
              empty="All groups."
            />
          </Field>
          <Check
            label="Include the text of statements"
            hint="Without it, messages show a statement’s shape: every literal is a question mark. Literals can be personal data."
            checked={form.includeSql}
            onChange={(event) => set({ includeSql: event.target.checked })}
          />
        </div>
        {general ? <ErrorState compact what="The channel was not saved" error={general} /> : null}
      </form>
    </Sheet>
  );
}
