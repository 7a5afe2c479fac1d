/** A small deterministic source of numbers (mulberry32): the same seed gives the same shop everywhere. */
export interface Draw {
  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number;
  /** True once in `n` times. */
  oneIn(n: number): boolean;
  pick<T>(items: readonly [T, ...T[]]): T;
  digits(count: number): string;
  /** An instant between two, in ISO 8601, whole seconds. */
  instant(from: string, to: string): string;
}

export function drawFrom(seed: number): Draw {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
  return {
    int,
    oneIn: (n) => int(1, n) === 1,
    pick: (items) => items[int(0, items.length - 1)] ?? items[0],
    digits: (count) => Array.from({ length: count }, () => int(0, 9)).join(''),
    instant: (from, to) => new Date(int(Date.parse(from) / 1000, Date.parse(to) / 1000) * 1000).toISOString(),
  };
}

/** Appends the check digit that makes a card number valid (ISO/IEC 7812-1, Luhn). */
export function withCheckDigit(digits: string): string {
  let sum = 0;
  for (let i = digits.length - 1, double = true; i >= 0; i--, double = !double) {
    const digit = Number(digits[i]);
    sum += double ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit;
  }
  return digits + String((10 - (sum % 10)) % 10);
}
