'use client';
import { useQuery } from '@tanstack/react-query';
import { useSubscription } from '@trpc/tanstack-react-query';
import { useEffect, useRef, useState } from 'react';
import { useLasting } from '../../data/lasting';
import { useTRPC } from '../../data/trpc';

/** A busy gateway records thousands of statements a second; a reader needs one new page a second at most. */
const REREAD_EVERY_MS = 1_000;

export interface Tail {
  /** The stream is heard. */
  heard: boolean;
  paused: boolean;
  pause: () => void;
  resume: () => void;
  /** What arrived since the pause and matches the search; null while not paused, or not counted yet. */
  missed: { value: number; capped: boolean } | null;
}

/**
 * Follows the search while `on`: calls `reread` when statements arrive, at most once a second, so that the server applies the search to the
 * tail as well. Paused, the rows hold still and what arrives after `newest`, the last row shown, is counted.
 */
export function useTail(on: boolean, q: string, newest: Date | null, reread: () => void): Tail {
  const trpc = useTRPC();
  const [pausedAt, setPausedAt] = useState<Date | null>(null);
  const paused = on && pausedAt !== null;
  const missed = useQuery(
    trpc.audit.search.queryOptions({ q, from: pausedAt, limit: 1 }, { enabled: paused, placeholderData: (previous) => previous }),
  );
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  const latest = useRef(reread);
  latest.current = paused ? () => void missed.refetch() : reread;
  useEffect(
    () => () => {
      if (timer.current !== null) clearTimeout(timer.current);
      timer.current = null;
    },
    [],
  );
  useEffect(() => {
    if (!on) setPausedAt(null);
  }, [on]);
  const arrived = () => {
    timer.current ??= setTimeout(() => {
      timer.current = null;
      latest.current();
    }, REREAD_EVERY_MS);
  };
  const subscription = useSubscription(
    trpc.audit.onStatement.subscriptionOptions(undefined, { enabled: on, onData: arrived, onStarted: arrived }),
  );
  useLasting(subscription, on);
  return {
    heard: subscription.status === 'pending',
    paused,
    pause: () => setPausedAt(newest === null ? new Date() : new Date(newest.getTime() + 1)),
    resume: () => {
      setPausedAt(null);
      reread();
    },
    missed: paused ? (missed.data?.count ?? null) : null,
  };
}
