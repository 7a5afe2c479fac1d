'use client';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useSubscription } from '@trpc/tanstack-react-query';
import { usePathname } from 'next/navigation';
import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from 'react';
import { useLasting } from '../data/lasting';
import { useTRPC } from '../data/trpc';
import type { RequestRow } from '../data/types';

interface ApprovalEvent {
  id: string;
  status: RequestRow['status'];
  row: RequestRow;
}

interface Live {
  /** Requests that wait for anybody; null until known. */
  pending: number | null;
  /** Since when nothing has been heard from the gateway; null while it is heard. */
  lostSince: Date | null;
  listen: (heard: (event: ApprovalEvent) => void) => () => void;
}

const LiveContext = createContext<Live>({ pending: null, lostSince: null, listen: () => () => undefined });

export const useLive = () => useContext(LiveContext);

/** Calls `heard` for every change of an approval request while the component is on screen. */
export function useApprovalEvents(heard: (event: ApprovalEvent) => void): void {
  const { listen } = useLive();
  const latest = useRef(heard);
  latest.current = heard;
  useEffect(() => listen((event) => latest.current(event)), [listen]);
}

/** One subscription for the whole console: browsers allow few connections a host, and every page shows the count. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const listeners = useRef(new Set<(event: ApprovalEvent) => void>());
  const [listen] = useState(() => (heard: (event: ApprovalEvent) => void) => {
    listeners.current.add(heard);
    return () => {
      listeners.current.delete(heard);
    };
  });
  const heardBefore = useRef(false);
  const stats = useQuery(trpc.approvals.stats.queryOptions(undefined, { refetchInterval: 60_000 }));
  const subscription = useSubscription(
    trpc.approvals.onChange.subscriptionOptions(undefined, {
      onData: ({ data }) => {
        void queryClient.invalidateQueries({ queryKey: trpc.approvals.stats.queryKey() });
        // The open card follows at once; who decided, and what came of it, is read behind it.
        const detail = trpc.approvals.get.queryKey({ id: data.id });
        queryClient.setQueryData(detail, (known) => (known === undefined ? known : { ...known, ...data.row }));
        void queryClient.invalidateQueries({ queryKey: detail });
        for (const heard of listeners.current) heard(data);
      },
      // After sleep or a restart of the gateway the server resumes from the last event; what it could not keep is read again.
      onStarted: () => {
        void queryClient.invalidateQueries(heardBefore.current ? {} : { queryKey: trpc.approvals.pathKey() });
        heardBefore.current = true;
      },
    }),
  );
  const pending = stats.data?.pending ?? null;
  const lostSince = useLasting(subscription);
  const live = useMemo<Live>(() => ({ pending, lostSince, listen }), [pending, lostSince, listen]);
  useTitleCount(pending ?? 0);
  return <LiveContext value={live}>{children}</LiveContext>;
}

/** Keeps "(2) " in front of whatever title the page sets. */
function useTitleCount(count: number): void {
  const pathname = usePathname();
  // biome-ignore lint/correctness/useExhaustiveDependencies: Next writes the title anew on navigation
  useEffect(() => {
    const write = () => {
      const plain = document.title.replace(/^\(\d+\) /, '');
      const wanted = count > 0 ? `(${count}) ${plain}` : plain;
      if (document.title !== wanted) document.title = wanted;
    };
    write();
    const observer = new MutationObserver(write);
    observer.observe(document.head, { childList: true, subtree: true, characterData: true });
    return () => observer.disconnect();
  }, [count, pathname]);
}
