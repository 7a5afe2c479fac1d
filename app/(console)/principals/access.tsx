'use client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { DoorOpen, Pencil, Plus, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { toast } from 'sonner';
import { fieldError } from '../../data/errors';
import { useTRPC } from '../../data/trpc';
import { Badge } from '../../ui/badge';
import { Button } from '../../ui/button';
import { Card } from '../../ui/card';
import { Field } from '../../ui/field';
import { Names } from '../../ui/names';
import { Sheet } from '../../ui/sheet';
import { Empty, ErrorState, SkeletonRows } from '../../ui/states';

interface Entry {
  connections: string[];
  groups: string[];
}

/** Which groups may open sessions on which connections. */
export function AccessList({ isAdmin }: { isAdmin: boolean }) {
  const trpc = useTRPC();
  const [editing, setEditing] = useState(false);
  const access = useQuery(trpc.access.list.queryOptions());
  return (
    <section aria-labelledby="access-title">
      <div className="mb-2.5 flex items-end justify-between gap-3">
        <div>
          <h2 id="access-title" className="text-base font-semibold">
            Access
          </h2>
          <p className="text-sm text-ink-2">No line, no session: a group reaches a connection only if a line here says so.</p>
        </div>
        {isAdmin && access.data ? (
          <Button onClick={() => setEditing(true)}>
            <Pencil aria-hidden />
            Edit access
          </Button>
        ) : null}
      </div>
      <Card>
        {access.error && !access.data ? (
          <ErrorState what="The access list could not be loaded" error={access.error} onRetry={() => void access.refetch()} />
        ) : null}
        {access.isPending ? <SkeletonRows rows={2} label="Loading access" /> : null}
        {access.data?.length === 0 ? (
          <Empty icon={DoorOpen} title="Nobody has access">
            Add a line that names a connection and a group.
          </Empty>
        ) : null}
        <ul className="divide-y">
          {access.data?.map((row) => (
            <li key={row.id} className="flex flex-wrap items-center gap-1.5 px-4 py-3 text-sm">
              {row.groups.map((group) => (
                <Badge key={group}>{group}</Badge>
              ))}
              <span className="px-1 text-ink-3">may connect to</span>
              {row.connections.map((connection) => (
                <Badge key={connection} tone="accent">
                  {connection === '*' ? 'every connection' : connection}
                </Badge>
              ))}
            </li>
          ))}
        </ul>
      </Card>
      {editing && access.data ? (
        <AccessEditor start={access.data.map(({ connections, groups }) => ({ connections, groups }))} onClose={() => setEditing(false)} />
      ) : null}
    </section>
  );
}

function AccessEditor({ start, onClose }: { start: Entry[]; onClose: () => void }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const [entries, setEntries] = useState(start);
  const connections = useQuery(trpc.connections.list.queryOptions()).data?.map((one) => one.name) ?? [];
  const groups = useQuery(trpc.groups.list.queryOptions()).data?.map((one) => one.name) ?? [];
  const save = useMutation(
    trpc.access.save.mutationOptions({
      onSuccess: () => {
        toast.success('Access saved');
        void queryClient.invalidateQueries();
        onClose();
      },
    }),
  );
  const change = (index: number, next: Partial<Entry>) =>
    setEntries(entries.map((entry, at) => (at === index ? { ...entry, ...next } : entry)));
  return (
    <Sheet
      open
      onClose={onClose}
      dirty={JSON.stringify(entries) !== JSON.stringify(start)}
      title="Edit access"
      description="Names may contain *."
      footer={
        <>
          <Button look="primary" onClick={() => save.mutate({ entries })} busy={save.isPending}>
            Save access
          </Button>
          <Button onClick={() => setEntries([...entries, { connections: [], groups: [] }])}>
            <Plus aria-hidden />
            Add line
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        {entries.map((entry, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines have no identity before they are saved
          <fieldset key={index} className="grid gap-3 rounded-xl border p-4">
            <legend className="sr-only">Line {index + 1}</legend>
            <Field label="Groups" error={fieldError(save.error, `entries[${index}].groups`)}>
              <Names values={entry.groups} onChange={(next) => change(index, { groups: next })} suggestions={groups} />
            </Field>
            <Field label="Connections" error={fieldError(save.error, `entries[${index}].connections`)}>
              <Names
                values={entry.connections}
                onChange={(next) => change(index, { connections: next })}
                suggestions={['*', ...connections]}
              />
            </Field>
            <Button
              size="sm"
              look="ghost"
              className="justify-self-end text-deny hover:text-deny"
              onClick={() => setEntries(entries.filter((_, at) => at !== index))}
            >
              <Trash2 aria-hidden />
              Remove line {index + 1}
            </Button>
          </fieldset>
        ))}
        {save.error ? <ErrorState compact what="Access was not saved" error={save.error} /> : null}
      </div>
    </Sheet>
  );
}
