'use client';
import { Fingerprint } from 'lucide-react';
import { signIn } from 'next-auth/react';
import { useState } from 'react';
import type { PASSKEY } from '../../server/auth/linkProvider';
import { signWithPasskey } from '../passkeys/ceremony';
import { Elsewhere, useIsAt } from '../passkeys/elsewhere';
import { Button } from '../ui/button';

const REFUSED = 'The passkey was not accepted, and you were not signed in. An administrator finds the reason under Console actions.';
const UNREACHABLE = 'You were not signed in: the gateway did not answer, or this address has tried too often. Try again in a minute.';

/** Signs in whom a passkey proves. Nobody says who they are first: the browser shows the passkeys it has. */
export function PasskeySignIn({ origin, to }: { origin: string; to: string }) {
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState<string | null>(null);
  const isHere = useIsAt(origin);
  const begin = async () => {
    setBusy(true);
    setSaid(null);
    const why = await attempt(to);
    if (why === null) window.location.assign(to);
    else {
      setSaid(why);
      setBusy(false);
    }
  };
  return (
    <div className="grid gap-2">
      <Button look="primary" size="lg" className="w-full" busy={busy} disabled={!isHere} onClick={() => void begin()}>
        {busy ? null : <Fingerprint aria-hidden />}
        Sign in with a passkey
      </Button>
      {isHere ? null : (
        <p className="text-sm text-ink-2">
          <Elsewhere origin={origin} />
        </p>
      )}
      <p role="alert" className="rounded-lg bg-hold-soft p-3 text-sm text-hold empty:hidden">
        {said}
      </p>
    </div>
  );
}

/** Null when signed in; otherwise why not. */
async function attempt(to: string): Promise<string | null> {
  let options: Parameters<typeof signWithPasskey>[0];
  try {
    const answer = await fetch('/api/passkey', { method: 'POST' });
    if (!answer.ok) return UNREACHABLE;
    options = await answer.json();
  } catch {
    return UNREACHABLE;
  }
  let assertion: Awaited<ReturnType<typeof signWithPasskey>>;
  try {
    assertion = await signWithPasskey(options);
  } catch (error) {
    return error instanceof Error ? error.message : REFUSED;
  }
  try {
    const fields = { assertion: JSON.stringify(assertion), redirect: false, callbackUrl: to } as const;
    const result = await signIn('_passkey' satisfies typeof PASSKEY, fields);
    return result?.ok && !result.error ? null : REFUSED;
  } catch {
    return UNREACHABLE;
  }
}
