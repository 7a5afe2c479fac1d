'use client';
import { KeyRound, TriangleAlert } from 'lucide-react';
import { getCsrfToken } from 'next-auth/react';
import { type ReactNode, useState } from 'react';
import type { SignOnWay } from '../../server/auth/providers';
import { Button } from '../ui/button';
import { Card } from '../ui/card';
import { cx } from '../ui/classes';
import { HowToGetALink } from './redeem';
import { type Notice, unavailableText } from './words';

interface Props {
  ways: readonly SignOnWay[];
  to: string;
  notice: Notice | null;
  /** Ways that are no provider's. */
  children?: ReactNode;
}

/** A button for each provider, and the one-time link for who has none of them. */
export function SignOn({ ways, to, notice, children }: Props) {
  const [busy, setBusy] = useState<string | null>(null);
  const [said, setSaid] = useState(notice);
  const begin = async (way: SignOnWay) => {
    setBusy(way.name);
    setSaid(null);
    const address = way.type === 'saml' ? samlAddress(way, to) : await oidcAddress(way, to);
    if (address !== null) window.location.assign(address);
    else {
      setSaid({ tone: 'hold', text: unavailableText(way.label) });
      setBusy(null);
    }
  };
  return (
    <Card className="p-6">
      <h1 className="text-xl font-semibold tracking-tight">Sign in to the console</h1>
      <div aria-live="polite">
        {said === null ? null : (
          <p
            role="alert"
            className={cx(
              'mt-4 flex items-start gap-2 rounded-lg p-3 text-sm',
              said.tone === 'deny' ? 'bg-deny-soft text-deny' : 'bg-hold-soft text-hold',
            )}
          >
            <TriangleAlert className="mt-0.5 size-4 shrink-0" aria-hidden />
            {said.text}
          </p>
        )}
      </div>
      <div className="mt-5 grid min-w-0 grid-cols-1 gap-2.5">
        {children}
        {ways.map((way) => (
          <Button
            key={way.name}
            look={ways.length === 1 && !children ? 'primary' : 'secondary'}
            size="lg"
            className="w-full min-w-0"
            busy={busy === way.name}
            disabled={busy !== null}
            onClick={() => void begin(way)}
          >
            {busy === way.name ? null : <KeyRound aria-hidden />}
            <span className="min-w-0 truncate">Sign in with {way.label}</span>
          </Button>
        ))}
      </div>
      <details className="mt-6 border-t pt-4">
        <summary className="cursor-pointer text-sm text-ink-2 hover:text-ink">Sign in with a one-time link</summary>
        <HowToGetALink />
      </details>
    </Card>
  );
}

const samlAddress = ({ name }: SignOnWay, to: string) => `/api/saml/${encodeURIComponent(name)}/login?next=${encodeURIComponent(to)}`;

/** Where the provider signs people in; null when it, or the gateway, does not answer. */
async function oidcAddress({ name }: SignOnWay, to: string): Promise<string | null> {
  try {
    const answer = await fetch(`/api/auth/signin/${encodeURIComponent(name)}`, {
      method: 'POST',
      body: new URLSearchParams({ csrfToken: (await getCsrfToken()) ?? '', callbackUrl: to, json: 'true' }),
    });
    const { url } = (await answer.json()) as { url?: string };
    // An address of ours is next-auth's page for errors.
    return url === undefined || new URL(url, window.location.origin).origin === window.location.origin ? null : url;
  } catch {
    return null;
  }
}
