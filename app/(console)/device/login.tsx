'use client';
import { useMutation, useQuery } from '@tanstack/react-query';
import { CircleCheck, CircleX, SquareTerminal, TriangleAlert } from 'lucide-react';
import { type FormEvent, type ReactNode, useState } from 'react';
import { useMe } from '../../data/me';
import { useTRPC } from '../../data/trpc';
import type { WaitingProgram } from '../../data/types';
import { Button } from '../../ui/button';
import { Card, Fact, Facts } from '../../ui/card';
import { Field, Input } from '../../ui/field';
import { Page } from '../../ui/frame';
import { ErrorState, Skeleton } from '../../ui/states';
import { Time } from '../../ui/time';

/** A program shows a code and waits; the person it belongs to says yes here. */
export function DeviceLogin({ code }: { code: string }) {
  const [typed, setTyped] = useState(code);
  const [asked, setAsked] = useState(code === '' ? null : code);
  const [done, setDone] = useState<'approved' | 'denied' | null>(null);
  return (
    <Page title="Sign in a program" about="A command line or another program waits for you to say that it may act as you.">
      <Card className="mx-auto grid max-w-lg gap-5 p-6">
        {done !== null ? (
          <Done approved={done === 'approved'} />
        ) : asked === null ? (
          <EnterCode
            typed={typed}
            onType={setTyped}
            onSubmit={(event) => {
              event.preventDefault();
              if (typed.trim() !== '') setAsked(typed.trim());
            }}
          />
        ) : (
          <Decide code={asked} onOther={() => setAsked(null)} onDone={setDone} />
        )}
      </Card>
    </Page>
  );
}

function EnterCode({ typed, onType, onSubmit }: { typed: string; onType: (text: string) => void; onSubmit: (event: FormEvent) => void }) {
  return (
    <form onSubmit={onSubmit} className="grid gap-4">
      <Field label="Code" hint="Eight letters that the program shows, e.g. BCDF-GHJK.">
        <Input
          value={typed}
          onChange={(event) => onType(event.target.value)}
          autoComplete="off"
          autoCapitalize="characters"
          spellCheck={false}
          maxLength={20}
          className="font-mono text-lg uppercase tracking-widest"
        />
      </Field>
      <Button type="submit" look="primary" className="justify-self-start">
        Continue
      </Button>
    </form>
  );
}

function Decide({ code, onOther, onDone }: { code: string; onOther: () => void; onDone: (done: 'approved' | 'denied') => void }) {
  const trpc = useTRPC();
  const me = useMe();
  const waiting = useQuery(trpc.device.get.queryOptions({ userCode: code }, { retry: false, refetchOnWindowFocus: false }));
  const decide = useMutation(trpc.device.decide.mutationOptions({ onSuccess: ({ approved }) => onDone(approved ? 'approved' : 'denied') }));
  if (waiting.isPending)
    return (
      <div role="status" aria-label="Looking for the program" className="grid gap-3">
        <Skeleton className="h-5 w-40" />
        <Skeleton className="h-16 w-full" />
      </div>
    );
  if (waiting.error)
    return (
      <>
        <ErrorState compact what="Nothing waits with this code" error={waiting.error} effect="Nobody was signed in." />
        <Button className="justify-self-start" onClick={onOther}>
          Enter another code
        </Button>
      </>
    );
  return (
    <>
      <Program waiting={waiting.data} me={me?.name ?? 'you'} />
      <p className="flex items-start gap-2 rounded-lg bg-hold-soft p-3 text-sm text-hold">
        <TriangleAlert className="mt-0.5 size-4 shrink-0" aria-hidden />
        Say yes only if you started it yourself just now, and it shows the code {code.toUpperCase()}. If somebody sent you here, refuse.
      </p>
      {decide.error ? <ErrorState compact what="That did not work" error={decide.error} effect="Nobody was signed in." /> : null}
      <div className="flex flex-wrap gap-2">
        <Button look="primary" busy={decide.isPending} onClick={() => decide.mutate({ userCode: code, approve: true })}>
          Sign it in as {me?.name ?? 'me'}
        </Button>
        <Button look="reject" disabled={decide.isPending} onClick={() => decide.mutate({ userCode: code, approve: false })}>
          Refuse
        </Button>
      </div>
    </>
  );
}

function Program({ waiting, me }: { waiting: WaitingProgram; me: string }) {
  return (
    <>
      <h2 className="flex items-center gap-2.5 text-lg font-semibold">
        <SquareTerminal className="size-5 text-ink-3" aria-hidden />
        {waiting.client}
      </h2>
      <Facts>
        <Fact name="Will act as">{me}</Fact>
        <Fact name="Opens">{waiting.connections?.join(', ') ?? 'every connection you may use, and the console’s API'}</Fact>
        <Fact name="For">{Math.round(waiting.lifetimeS / 3_600)} hours</Fact>
        <Fact name="Asked from">{waiting.clientAddress}</Fact>
        <Fact name="Asked">
          <Time at={waiting.createdAt} as="ago" />
        </Fact>
      </Facts>
    </>
  );
}

function Done({ approved }: { approved: boolean }): ReactNode {
  const Icon = approved ? CircleCheck : CircleX;
  return (
    <div role="status" className="grid justify-items-center gap-2 py-6 text-center">
      <Icon className={approved ? 'size-10 text-allow' : 'size-10 text-deny'} aria-hidden />
      <h2 className="text-lg font-semibold">{approved ? 'Signed in' : 'Refused'}</h2>
      <p className="text-sm text-ink-2">
        {approved ? 'Go back to the program; this page can be closed.' : 'The program was told no. Nobody was signed in.'}
      </p>
    </div>
  );
}
