'use client';
import { useQuery } from '@tanstack/react-query';
import { useTRPC } from './trpc';

/** Who is signed in; undefined while it loads. */
export function useMe() {
  const trpc = useTRPC();
  return useQuery(trpc.me.get.queryOptions(undefined, { staleTime: 60_000 })).data;
}

/** Whether to offer what only administrators may do. The API refuses the rest by itself. */
export const useIsAdmin = (): boolean => useMe()?.role === 'admin';
