'use client';
import { encode } from 'uqr';
import type { Authenticator } from '../../data/types';
import { CopyButton } from '../../ui/copy';
import { Field, Input } from '../../ui/field';

interface Props {
  shown: Authenticator;
  code: string;
  onCode: (code: string) => void;
  error: string | undefined;
}

/** What an app scans, or a person types, and the code that comes back. */
export function AuthenticatorFields({ shown, code, onCode, error }: Props) {
  return (
    <div className="grid gap-4 sm:grid-cols-[auto_minmax(0,1fr)] sm:gap-6">
      <Scan text={shown.uri} />
      <div className="grid content-start gap-4">
        <div className="grid gap-1.5">
          <p className="text-sm font-medium">Scan it with an authenticator app</p>
          <a href={shown.uri} className="w-fit py-2 text-sm text-accent-text underline underline-offset-4 sm:hidden">
            Open it in an app on this phone
          </a>
          <p className="text-xs text-ink-3">Or type this key there, as a time-based one:</p>
          <div className="flex items-start gap-1 rounded-lg border bg-sunken p-1 pl-3">
            <code data-testid="authenticator-key" className="min-w-0 flex-1 break-words py-1.5 text-xs leading-5">
              {shown.secret.replace(/.{4}(?=.)/g, '$& ')}
            </code>
            <CopyButton text={shown.secret} label="Copy authenticator key" />
          </div>
        </div>
        <Field label="Code" hint="The six digits that it shows now." error={error} className="max-w-48">
          <Input
            value={code}
            onChange={(event) => onCode(event.target.value)}
            inputMode="numeric"
            autoComplete="one-time-code"
            required
            maxLength={10}
            className="font-mono tracking-wider"
          />
        </Field>
      </div>
    </div>
  );
}

/** Dark on white whatever the theme: not every camera reads the other way round. */
function Scan({ text }: { text: string }) {
  const { data, size } = encode(text, { border: 3 });
  const path = data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ''))).join('');
  return (
    <svg
      viewBox={`0 0 ${size} ${size}`}
      role="img"
      aria-label="QR code of the authenticator key"
      shapeRendering="crispEdges"
      className="size-44 rounded-lg border"
    >
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}
