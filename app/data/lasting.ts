'use client';
import { useEffect, useState } from 'react';

interface Subscription {
  status: 'idle' | 'connecting' | 'pending' | 'error';
  reset: () => void;
}

const RETRY_MS = 2_000;
/** A reconnection shorter than this is nobody's business. */
const QUIET_MS = 3_000;

/**
 * Keeps a subscription for as long as the component is on screen. An EventSource comes back by itself after a broken stream and never
 * after an HTTP error, such as the 503 of a gateway that is starting; so what ended is begun again. Returns since when it has been down,
 * null while it is up or has only just gone.
 */
export function useLasting({ status, reset }: Subscription, on = true): Date | null {
  const [downSince, setDownSince] = useState<Date | null>(null);
  const up = !on || status === 'pending';
  const ended = on && (status === 'error' || status === 'idle');
  useEffect(() => {
    if (!ended) return;
    const timer = setTimeout(reset, RETRY_MS);
    return () => clearTimeout(timer);
  }, [ended, reset]);
  useEffect(() => {
    setDownSince(null);
    if (up) return;
    const since = new Date();
    const timer = setTimeout(() => setDownSince(since), QUIET_MS);
    return () => clearTimeout(timer);
  }, [up]);
  return downSince;
}
