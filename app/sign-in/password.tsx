'use client';
import { TriangleAlert } from 'lucide-react';
import { getCsrfToken } from 'next-auth/react';
import { type FormEvent, useRef, useState } from 'react';
import type { LOCAL } from '../../server/auth/linkProvider';
import { Button } from '../ui/button';
import { Field, Input } from '../ui/field';
import { passwordEndedText } from './words';

/** Name, password and code go together: one answer for all three says nothing of any. */
export function PasswordSignIn({ to }: { to: string }) {
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState<string | null>(null);
  const codeField = useRef<HTMLInputElement>(null);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setSaid(null);
    const ended = await attempt(form, to);
    if (ended === 'signedIn') return window.location.assign(to);
    setSaid(passwordEndedText(ended));
    setBusy(false);
    // A code works once: what was typed is of no use.
    if (codeField.current) codeField.current.value = '';
  };
  return (
    <form onSubmit={(event) => void submit(event)} className="grid gap-4 pb-2">
      <Field label="Name or mail address">
        <Input name="name" required autoComplete="username" autoCapitalize="none" maxLength={254} className="h-11" />
      </Field>
      <Field label="Password">
        <Input name="password" type="password" required autoComplete="current-password" maxLength={1_000} className="h-11" />
      </Field>
      <Field label="Code" hint="Six digits of your authenticator, or a recovery code.">
        <Input
          name="code"
          ref={codeField}
          required
          autoComplete="one-time-code"
          autoCapitalize="none"
          maxLength={40}
          className="h-11 font-mono tracking-wider"
        />
      </Field>
      {said === null ? null : (
        <p role="alert" className="flex items-start gap-2 rounded-lg bg-deny-soft p-3 text-sm text-deny">
          <TriangleAlert className="mt-0.5 size-4 shrink-0" aria-hidden />
          {said}
        </p>
      )}
      <Button type="submit" look="primary" size="lg" className="w-full" busy={busy}>
        Sign in
      </Button>
    </form>
  );
}

/** How it ended: next-auth's word for a refusal, ours, or `unreachable`. */
async function attempt(form: FormData, to: string): Promise<string> {
  try {
    const answer = await fetch(`/api/auth/callback/${'_local' satisfies typeof LOCAL}`, {
      method: 'POST',
      body: new URLSearchParams({
        csrfToken: (await getCsrfToken()) ?? '',
        callbackUrl: to,
        json: 'true',
        name: String(form.get('name') ?? ''),
        password: String(form.get('password') ?? ''),
        code: String(form.get('code') ?? ''),
      }),
    });
    if (answer.status === 429) return 'wait';
    const { url } = (await answer.json()) as { url?: string };
    const error = url === undefined ? 'unreachable' : new URL(url, window.location.origin).searchParams.get('error');
    return answer.ok && error === null ? 'signedIn' : (error ?? 'refused');
  } catch {
    return 'unreachable';
  }
}
