'use client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Trash2 } from 'lucide-react';
import { useState } from 'react';
import { toast } from 'sonner';
import { useTRPC } from '../../data/trpc';
import type { PrincipalRow } from '../../data/types';
import { Button } from '../../ui/button';
import { Section } from '../../ui/card';
import { ConfirmDialog } from '../../ui/confirm';
import { ErrorState } from '../../ui/states';

/** Somebody's own way into the console: only they change it, and an administrator takes it away. */
export function PasswordOf({ principal, isAdmin }: { principal: PrincipalRow; isAdmin: boolean }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const [removing, setRemoving] = useState(false);
  const [removed, setRemoved] = useState(false);
  const remove = useMutation(
    trpc.localAccounts.remove.mutationOptions({
      onSuccess: () => {
        toast.success(`Password of ${principal.name} removed`);
        setRemoving(false);
        setRemoved(true);
        void queries.invalidateQueries();
      },
    }),
  );
  if (removed) return null;
  return (
    <Section title="Password">
      <p className="text-sm text-ink-2">
        {principal.name} signs in with a password and codes of an authenticator. If either is lost or stolen, remove both and give a sign-in
        link: they set up new ones.
      </p>
      {isAdmin ? (
        <Button look="reject" className="justify-self-start" onClick={() => setRemoving(true)}>
          <Trash2 aria-hidden />
          Remove password
        </Button>
      ) : null}
      <ConfirmDialog
        open={removing}
        onClose={() => setRemoving(false)}
        onConfirm={() => remove.mutate({ principal: principal.id })}
        title={`Remove the password of ${principal.name}?`}
        body="Password, authenticator and recovery codes stop working. Consoles they opened are signed out, and open sessions end."
        confirm="Remove password"
        busy={remove.isPending}
        error={remove.error ? <ErrorState compact what="The password was not removed" error={remove.error} /> : null}
      />
    </Section>
  );
}
