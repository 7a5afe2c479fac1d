'use client';
import { useQuery } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { useTRPC } from './trpc';

const never = () => () => undefined;

/**
 * Who is signed in; undefined while it loads. The frame asks first, so the answer can be there before a page's own boundary hydrates:
 * while hydrating it is held back, or that page would differ from the server's HTML.
 */
export function useMe() {
  const trpc = useTRPC();
  const hydrated = useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
  const { data } = useQuery(trpc.me.get.queryOptions(undefined, { staleTime: 60_000 }));
  return hydrated ? data : undefined;
}

/** Whether to offer what only administrators may do. The API refuses the rest by itself. */
export const useIsAdmin = (): boolean => useMe()?.role === 'admin';
