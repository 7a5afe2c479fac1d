'use client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { LogOut } from 'lucide-react';
import { useState } from 'react';
import { toast } from 'sonner';
import { useTRPC } from '../../data/trpc';
import type { PrincipalRow } from '../../data/types';
import { Button } from '../../ui/button';
import { Section } from '../../ui/card';
import { ConfirmDialog } from '../../ui/confirm';
import { ErrorState } from '../../ui/states';

/** For a lost laptop or a stolen token of a provider's: whatever was issued before is not believed any more. */
export function SignOutEverywhere({ principal }: { principal: PrincipalRow }) {
  const trpc = useTRPC();
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const signOut = useMutation(
    trpc.principals.signOut.mutationOptions({
      onSuccess: () => {
        toast.success(`${principal.name} is signed out everywhere`);
        void queries.invalidateQueries();
        setAsking(false);
      },
    }),
  );
  return (
    <Section title="Everywhere">
      <p className="text-sm text-ink-2">
        Ends console sign-ins, access tokens and sessions, and believes no identity that a provider issued before now. {principal.name} may
        sign in anew. API keys stay: they are revoked one by one.
      </p>
      <Button look="reject" className="justify-self-start" onClick={() => setAsking(true)}>
        <LogOut aria-hidden />
        Sign out everywhere
      </Button>
      {asking ? (
        <ConfirmDialog
          open
          onClose={() => setAsking(false)}
          onConfirm={() => signOut.mutate({ principal: principal.id })}
          title={`Sign ${principal.name} out everywhere?`}
          body="Open sessions end within seconds, what they wait for is withdrawn, and access tokens stop working."
          confirm="Sign out everywhere"
          busy={signOut.isPending}
          error={signOut.error ? <ErrorState compact what="Nobody was signed out" error={signOut.error} /> : null}
        />
      ) : null}
    </Section>
  );
}
