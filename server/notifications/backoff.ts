/** Between tries at first; doubled with each, up to the longest. */
export const FIRST_DELAY_MS = 5_000;
const LONGEST_DELAY_MS = 60 * 60_000;
/** About six hours in all; by then a person looks at it. */
export const MOST_ATTEMPTS = 14;

/**
 * How long to wait after the given number of tries that failed; null when there have been enough. Half of the wait is random, so that what
 * failed together does not come back together. A receiver may ask for a longer wait, up to the longest one of ours.
 *
 * @param random from 0 to 1
 */
export function delayAfter(
  attempts: number,
  { random, askedMs = null, firstMs = FIRST_DELAY_MS }: { random: number; askedMs?: number | null; firstMs?: number },
): number | null {
  if (attempts >= MOST_ATTEMPTS) return null;
  const full = Math.min(LONGEST_DELAY_MS, firstMs * 2 ** Math.max(0, attempts - 1));
  const own = full / 2 + (full / 2) * random;
  return Math.round(Math.min(LONGEST_DELAY_MS, Math.max(own, askedMs ?? 0)));
}
