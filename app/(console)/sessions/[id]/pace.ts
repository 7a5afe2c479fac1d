export const SPEEDS = [0.5, 1, 2, 4, 8] as const;

/** Time to read a statement and its rows, and the longest pause anybody waits for. Milliseconds. */
const LEAST_MS = 700;
const MOST_MS = 3_000;

/** How long a replay stays on a statement: as long as the client did until its next one, within reason, by the speed. */
export function dwellMs(atMs: number, nextAtMs: number, speed: number): number {
  return Math.min(MOST_MS, Math.max(LEAST_MS, nextAtMs - atMs)) / speed;
}
