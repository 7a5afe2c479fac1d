'use client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { fieldError } from '../../data/errors';
import { useTRPC } from '../../data/trpc';
import type { Authenticator } from '../../data/types';
import { Button } from '../../ui/button';
import { ErrorState } from '../../ui/states';
import { AuthenticatorFields } from './authenticator';
import { NewPassword, useNewPassword } from './newPassword';
import { RecoveryCodes } from './recoveryCodes';

/** Password, authenticator and recovery codes, all three or nothing. */
export function SetUpPassword({ shown, onDone }: { shown: Authenticator; onDone: () => void }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const password = useNewPassword();
  const [code, setCode] = useState('');
  const enrol = useMutation(trpc.localAccounts.enrol.mutationOptions());
  const done = () => {
    void queries.invalidateQueries({ queryKey: trpc.localAccounts.pathKey() });
    onDone();
  };
  if (enrol.data) return <RecoveryCodes codes={enrol.data.recoveryCodes} onKept={done} />;
  const general = enrol.error && (enrol.error.data?.fields.length ?? 0) === 0 ? enrol.error : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (password.agrees()) enrol.mutate({ password: password.value, pending: shown.pending, code });
  };
  return (
    <form onSubmit={submit} className="grid gap-5 rounded-b-xl bg-sunken/50 p-4">
      <NewPassword of={password} error={fieldError(enrol.error, 'password')} />
      <AuthenticatorFields shown={shown} code={code} onCode={setCode} error={fieldError(enrol.error, 'code')} />
      {general ? <ErrorState compact what="No password was set up" error={general} /> : null}
      <div className="flex flex-wrap gap-2">
        <Button type="submit" look="primary" busy={enrol.isPending}>
          Set up password
        </Button>
        <Button onClick={onDone}>Cancel</Button>
      </div>
    </form>
  );
}
