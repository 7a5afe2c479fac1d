'use client';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useTRPC } from '../../data/trpc';
import type { AuditState } from './useAuditState';
import { useTail } from './useTail';

/** The rows and the histogram of the page's search, and its live tail. */
export function useStatements({ state, instants }: AuditState) {
  const trpc = useTRPC();
  const filter = { q: state.q, from: instants.from, to: instants.to };
  const search = useInfiniteQuery(
    trpc.audit.search.infiniteQueryOptions(
      { ...filter, sort: state.sort },
      { getNextPageParam: (page) => page.nextCursor, placeholderData: (previous) => previous },
    ),
  );
  const histogram = useQuery(trpc.audit.histogram.queryOptions(filter, { placeholderData: (previous) => previous }));
  const rows = search.data?.pages.flatMap((page) => page.items) ?? [];
  const newest = rows.reduce<Date | null>((at, row) => (at === null || row.at > at ? row.at : at), null);
  const tail = useTail(state.live, state.q, newest, () => {
    void search.refetch();
    void histogram.refetch();
  });
  const first = search.data?.pages[0];
  return { search, histogram, rows, tail, filter, count: first?.count ?? null, diagnostics: first?.diagnostics ?? [] };
}

export type FoundStatements = ReturnType<typeof useStatements>;
