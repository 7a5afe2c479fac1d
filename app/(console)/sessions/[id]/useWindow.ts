'use client';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { useTRPC } from '../../../data/trpc';
import type { SessionPage } from '../../../data/types';

/** Windows that are kept; further ones take the place of those at the other end. */
const MOST_WINDOWS = 4;

interface WindowOptions {
  sessionId: string;
  /** The statement that has to be among them; null: the session's first. */
  around: string | null;
  /** Statements a window. */
  limit: number;
  /** The session may still grow. */
  live: boolean;
}

/** What is at the end grows, and what has not ended will. */
const changes = (page: SessionPage): boolean =>
  page.after === null || page.items.some(({ status }) => status === 'running' || status === 'held');

/**
 * Statements of a session around one of them, in the order they ran, and read on at both ends. It begins anew only where a statement is
 * chosen that is not among them.
 */
export function useWindow({ sessionId, around, limit, live }: WindowOptions) {
  const trpc = useTRPC();
  const [start, setStart] = useState(around);
  const [known, setKnown] = useState(around);
  const query = useInfiniteQuery(
    trpc.sessions.statements.infiniteQueryOptions(
      { id: sessionId, start: start === null ? null : { statement: start }, limit },
      {
        getNextPageParam: (page) => page.after,
        getPreviousPageParam: (page) => page.before,
        maxPages: MOST_WINDOWS,
        refetchInterval: ({ state }) => (live && state.data?.pages.some(changes) ? 3_000 : false),
        placeholderData: (previous) => previous,
        // What was read on from a start is no longer around it when somebody comes back there.
        gcTime: 0,
      },
    ),
  );
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
  const first = query.data?.pages[0]?.first ?? 0;
  const index = around === null ? (first === 0 && rows.length > 0 ? 0 : -1) : rows.findIndex((row) => row.id === around);
  if (around !== known) {
    setKnown(around);
    if (index < 0 || query.isPlaceholderData) setStart(around);
  }
  const { hasNextPage, hasPreviousPage, isFetchingNextPage, isFetchingPreviousPage, isError, fetchNextPage, fetchPreviousPage } = query;
  const idle = !isFetchingNextPage && !isFetchingPreviousPage && !isError && !query.isPlaceholderData;
  return {
    rows,
    /** How many of the session's statements stand before these. */
    first,
    /** Where the chosen one is among them; -1: it is on its way. */
    index: query.isPlaceholderData ? -1 : index,
    hasNext: hasNextPage,
    hasPrevious: hasPreviousPage,
    readNext: () => hasNextPage && idle && void fetchNextPage(),
    readPrevious: () => hasPreviousPage && idle && void fetchPreviousPage(),
    error: query.error,
    retry: () => void query.refetch(),
    isPending: query.isPending,
  };
}

export type SessionWindow = ReturnType<typeof useWindow>;

/** Reads on before the end of a window is reached. */
export function useReadAhead({ index, rows, readNext, readPrevious }: SessionWindow, ahead: number): void {
  useEffect(() => {
    if (index < 0) return;
    if (rows.length - index <= ahead) readNext();
    else if (index < ahead) readPrevious();
  });
}

/** A statement's number in its session, counted from one. */
export const numberOf = ({ first, index }: Pick<SessionWindow, 'first' | 'index'>): number => first + index + 1;
