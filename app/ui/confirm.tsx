'use client';
import { AlertDialog } from 'radix-ui';
import type { ReactNode } from 'react';
import { Button } from './button';

interface ConfirmProps {
  open: boolean;
  onClose: () => void;
  onConfirm: () => void;
  title: string;
  body: ReactNode;
  /** Verb and object: "Terminate session". */
  confirm: string;
  cancel?: string;
  busy?: boolean;
  error?: ReactNode;
  children?: ReactNode;
  disabled?: boolean;
}

/** Asks before something that cannot be taken back. Focus starts on the way out. */
export function ConfirmDialog({
  open,
  onClose,
  onConfirm,
  title,
  body,
  confirm,
  cancel = 'Cancel',
  busy,
  error,
  children,
  disabled,
}: ConfirmProps) {
  return (
    <AlertDialog.Root open={open} onOpenChange={(next) => (next ? undefined : onClose())}>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="fixed inset-0 z-[60] bg-scrim animate-overlay-in" />
        <AlertDialog.Content className="fixed z-[70] bg-raised shadow-pop outline-none max-sm:inset-x-3 max-sm:bottom-3 max-sm:animate-drawer-in rounded-2xl border p-5 sm:left-1/2 sm:top-[22vh] sm:w-[27rem] sm:-translate-x-1/2 sm:animate-overlay-in">
          <AlertDialog.Title className="text-lg font-semibold tracking-tight">{title}</AlertDialog.Title>
          <AlertDialog.Description asChild>
            <div className="mt-1.5 text-sm text-ink-2">{body}</div>
          </AlertDialog.Description>
          {children ? <div className="mt-4">{children}</div> : null}
          {error}
          <div className="mt-5 flex flex-wrap justify-end gap-2">
            <AlertDialog.Cancel asChild>
              <Button>{cancel}</Button>
            </AlertDialog.Cancel>
            <Button look="danger" onClick={onConfirm} busy={busy ?? false} disabled={disabled}>
              {confirm}
            </Button>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
