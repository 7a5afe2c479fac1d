'use client';
import { useQuery } from '@tanstack/react-query';
import { X } from 'lucide-react';
import { Dialog } from 'radix-ui';
import type { ReactNode } from 'react';
import { useTRPC } from '../../data/trpc';
import type { RequestDetail } from '../../data/types';
import { Button } from '../../ui/button';
import { CopyButton } from '../../ui/copy';
import { Scroll } from '../../ui/scroll';
import { focusPanel } from '../../ui/sheet';
import { ErrorState, Skeleton } from '../../ui/states';
import { RequestCard } from './card';
import { type Decide, DecideBar, RejectDialog } from './decide';

interface PanelProps {
  id: string;
  decide: Decide;
  onClose: () => void;
}

/** Approved or executed, and not over yet as far as the record knows. */
function awaitsOutcome({ status, outcome }: RequestDetail): boolean {
  return (
    (status === 'approved' || status === 'executed') && (outcome === null || outcome.status === 'running' || outcome.status === 'held')
  );
}

export function useRequest(id: string | null) {
  const trpc = useTRPC();
  return useQuery(
    trpc.approvals.get.queryOptions(
      { id: id ?? '' },
      {
        enabled: id !== null,
        // The decision is announced; what the statement then did reaches the record a moment later, and nobody announces that.
        refetchInterval: ({ state }) => (state.data !== undefined && awaitsOutcome(state.data) ? 500 : false),
      },
    ),
  );
}

function PanelBody({ id, decide }: { id: string; decide: Decide }) {
  const request = useRequest(id);
  if (request.error && !request.data)
    return (
      <ErrorState
        what={`${id} could not be shown`}
        error={request.error}
        effect="Nothing was decided."
        onRetry={() => void request.refetch()}
      />
    );
  if (!request.data)
    return (
      <div role="status" aria-label="Loading request" className="grid gap-5 p-5">
        <Skeleton className="h-6 w-40" />
        <Skeleton className="h-16" />
        <Skeleton className="h-44" />
        <Skeleton className="h-24" />
      </div>
    );
  return (
    <>
      <Scroll label="Request" className="min-h-0 flex-1 px-4 py-5 sm:px-5">
        <RequestCard request={request.data} />
      </Scroll>
      <DecideBar request={request.data} decide={decide} />
      <RejectDialog key={id} request={request.data} decide={decide} />
    </>
  );
}

const Head = ({ title, id, children }: { title: ReactNode; id: string; children: ReactNode }) => (
  <header className="flex items-center gap-2 border-b py-2.5 pl-5 pr-3">
    <div className="min-w-0 flex-1">{title}</div>
    <CopyButton text={`${typeof window === 'undefined' ? '' : window.location.origin}/approvals/${id}`} label="Copy link to this request" />
    {children}
  </header>
);

/** Beside the list: the list stays usable, another row switches in place. */
export function SidePanel({ id, decide, onClose }: PanelProps) {
  return (
    <section
      aria-label="Approval request"
      className="flex min-h-0 min-w-0 flex-1 flex-col overflow-hidden rounded-xl border bg-raised shadow-card"
    >
      <Head id={id} title={<h2 className="text-base font-semibold tracking-tight">Approval request</h2>}>
        <Button look="ghost" size="icon" aria-label="Close request" onClick={onClose}>
          <X aria-hidden />
        </Button>
      </Head>
      <PanelBody id={id} decide={decide} />
    </section>
  );
}

/** From below on narrow screens. */
export function DrawerPanel({ id, decide, onClose }: PanelProps) {
  return (
    <Dialog.Root open onOpenChange={(open) => (open ? undefined : onClose())}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-40 bg-scrim animate-overlay-in" />
        <Dialog.Content
          aria-describedby={undefined}
          onOpenAutoFocus={focusPanel}
          className="fixed inset-x-0 bottom-0 z-50 flex h-[94dvh] flex-col rounded-t-2xl bg-raised pb-[env(safe-area-inset-bottom)] text-ink shadow-pop outline-none animate-drawer-in"
        >
          <span aria-hidden className="mx-auto mt-2 h-1 w-9 rounded-full bg-line" />
          <Head id={id} title={<Dialog.Title className="text-base font-semibold tracking-tight">Approval request</Dialog.Title>}>
            <Dialog.Close asChild>
              <Button look="ghost" size="icon" aria-label="Close request">
                <X aria-hidden />
              </Button>
            </Dialog.Close>
          </Head>
          <PanelBody id={id} decide={decide} />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
