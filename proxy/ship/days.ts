const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

let last = { number: Number.NaN, day: '' };

/** A UTC day as `2026-11-26`. The last one is remembered: most are asked for again and again. */
export function dayOf(ms: number): string {
  const number = Math.floor(ms / DAY_MS);
  if (number !== last.number) last = { number, day: new Date(ms).toISOString().slice(0, 10) };
  return last.day;
}
export const startOfDay = (day: string): number => Date.parse(`${day}T00:00:00Z`);
export const nextDay = (day: string): string => dayOf(startOfDay(day) + DAY_MS);
export const hourOf = (ms: number): number => Math.floor(ms / HOUR_MS) * HOUR_MS;

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** When an id of ours was made (db/ids.ts), in milliseconds; null for what is none. */
export function timeOfId(id: string): number | null {
  const digits = /^[a-z]+_([0-9a-hjkmnp-tv-z]{9})/.exec(id)?.[1];
  if (digits === undefined) return null;
  let ms = 0;
  for (const digit of digits) ms = ms * 32 + ALPHABET.indexOf(digit);
  return ms;
}
