'use client';
import { useMutation } from '@tanstack/react-query';
import { LogOut, Monitor, Moon, Sun } from 'lucide-react';
import Link from 'next/link';
import { signOut } from 'next-auth/react';
import { useState } from 'react';
import { toast } from 'sonner';
import { useMe } from '../data/me';
import { useTRPC } from '../data/trpc';
import { type ThemeChoice, useTheme } from '../theme/choose';
import { Button } from '../ui/button';
import { Group } from '../ui/scroll';
import { Skeleton } from '../ui/states';
import { Tooltip } from '../ui/tooltip';

const THEMES: readonly { value: ThemeChoice; name: string; icon: typeof Sun }[] = [
  { value: 'light', name: 'Light theme', icon: Sun },
  { value: 'system', name: 'Theme of this device', icon: Monitor },
  { value: 'dark', name: 'Dark theme', icon: Moon },
];

export function ThemeSwitch() {
  const [choice, choose] = useTheme();
  return (
    <Group label="Theme" className="flex rounded-lg border bg-canvas p-0.5">
      {THEMES.map(({ value, name, icon: Icon }) => (
        <Tooltip key={value} content={name}>
          <button
            type="button"
            aria-label={name}
            aria-pressed={choice === value}
            onClick={() => choose(value)}
            className="grid h-7 flex-1 place-items-center rounded-md text-ink-3 hover:text-ink aria-pressed:bg-surface aria-pressed:text-ink aria-pressed:shadow-card dark:aria-pressed:bg-line max-lg:h-11 max-lg:min-w-11"
          >
            <Icon className="size-4" aria-hidden />
          </button>
        </Tooltip>
      ))}
    </Group>
  );
}

export function WhoAmI({ onNavigate }: { onNavigate?: () => void }) {
  const me = useMe();
  const trpc = useTRPC();
  const signOff = useMutation(trpc.me.leave.mutationOptions());
  const [busy, setBusy] = useState(false);
  const leave = async () => {
    setBusy(true);
    try {
      // While the cookie still says whose session it is.
      const { address } = await signOff.mutateAsync().catch(() => ({ address: null }));
      await signOut({ redirect: false });
      window.location.assign(address ?? '/sign-in');
    } catch {
      setBusy(false);
      toast.error('The gateway did not answer. You are still signed in; try again.');
    }
  };
  if (me === undefined) return <Skeleton className="h-9 w-full" />;
  return (
    <div className="flex items-center gap-2.5">
      <Link
        href="/account"
        aria-label={`Your account: ${me.name}, ${me.role}`}
        onClick={() => onNavigate?.()}
        className="-m-1 flex min-w-0 flex-1 items-center gap-2.5 rounded-lg p-1 hover:bg-hover max-lg:min-h-11"
      >
        <span
          aria-hidden
          className="grid size-8 shrink-0 place-items-center rounded-full bg-accent-soft text-sm font-semibold uppercase text-accent-text"
        >
          {me.name.slice(0, 1)}
        </span>
        <span className="min-w-0 flex-1 leading-tight">
          <span className="block truncate text-sm font-medium">{me.name}</span>
          <span className="block truncate text-xs text-ink-3">{me.role}</span>
        </span>
      </Link>
      <Tooltip content="Sign out">
        <Button look="ghost" size="icon" aria-label="Sign out" onClick={leave} busy={busy}>
          {busy ? null : <LogOut aria-hidden />}
        </Button>
      </Tooltip>
    </div>
  );
}
