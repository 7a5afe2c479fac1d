'use client';
import { useQueryClient } from '@tanstack/react-query';
import { useSubscription } from '@trpc/tanstack-react-query';
import { useLasting } from '../../data/lasting';
import { useTRPC } from '../../data/trpc';

/** Rereads sessions whenever one changes; of one session, whenever that one does. */
export function useLiveSessions(id?: string): void {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const reread = () => void queryClient.invalidateQueries({ queryKey: trpc.sessions.pathKey() });
  useLasting(
    useSubscription(
      trpc.sessions.onChange.subscriptionOptions(undefined, {
        onData: ({ data }) => (id === undefined || data.id === id) && reread(),
        onStarted: reread,
      }),
    ),
  );
}
