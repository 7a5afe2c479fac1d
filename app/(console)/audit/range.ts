/** A time range as the URL says it: a preset that moves with the clock, or two instants. */
export interface RangeState {
  range: string;
  from: string | null;
  to: string | null;
}

export const PRESETS = [
  { value: '15m', name: 'Last 15 minutes', ms: 15 * 60_000 },
  { value: '1h', name: 'Last hour', ms: 3_600_000 },
  { value: '24h', name: 'Last 24 hours', ms: 86_400_000 },
  { value: '7d', name: 'Last 7 days', ms: 7 * 86_400_000 },
  { value: '30d', name: 'Last 30 days', ms: 30 * 86_400_000 },
  { value: 'all', name: 'All time', ms: null },
] as const;

/** The instants a range means at `nowMs`. Presets are cut to the minute, so that one minute's calls share a cache entry. */
export function rangeInstants(state: RangeState, nowMs: number): { from: Date | null; to: Date | null } {
  const from = instant(state.from);
  const to = instant(state.to);
  if (from !== null || to !== null) return { from, to };
  const preset = PRESETS.find((one) => one.value === state.range);
  if (preset === undefined || preset.ms === null) return { from: null, to: null };
  return { from: new Date(Math.floor((nowMs - preset.ms) / 60_000) * 60_000), to: null };
}

/** The same view with its relative times turned into instants, so that whoever opens the link sees the same rows. */
export function frozenSearch(search: string, state: RangeState, nowMs: number): string {
  const params = new URLSearchParams(search);
  const { from, to } = rangeInstants(state, nowMs);
  params.delete('range');
  params.delete('live');
  if (from !== null) params.set('from', from.toISOString());
  params.set('to', (to ?? new Date(nowMs)).toISOString());
  return params.toString();
}

function instant(text: string | null): Date | null {
  if (text === null) return null;
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? null : at;
}

/** Twice the range, around its middle, ending now at the latest. */
export function widened(from: Date, to: Date, nowMs: number): { from: Date; to: Date } {
  const half = (to.getTime() - from.getTime()) / 2;
  return { from: new Date(from.getTime() - half), to: new Date(Math.min(nowMs, to.getTime() + half)) };
}
