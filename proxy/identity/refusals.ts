/** A line for the operator: how often a provider's identities were refused for a reason since the line before. */
export interface RefusalLine {
  provider: string | null;
  reason: string;
  times: number;
}

const WINDOW_MS = 60_000;

/**
 * Says the first refusal of each provider and reason at once, and of those that follow within a minute how many there were: whoever tries
 * without end does not fill the log. Reasons may name whom nobody knows, so of more than `mostKinds` at a time the rest are one.
 */
export function createRefusalLog(
  say: (line: RefusalLine) => void,
  { mostKinds = 50 } = {},
): (provider: string | null, reason: string) => void {
  const unsaid = new Map<string, RefusalLine>();
  const later = (key: string) =>
    void setTimeout(() => {
      const line = unsaid.get(key);
      if (line === undefined || line.times === 0) return void unsaid.delete(key);
      say({ ...line });
      line.times = 0;
      later(key);
    }, WINDOW_MS).unref();
  return (provider, reason) => {
    const own = JSON.stringify([provider, reason]);
    const isOther = !unsaid.has(own) && unsaid.size >= mostKinds;
    const key = isOther ? 'others' : own;
    const line = unsaid.get(key);
    if (line !== undefined) {
      line.times++;
      return;
    }
    const first = isOther ? { provider: null, reason: 'other reasons' } : { provider, reason };
    unsaid.set(key, { ...first, times: 0 });
    say({ ...first, times: 1 });
    later(key);
  };
}
