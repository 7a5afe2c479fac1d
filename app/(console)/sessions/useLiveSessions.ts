'use client';
import { useQueryClient } from '@tanstack/react-query';
import { useSubscription } from '@trpc/tanstack-react-query';
import { useLasting } from '../../data/lasting';
import { useTRPC } from '../../data/trpc';

/** Rereads sessions whenever one changes. */
export function useLiveSessions(): void {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const reread = () => void queryClient.invalidateQueries({ queryKey: trpc.sessions.pathKey() });
  useLasting(useSubscription(trpc.sessions.onChange.subscriptionOptions(undefined, { onData: reread, onStarted: reread })));
}
