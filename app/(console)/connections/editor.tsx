'use client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { PlugZap, Trash2 } from 'lucide-react';
import { useId, useState } from 'react';
import { toast } from 'sonner';
import { fieldError } from '../../data/errors';
import { useTRPC } from '../../data/trpc';
import type { ConnectionRow } from '../../data/types';
import { Button } from '../../ui/button';
import { Field, Input } from '../../ui/field';
import { Sheet } from '../../ui/sheet';
import { ErrorState } from '../../ui/states';
import { CredentialFields } from './credentialFields';
import { type ConnectionForm, draftOf, formOf } from './draft';
import { parseDsn } from './dsn';
import { PolicyFields } from './policyFields';
import { SessionFields } from './sessionFields';
import { Stages } from './stages';
import { TlsFields } from './tlsFields';

export function ConnectionEditor({
  connection,
  onClose,
  onRemove,
}: {
  connection: ConnectionRow | null;
  onClose: () => void;
  onRemove?: () => void;
}) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const formId = useId();
  const [start] = useState(() => formOf(connection));
  const [form, setForm] = useState<ConnectionForm>(start);
  const [dsn, setDsn] = useState('');
  const set = (change: Partial<ConnectionForm>) => setForm((current) => ({ ...current, ...change }));
  const save = useMutation(
    trpc.connections.save.mutationOptions({
      onSuccess: () => {
        toast.success(`Connection ${form.name} saved`);
        void queryClient.invalidateQueries();
        onClose();
      },
    }),
  );
  const test = useMutation(trpc.connections.test.mutationOptions());
  const pasteDsn = (text: string) => {
    setDsn(text);
    const fields = parseDsn(text);
    if (fields === null) return;
    const { port, password, ...rest } = fields;
    set({
      ...rest,
      ...(password === undefined ? {} : { credential: { ...form.credential, place: 'store', password } }),
      ...(port === undefined ? {} : { port: String(port) }),
      ...(form.name === '' && fields.database ? { name: fields.database.replace(/[^\w.@-]/g, '-') } : {}),
    });
  };
  const error = (path: string) => fieldError(save.error, path) ?? fieldError(test.error, path);
  const general = save.error && (save.error.data?.fields.length ?? 0) === 0 ? save.error : null;
  return (
    <Sheet
      open
      onClose={onClose}
      dirty={JSON.stringify(form) !== JSON.stringify(start)}
      title={connection ? `Edit connection ${connection.name}` : 'Add connection'}
      description="Where statements go once they are allowed."
      footer={
        <>
          <Button look="primary" type="submit" form={formId} busy={save.isPending}>
            Save connection
          </Button>
          <Button
            onClick={() => {
              save.reset();
              test.mutate(draftOf(form, connection));
            }}
            busy={test.isPending}
          >
            {test.isPending ? null : <PlugZap aria-hidden />}
            Test connection
          </Button>
          {onRemove ? (
            <Button look="ghost" className="ml-auto text-deny hover:text-deny" onClick={onRemove}>
              <Trash2 aria-hidden />
              Remove connection
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
          save.mutate(draftOf(form, connection));
        }}
      >
        <div className="rounded-xl border border-dashed bg-sunken p-3.5">
          <Field
            label="Paste a connection string"
            hint={
              dsn === ''
                ? 'postgres://user:password@host:5432/database, or host=… user=…'
                : parseDsn(dsn) === null
                  ? 'This is not a PostgreSQL connection string yet.'
                  : 'The fields below are filled in. The string itself is not kept.'
            }
          >
            <Input
              type="password"
              value={dsn}
              onChange={(event) => pasteDsn(event.target.value)}
              placeholder="postgres://…"
              autoComplete="off"
            />
          </Field>
        </div>
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Name" hint="Clients use it as dbname." error={error('name')} className="sm:col-span-2">
            <Input value={form.name} onChange={(event) => set({ name: event.target.value })} required />
          </Field>
          <Field label="Host" error={error('host')}>
            <Input value={form.host} onChange={(event) => set({ host: event.target.value })} />
          </Field>
          <Field label="Port" error={error('port')}>
            <Input value={form.port} inputMode="numeric" onChange={(event) => set({ port: event.target.value })} />
          </Field>
          <Field label="Database" error={error('database')} className="sm:col-span-2">
            <Input value={form.database} onChange={(event) => set({ database: event.target.value })} />
          </Field>
          <Field label="Role to sign in with" error={error('username')} className="sm:col-span-2">
            <Input value={form.username} onChange={(event) => set({ username: event.target.value })} />
          </Field>
          <CredentialFields
            form={form.credential}
            set={(change) => setForm((current) => ({ ...current, credential: { ...current.credential, ...change } }))}
            error={error('password')}
            isStored={connection?.hasPassword === true && connection.passwordFrom === null}
          />
        </div>
        <TlsFields form={form} set={set} error={error} hasKey={connection?.hasTlsKey ?? false} />
        <SessionFields form={form.session} set={(session) => set({ session })} error={error('session')} />
        <PolicyFields form={form} set={set} error={error} />
        {test.error ? (
          <ErrorState compact what="The connection could not be tested" error={test.error} effect="Nothing was saved." />
        ) : null}
        {test.isPending || test.data ? <Stages stages={test.data?.stages ?? null} /> : null}
        {general ? <ErrorState compact what="The connection was not saved" error={general} /> : null}
      </form>
    </Sheet>
  );
}
