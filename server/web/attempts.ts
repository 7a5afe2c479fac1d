export interface Attempts {
  /** Seconds to wait; null: go on. */
  blocked(address: string, nowMs: number): number | null;
  failed(address: string, nowMs: number): void;
}

interface Window {
  untilMs: number;
  failures: number;
}

/**
 * Counts sign-ins that failed, by address and minute. Bounded: of more addresses than `mostAddresses` in a minute the rest count as one, so that
 * neither memory nor guessing grows with them. Secrets have 160 bits, so this is for the load and the record, not for their strength.
 */
export function createAttempts({ failures = 20, windowMs = 60_000, mostAddresses = 20_000 } = {}): Attempts {
  let windows = new Map<string, Window>();
  const windowOf = (address: string, nowMs: number): [key: string, window: Window | undefined] => {
    const own = windows.get(address);
    const key = own !== undefined || windows.size < mostAddresses ? address : 'others';
    const known = own ?? windows.get(key);
    return [key, known !== undefined && known.untilMs > nowMs ? known : undefined];
  };
  return {
    blocked(address, nowMs) {
      const [, window] = windowOf(address, nowMs);
      return window !== undefined && window.failures >= failures ? Math.ceil((window.untilMs - nowMs) / 1_000) : null;
    },
    failed(address, nowMs) {
      if (windows.size >= mostAddresses) windows = new Map([...windows].filter(([, { untilMs }]) => untilMs > nowMs));
      const [key, window] = windowOf(address, nowMs);
      if (window !== undefined) window.failures++;
      else windows.set(key, { untilMs: nowMs + windowMs, failures: 1 });
    },
  };
}
