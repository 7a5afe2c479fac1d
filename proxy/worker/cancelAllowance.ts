/** How many cancels of one session take effect: a few at once, then so many a second. */
const AT_ONCE = 5;
const PER_SECOND = 5;

export interface CancelAllowance {
  left: number;
  filledAtMs: number;
  /** The flood that goes on was told of. */
  told: boolean;
}

/** Takes one cancel from an allowance. `flood` is true once a burst, at the first cancel that has no effect. Pure. */
export function takeCancel(before: CancelAllowance, nowMs: number): { allowed: boolean; flood: boolean; next: CancelAllowance } {
  const left = Math.min(AT_ONCE, before.left + ((nowMs - before.filledAtMs) / 1_000) * PER_SECOND);
  if (left >= 1) return { allowed: true, flood: false, next: { left: left - 1, filledAtMs: nowMs, told: before.told && left < AT_ONCE } };
  return { allowed: false, flood: !before.told, next: { left, filledAtMs: nowMs, told: true } };
}
