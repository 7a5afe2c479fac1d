'use client';
import { useSubscription } from '@trpc/tanstack-react-query';
import { useEffect, useRef } from 'react';
import { useLasting } from '../../data/lasting';
import { useTRPC } from '../../data/trpc';

/** A busy gateway records thousands of statements a second; a reader needs one new page a second at most. */
const REREAD_EVERY_MS = 1_000;

/** Calls `reread` when statements arrive while `on`, at most once a second, so the server applies the search to the tail as well. */
export function useTail(on: boolean, reread: () => void) {
  const trpc = useTRPC();
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  const latest = useRef(reread);
  latest.current = reread;
  useEffect(
    () => () => {
      if (timer.current !== null) clearTimeout(timer.current);
      timer.current = null;
    },
    [],
  );
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
  return subscription.status;
}
