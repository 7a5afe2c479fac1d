import { leafHash } from '../tlog/hash';
import type { AppendLog } from './appendLog';
import { readOver } from './readOver';

/** So many entries a step: a fraction of a millisecond each. */
const STEP_ENTRIES = 200;

/** Compares the log with its hashes, over and over, a little at a time. */
export class SelfCheck {
  readonly #log: AppendLog;
  #next: number;
  upTo = 0;
  completedAtMs: number | null = null;
  broken: { index: number; what: string } | null;

  constructor(log: AppendLog) {
    this.#log = log;
    this.#next = log.first;
    this.broken = log.broken;
  }

  step(nowMs: number): void {
    if (this.#next < this.#log.first) this.#next = this.#log.first;
    if (this.#next >= this.#log.size) {
      this.completedAtMs = nowMs;
      this.#next = this.#log.first;
      if (this.#log.size === this.#log.first) return;
    }
    const { found, next, damage } = readOver(this.#log, this.#next, STEP_ENTRIES);
    if (damage !== undefined) this.broken = earlier(this.broken, { index: damage.from, what: damage.message });
    for (const { index, bytes } of found) {
      const known = this.#log.hashAt(0, index);
      if (!leafHash(bytes).equals(known))
        this.broken = earlier(this.broken, { index, what: `entry ${index} does not have the hash it was recorded with` });
    }
    this.#next = next;
    this.upTo = Math.max(this.upTo, next);
  }

  /** What the last checkpoint says is not what the log has. */
  say(broken: { index: number; what: string }): void {
    this.broken = earlier(this.broken, broken);
  }
}

const earlier = <T extends { index: number }>(one: T | null, other: T): T => (one === null || other.index < one.index ? other : one);
