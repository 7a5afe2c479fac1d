'use client';
import { X } from 'lucide-react';
import { Dialog } from 'radix-ui';
import { type ReactNode, useState } from 'react';
import { Button } from './button';
import { cx } from './classes';
import { ConfirmDialog } from './confirm';
import { Scroll } from './scroll';

interface SheetProps {
  open: boolean;
  onClose: () => void;
  title: string;
  description?: ReactNode;
  /** Unsaved input: closing asks first. */
  dirty?: boolean;
  footer?: ReactNode;
  children: ReactNode;
  wide?: boolean;
  headerExtra?: ReactNode;
}

/** Focus starts at the first field of a form, and otherwise on the panel itself, never on a stray button. */
export function focusPanel(event: Event): void {
  if (!(event.currentTarget instanceof HTMLElement)) return;
  event.preventDefault();
  const panel = event.currentTarget;
  const field = matchMedia('(pointer: coarse)').matches
    ? null
    : panel.querySelector<HTMLElement>('form input:not([disabled]), form select');
  (field ?? panel).focus({ preventScroll: true });
}

/** A panel from the right on a desk, from below on a phone. It creates, edits or shows one thing. */
export function Sheet({ open, onClose, title, description, dirty = false, footer, children, wide = false, headerExtra }: SheetProps) {
  const [asking, setAsking] = useState(false);
  const close = () => (dirty ? setAsking(true) : onClose());
  return (
    <>
      <Dialog.Root open={open} onOpenChange={(next) => (next ? undefined : close())}>
        <Dialog.Portal>
          <Dialog.Overlay className="fixed inset-0 z-40 bg-scrim animate-overlay-in" />
          <Dialog.Content
            {...(description ? {} : { 'aria-describedby': undefined })}
            onOpenAutoFocus={focusPanel}
            className={cx(
              'fixed z-50 flex flex-col bg-raised text-ink shadow-pop outline-none',
              'max-sm:inset-x-0 max-sm:bottom-0 max-sm:max-h-[92dvh] max-sm:rounded-t-2xl max-sm:animate-drawer-in',
              'sm:inset-y-2 sm:right-2 sm:rounded-2xl sm:border sm:animate-sheet-in',
              wide ? 'sm:w-[min(48rem,calc(100vw-1rem))]' : 'sm:w-[min(34rem,calc(100vw-1rem))]',
            )}
          >
            <header className="flex items-start gap-3 border-b px-5 py-4">
              <div className="min-w-0 flex-1">
                <Dialog.Title className="text-lg font-semibold tracking-tight">{title}</Dialog.Title>
                {description ? <Dialog.Description className="mt-0.5 text-sm text-ink-2">{description}</Dialog.Description> : null}
              </div>
              {headerExtra}
              <Dialog.Close asChild>
                <Button look="ghost" size="icon" aria-label="Close panel">
                  <X aria-hidden />
                </Button>
              </Dialog.Close>
            </header>
            <Scroll label={title} className="min-h-0 flex-1 px-5 py-5">
              {children}
            </Scroll>
            {footer ? <footer className="flex flex-wrap items-center gap-2 border-t px-5 py-3.5 max-sm:pb-6">{footer}</footer> : null}
          </Dialog.Content>
        </Dialog.Portal>
      </Dialog.Root>
      <ConfirmDialog
        open={asking}
        onClose={() => setAsking(false)}
        title="Discard unsaved changes?"
        body="What you typed here has not been saved. Nothing was changed on the gateway."
        confirm="Discard changes"
        cancel="Keep editing"
        onConfirm={() => {
          setAsking(false);
          onClose();
        }}
      />
    </>
  );
}
