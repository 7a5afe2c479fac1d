const UNITS_MS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;
type Unit = keyof typeof UNITS_MS;

const isUnit = (text: string): text is Unit => text in UNITS_MS;

/** `15m`, `30s`, `1h30m`, `250ms`, `7d` → milliseconds; null when it is not a duration. */
export function parseDuration(text: string): number | null {
  if (!/^(\d+(d|h|ms|m|s))+$/.test(text)) return null;
  let totalMs = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+)(d|h|ms|m|s)/g)) {
    if (amount === undefined || unit === undefined || !isUnit(unit)) return null;
    totalMs += Number(amount) * UNITS_MS[unit];
  }
  return Number.isSafeInteger(totalMs) ? totalMs : null;
}

/** Milliseconds in the largest unit that says it exactly: 900000 → `15m`. {@link parseDuration} reads it back. */
export function formatDuration(ms: number): string {
  for (const [unit, unitMs] of Object.entries(UNITS_MS)) if (ms >= unitMs && ms % unitMs === 0) return `${ms / unitMs}${unit}`;
  return `${ms}ms`;
}
