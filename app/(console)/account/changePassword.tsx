'use client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useState } from 'react';
import { toast } from 'sonner';
import { fieldError } from '../../data/errors';
import { useTRPC } from '../../data/trpc';
import type { Authenticator } from '../../data/types';
import { Button } from '../../ui/button';
import { Field, Input } from '../../ui/field';
import { ErrorState } from '../../ui/states';
import { AuthenticatorFields } from './authenticator';
import { NewPassword, useNewPassword } from './newPassword';
import { RecoveryCodes } from './recoveryCodes';

interface Proof {
  password: string;
  code: string;
}

export function ChangePassword({ onDone }: { onDone: () => void }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const password = useNewPassword();
  const change = useMutation(
    trpc.localAccounts.changePassword.mutationOptions({
      onSuccess: () => {
        toast.success('Password changed');
        onDone();
        void queries.invalidateQueries();
      },
    }),
  );
  return (
    <ProvedForm
      confirm="Change password"
      failed="The password was not changed"
      note="Whoever is signed in with the password of before is signed out, this browser too if it is one of them."
      busy={change.isPending}
      error={change.error}
      onCancel={onDone}
      onSubmit={(current) => {
        if (password.agrees()) change.mutate({ current, password: password.value });
      }}
    >
      <NewPassword of={password} error={fieldError(change.error, 'password')} />
    </ProvedForm>
  );
}

export function ChangeAuthenticator({ shown, onDone }: { shown: Authenticator; onDone: () => void }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const [code, setCode] = useState('');
  const change = useMutation(
    trpc.localAccounts.changeAuthenticator.mutationOptions({
      onSuccess: () => {
        toast.success('Authenticator changed');
        onDone();
        void queries.invalidateQueries();
      },
    }),
  );
  return (
    <ProvedForm
      confirm="Change authenticator"
      failed="The authenticator was not changed"
      note="The authenticator of before gives no more codes. Whoever is signed in with one of them is signed out, this browser too."
      busy={change.isPending}
      error={change.error}
      onCancel={onDone}
      onSubmit={(current) => change.mutate({ current, pending: shown.pending, code })}
    >
      <AuthenticatorFields shown={shown} code={code} onCode={setCode} error={fieldError(change.error, 'code')} />
    </ProvedForm>
  );
}

export function RenewRecoveryCodes({ onDone }: { onDone: () => void }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const renew = useMutation(trpc.localAccounts.renewRecoveryCodes.mutationOptions());
  const done = () => {
    void queries.invalidateQueries({ queryKey: trpc.localAccounts.pathKey() });
    onDone();
  };
  if (renew.data) return <RecoveryCodes codes={renew.data.recoveryCodes} onKept={done} />;
  return (
    <ProvedForm
      confirm="Make new recovery codes"
      failed="No recovery codes were made"
      note="Those of before stop working."
      busy={renew.isPending}
      error={renew.error}
      onCancel={onDone}
      onSubmit={(current) => renew.mutate({ current })}
    />
  );
}

export function RemovePassword({ onDone }: { onDone: () => void }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const remove = useMutation(
    trpc.localAccounts.removeOwn.mutationOptions({
      onSuccess: () => {
        toast.success('Password removed');
        onDone();
        void queries.invalidateQueries();
      },
    }),
  );
  return (
    <ProvedForm
      confirm="Remove password"
      danger
      failed="The password was not removed"
      note="Password, authenticator and recovery codes sign you in no more. Whoever is signed in with them is signed out, this browser too if it is one of them."
      busy={remove.isPending}
      error={remove.error}
      onCancel={onDone}
      onSubmit={(current) => remove.mutate({ current })}
    />
  );
}

interface ProvedFormProps {
  confirm: string;
  danger?: boolean;
  failed: string;
  note: string;
  busy: boolean;
  error: Parameters<typeof fieldError>[0];
  onCancel: () => void;
  onSubmit: (current: Proof) => void;
  children?: ReactNode;
}

/** Whatever changes, current password and code are asked for again: the browser may be somebody else's by now. */
function ProvedForm({ confirm, danger = false, failed, note, busy, error, onCancel, onSubmit, children }: ProvedFormProps) {
  const [current, setCurrent] = useState<Proof>({ password: '', code: '' });
  const wrong = fieldError(error, 'current');
  const general = error && (error.data?.fields.length ?? 0) === 0 ? error : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit(current);
  };
  return (
    <form onSubmit={submit} className="grid gap-5 rounded-b-xl bg-sunken/50 p-4">
      {children}
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label="Current password" error={wrong}>
          <Input
            type="password"
            autoComplete="current-password"
            required
            maxLength={1_000}
            value={current.password}
            onChange={(event) => setCurrent({ ...current, password: event.target.value })}
          />
        </Field>
        <Field label="Current code" hint="Of the authenticator you have, or a recovery code.">
          <Input
            autoComplete="one-time-code"
            autoCapitalize="none"
            required
            maxLength={40}
            className="font-mono"
            value={current.code}
            onChange={(event) => setCurrent({ ...current, code: event.target.value })}
          />
        </Field>
      </div>
      <p className="text-sm text-ink-2">{note}</p>
      {general ? <ErrorState compact what={failed} error={general} /> : null}
      <div className="flex flex-wrap gap-2">
        <Button type="submit" look={danger ? 'danger' : 'primary'} busy={busy}>
          {confirm}
        </Button>
        <Button onClick={onCancel}>Cancel</Button>
      </div>
    </form>
  );
}
