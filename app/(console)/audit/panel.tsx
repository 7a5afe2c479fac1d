'use client';
import { ChevronDown, ChevronUp, X } from 'lucide-react';
import { Dialog } from 'radix-ui';
import { type ReactNode, useEffect, useRef } from 'react';
import { StatementDetailView } from '../../statement/detail';
import { Button } from '../../ui/button';
import { Scroll } from '../../ui/scroll';
import { focusPanel } from '../../ui/sheet';

interface PanelProps {
  id: string;
  onClose: () => void;
  /** To the next or the previous row; null at the end of the list. */
  onNext: (() => void) | null;
  onPrevious: (() => void) | null;
}

function Head({ id, title, onNext, onPrevious, children }: Omit<PanelProps, 'onClose'> & { title: ReactNode; children: ReactNode }) {
  return (
    <header className="flex items-center gap-1 border-b py-2.5 pl-5 pr-3">
      <div className="min-w-0 flex-1">
        {title}
        <p className="truncate font-mono text-xs text-ink-3">{id}</p>
      </div>
      <Button look="ghost" size="icon" aria-label="Previous statement" disabled={onPrevious === null} onClick={() => onPrevious?.()}>
        <ChevronUp aria-hidden />
      </Button>
      <Button look="ghost" size="icon" aria-label="Next statement" disabled={onNext === null} onClick={() => onNext?.()}>
        <ChevronDown aria-hidden />
      </Button>
      {children}
    </header>
  );
}

function Body({ id }: { id: string }) {
  const area = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another statement begins at its top
  useEffect(() => area.current?.scrollTo(0, 0), [id]);
  return (
    <Scroll ref={area} label="Statement" className="min-h-0 flex-1 px-4 py-5 sm:px-5">
      <StatementDetailView id={id} />
    </Scroll>
  );
}

/** Beside the list: the list stays usable, another row switches in place. */
export function SidePanel({ id, onClose, ...steps }: PanelProps) {
  return (
    <section
      aria-label="Statement"
      className="flex min-h-0 min-w-0 flex-1 flex-col overflow-hidden rounded-xl border bg-raised shadow-card"
    >
      <Head id={id} {...steps} title={<h2 className="text-base font-semibold tracking-tight">Statement</h2>}>
        <Button look="ghost" size="icon" aria-label="Close statement" onClick={onClose}>
          <X aria-hidden />
        </Button>
      </Head>
      <Body id={id} />
    </section>
  );
}

/** From below on narrow screens. */
export function DrawerPanel({ id, onClose, ...steps }: PanelProps) {
  return (
    <Dialog.Root open onOpenChange={(open) => (open ? undefined : onClose())}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-40 bg-scrim animate-overlay-in" />
        <Dialog.Content
          aria-describedby={undefined}
          onOpenAutoFocus={focusPanel}
          className="fixed inset-x-0 bottom-0 z-50 flex h-[92dvh] flex-col rounded-t-2xl bg-raised pb-[env(safe-area-inset-bottom)] text-ink shadow-pop outline-none animate-drawer-in"
        >
          <span aria-hidden className="mx-auto mt-2 h-1 w-9 rounded-full bg-line" />
          <Head id={id} {...steps} title={<Dialog.Title className="text-base font-semibold tracking-tight">Statement</Dialog.Title>}>
            <Dialog.Close asChild>
              <Button look="ghost" size="icon" aria-label="Close statement">
                <X aria-hidden />
              </Button>
            </Dialog.Close>
          </Head>
          <Body id={id} />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
