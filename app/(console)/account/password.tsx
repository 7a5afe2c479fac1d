'use client';
import { useMutation, useQuery } from '@tanstack/react-query';
import { LockKeyhole, Trash2 } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { useTRPC } from '../../data/trpc';
import type { Authenticator, OwnLocalAccount } from '../../data/types';
import { Button } from '../../ui/button';
import { Card } from '../../ui/card';
import { Empty, ErrorState, SkeletonRows, sentence } from '../../ui/states';
import { Time } from '../../ui/time';
import { ChangeAuthenticator, ChangePassword, RemovePassword, RenewRecoveryCodes } from './changePassword';
import { SetUpPassword } from './setUpPassword';

type Doing = { what: 'setUp' | 'authenticator'; shown: Authenticator } | { what: 'password' | 'recoveryCodes' | 'remove' } | null;

/** The password of whoever looks, and its second factor. */
export function Password() {
  const trpc = useTRPC();
  const [doing, setDoing] = useState<Doing>(null);
  const own = useQuery(trpc.localAccounts.get.queryOptions());
  const begin = useMutation(trpc.localAccounts.begin.mutationOptions());
  const show = async (what: 'setUp' | 'authenticator') => {
    const shown = await begin.mutateAsync().catch(() => null);
    if (shown !== null) setDoing({ what, shown });
  };
  const done = () => setDoing(null);
  return (
    <Card>
      <header className="flex flex-wrap items-center justify-between gap-x-6 gap-y-3 border-b px-4 py-3">
        <div className="min-w-0 flex-1 basis-72">
          <h2 className="text-base font-semibold">Password</h2>
          <p className="text-sm text-ink-2">Signs you in without a link, together with a code of an authenticator app: never alone.</p>
        </div>
        {own.data?.state === 'none' && doing === null ? (
          <Button onClick={() => void show('setUp')} busy={begin.isPending}>
            <LockKeyhole aria-hidden />
            Set up a password
          </Button>
        ) : null}
      </header>
      {own.error && !own.data ? (
        <ErrorState what="Your password could not be loaded" error={own.error} onRetry={() => void own.refetch()} />
      ) : null}
      {own.isPending ? <SkeletonRows rows={1} label="Loading password" /> : null}
      {begin.error ? <ErrorState what="No authenticator was made" error={begin.error} /> : null}
      {doing?.what === 'setUp' ? <SetUpPassword shown={doing.shown} onDone={done} /> : null}
      {doing?.what === 'authenticator' ? <ChangeAuthenticator shown={doing.shown} onDone={done} /> : null}
      {doing?.what === 'password' ? <ChangePassword onDone={done} /> : null}
      {doing?.what === 'remove' ? <RemovePassword onDone={done} /> : null}
      {doing?.what === 'recoveryCodes' ? <RenewRecoveryCodes onDone={done} /> : null}
      {own.data?.state === 'notOffered' ? <p className="px-4 py-5 text-sm text-ink-2">{sentence(own.data.why)}</p> : null}
      {own.data?.state === 'none' && doing === null ? (
        <Empty icon={LockKeyhole} title="No password yet">
          Setting one up takes a phone with an authenticator app.
        </Empty>
      ) : null}
      {own.data?.state === 'set' && doing === null ? (
        <Stands own={own.data} busy={begin.isPending} onDo={setDoing} onAuthenticator={() => void show('authenticator')} />
      ) : null}
    </Card>
  );
}

interface StandsProps {
  own: Extract<OwnLocalAccount, { state: 'set' }>;
  busy: boolean;
  onDo: (doing: { what: 'password' | 'recoveryCodes' | 'remove' }) => void;
  onAuthenticator: () => void;
}

function Stands({ own, busy, onDo, onAuthenticator }: StandsProps) {
  const left = own.recoveryCodesLeft;
  return (
    <ul className="divide-y">
      <Line
        name="Password and authenticator"
        about={
          <>
            Set <Time at={own.changedAt} as="ago" />
          </>
        }
      >
        <Button size="sm" onClick={() => onDo({ what: 'password' })}>
          Change password
        </Button>
        <Button size="sm" onClick={onAuthenticator} busy={busy}>
          Change authenticator
        </Button>
        <Button size="sm" onClick={() => onDo({ what: 'remove' })}>
          <Trash2 aria-hidden />
          Remove password
        </Button>
      </Line>
      <Line
        name="Recovery codes"
        about={<span className={left <= 2 ? 'text-hold' : ''}>{left === 0 ? 'None left: make new ones' : `${left} left`}</span>}
      >
        <Button size="sm" onClick={() => onDo({ what: 'recoveryCodes' })}>
          New recovery codes
        </Button>
      </Line>
    </ul>
  );
}

function Line({ name, about, children }: { name: string; about: ReactNode; children: ReactNode }) {
  return (
    <li className="flex flex-wrap items-center justify-between gap-x-6 gap-y-2.5 px-4 py-3.5">
      <div className="min-w-0 flex-1 basis-52">
        <h3 className="text-sm font-semibold">{name}</h3>
        <p className="text-xs text-ink-2">{about}</p>
      </div>
      <div className="flex flex-wrap gap-2">{children}</div>
    </li>
  );
}
