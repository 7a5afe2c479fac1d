'use client';
import { useMutation } from '@tanstack/react-query';
import { Link2, TriangleAlert } from 'lucide-react';
import { useTRPC } from '../../data/trpc';
import type { PrincipalRow } from '../../data/types';
import { Button } from '../../ui/button';
import { CopyLine } from '../../ui/copy';
import { Sheet } from '../../ui/sheet';
import { ErrorState } from '../../ui/states';
import { Time } from '../../ui/time';

/** Lets a person in to this console: a link that works once, to be handed over by another way. */
export function SignInLink({ principal, onClose }: { principal: PrincipalRow; onClose: () => void }) {
  const trpc = useTRPC();
  const make = useMutation(trpc.principals.signInLink.mutationOptions());
  return (
    <Sheet
      open
      onClose={onClose}
      title={`Sign-in link for ${principal.name}`}
      description="It works once, within 15 minutes. Whoever opens it is that person here."
    >
      <div className="grid gap-4">
        {make.data ? (
          <section role="status" className="grid gap-3 rounded-xl border border-hold/40 bg-hold-soft p-4">
            <p className="flex items-start gap-2 text-sm font-semibold text-hold">
              <TriangleAlert className="mt-0.5 size-4 shrink-0" aria-hidden />
              Copy the link now and give it to {principal.name} alone. It is shown this once.
            </p>
            <CopyLine text={`${window.location.origin}${make.data.path}`} label="sign-in link" />
            <p className="text-xs text-ink-2">
              Expires <Time at={make.data.expiresAt} as="full" />
            </p>
          </section>
        ) : (
          <>
            <p className="text-sm text-ink-2">
              {principal.name} signs in with role <b className="font-semibold text-ink">{principal.role}</b>. Making a link is recorded
              under Console actions.
            </p>
            <div>
              <Button look="primary" onClick={() => make.mutate({ principal: principal.id })} busy={make.isPending}>
                <Link2 aria-hidden />
                Create sign-in link
              </Button>
            </div>
          </>
        )}
        {make.error ? <ErrorState compact what="No link was made" error={make.error} /> : null}
      </div>
    </Sheet>
  );
}
