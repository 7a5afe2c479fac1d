'use client';
import { KeyRound, TriangleAlert } from 'lucide-react';
import { signIn } from 'next-auth/react';
import { useCallback, useEffect, useRef, useState } from 'react';
import type { LINK } from '../../server/auth/linkProvider';
import { Button } from '../ui/button';
import { Card } from '../ui/card';
import { CopyLine } from '../ui/copy';

type Attempt = { state: 'idle' } | { state: 'busy' } | { state: 'refused' } | { state: 'unreachable' };

/** Redeems a one-time link. */
export function RedeemLink({ link, to }: { link: string; to: string }) {
  const [attempt, setAttempt] = useState<Attempt>({ state: 'idle' });
  // The secret should not stay in the address bar, the history or a screenshot.
  useEffect(() => {
    window.history.replaceState(null, '', to === '/' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(to)}`);
  }, [to]);

  const redeem = useCallback(async () => {
    setAttempt({ state: 'busy' });
    try {
      const result = await signIn('_link' satisfies typeof LINK, { link, redirect: false, callbackUrl: to });
      if (result?.ok && !result.error) window.location.assign(to);
      else setAttempt({ state: 'refused' });
    } catch {
      setAttempt({ state: 'unreachable' });
    }
  }, [link, to]);

  // Whoever opened the link wants to be signed in. It is a POST that a script makes, so what only follows links cannot spend it.
  const tried = useRef(false);
  useEffect(() => {
    if (tried.current) return;
    tried.current = true;
    void redeem();
  }, [redeem]);

  if (attempt.state === 'refused') return <LinkCard title="This link no longer works" refused />;
  return (
    <Card className="p-6">
      <h1 className="text-xl font-semibold tracking-tight">Sign in to the console</h1>
      <p className="mt-1.5 text-sm text-ink-2">This link signs you in once, on this browser, for 12 hours. It then stops working.</p>
      {attempt.state === 'unreachable' ? (
        <p role="alert" className="mt-4 flex items-start gap-2 rounded-lg bg-deny-soft p-3 text-sm text-deny">
          <TriangleAlert className="mt-0.5 size-4 shrink-0" aria-hidden />
          The gateway did not answer. The link has not been used; check that Gatehouse is running and try again.
        </p>
      ) : null}
      <Button look="primary" size="lg" className="mt-5 w-full" onClick={redeem} busy={attempt.state === 'busy'}>
        <KeyRound aria-hidden />
        Sign in
      </Button>
    </Card>
  );
}

/** Where no provider is configured, or a link did not work. */
export function LinkCard({ title, refused = false }: { title: string; refused?: boolean }) {
  return (
    <Card className="p-6">
      <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
      <HowToGetALink refused={refused} />
    </Card>
  );
}

export function HowToGetALink({ refused = false }: { refused?: boolean }) {
  return (
    <>
      <p className="mt-1.5 text-sm text-ink-2" role={refused ? 'alert' : undefined}>
        {refused
          ? 'It has been used already, or its time has passed. You were not signed in. Get a new one:'
          : 'Gatehouse prints a sign-in link where it was started. It works once, for 15 minutes.'}
      </p>
      <ol className="mt-4 grid gap-4 text-sm">
        <li className="grid gap-2">
          <span>
            <b className="font-semibold">1.</b> Start or restart the gateway and look for the line that begins with “Sign in”:
          </span>
          <CopyLine text="npm start" label="start command" />
        </li>
        <li>
          <b className="font-semibold">2.</b> Open the link it prints in this browser.
        </li>
      </ol>
    </>
  );
}
