'use client';
import { CircleAlert, RotateCw } from 'lucide-react';
import type { ComponentType, ReactNode } from 'react';
import { Button } from './button';
import { cx } from './classes';

export const Skeleton = ({ className }: { className?: string }) => (
  <div className={cx('rounded-md bg-sunken animate-shimmer', className)} aria-hidden />
);

/** Rows that are on their way. */
export function SkeletonRows({ rows = 6, label = 'Loading' }: { rows?: number; label?: string }) {
  return (
    <div role="status" aria-label={label} className="grid gap-px">
      {Array.from({ length: rows }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: placeholders have no identity
        <div key={index} className="flex items-center gap-4 px-4 py-3.5">
          <Skeleton className="h-4 w-16" />
          <Skeleton className="h-4 flex-1" />
          <Skeleton className="h-4 w-20" />
        </div>
      ))}
    </div>
  );
}

interface EmptyProps {
  icon: ComponentType<{ className?: string; 'aria-hidden'?: boolean }>;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}

export function Empty({ icon: Icon, title, children, action }: EmptyProps) {
  return (
    <div className="grid justify-items-center gap-1.5 px-6 py-14 text-center">
      <span className="mb-2 grid size-11 place-items-center rounded-full border bg-sunken text-ink-3">
        <Icon className="size-5" aria-hidden />
      </span>
      <p className="text-base font-semibold">{title}</p>
      {children ? <div className="max-w-md text-sm text-ink-2">{children}</div> : null}
      {action ? <div className="mt-3">{action}</div> : null}
    </div>
  );
}

interface ErrorProps {
  /** What happened, e.g. "The sessions could not be loaded". */
  what: string;
  error: { message: string } | null;
  /** What did not happen. */
  effect?: string;
  onRetry?: () => void;
  compact?: boolean;
}

/** What happened, what did not, what to do. */
export function ErrorState({ what, error, effect = 'Nothing was changed.', onRetry, compact }: ErrorProps) {
  return (
    <div
      role="alert"
      className={cx('flex items-start gap-3 rounded-xl border border-deny/30 bg-deny-soft p-4 text-sm', compact ? 'p-3' : 'm-4')}
    >
      <CircleAlert className="mt-0.5 size-4 shrink-0 text-deny" aria-hidden />
      <div className="min-w-0 flex-1">
        <p className="font-semibold text-deny">{what}</p>
        <p className="break-words text-ink">
          {error === null ? '' : sentence(error.message)} {effect}
        </p>
        {onRetry ? (
          <Button size="sm" className="mt-2.5" onClick={onRetry}>
            <RotateCw aria-hidden />
            Try again
          </Button>
        ) : null}
      </div>
    </div>
  );
}

/** `not found` → `Not found.` */
export function sentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed === '') return '';
  const first = /^[a-z]+(?=[\s,;:.]|$)/.test(trimmed) ? trimmed.charAt(0).toUpperCase() + trimmed.slice(1) : trimmed;
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
