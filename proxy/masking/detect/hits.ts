import type { Detected } from '../../../db/schema/shapes';
import type { DetectingRule } from './rules';
import { bitsOf, DETECTORS } from './scan';

const COLUMNS = DETECTORS.length + 1;
const UNSCANNED = DETECTORS.length;

/** Counts hits of one result by rule and detector. */
export class DetectionHits {
  readonly #rules: readonly DetectingRule[];
  readonly #bits: readonly number[];
  readonly #cells: Uint32Array;

  constructor(rules: readonly DetectingRule[]) {
    this.#rules = rules;
    this.#bits = rules.map((rule) => bitsOf(rule.detectors));
    this.#cells = new Uint32Array(rules.length * COLUMNS);
  }

  /** One cell in which these detectors (bits) found something. */
  add(found: number): void {
    for (let rule = 0; rule < this.#bits.length; rule++) {
      const mine = found & (this.#bits[rule] ?? 0);
      if (mine === 0) continue;
      for (let detector = 0; detector < DETECTORS.length; detector++) if ((mine & (1 << detector)) !== 0) this.#count(rule, detector);
    }
  }

  addUnscanned(): void {
    for (let rule = 0; rule < this.#bits.length; rule++) this.#count(rule, UNSCANNED);
  }

  /** What was counted since the last time; the count begins anew. */
  take(): Detected[] {
    const detected: Detected[] = [];
    this.#rules.forEach(({ rule, mode }, i) => {
      for (let column = 0; column < COLUMNS; column++) {
        const cells = this.#cells[i * COLUMNS + column] ?? 0;
        if (cells > 0) detected.push({ rule, detector: DETECTORS[column] ?? 'unscanned', mode, cells });
      }
    });
    this.#cells.fill(0);
    return detected;
  }

  #count(rule: number, column: number): void {
    const at = rule * COLUMNS + column;
    this.#cells[at] = (this.#cells[at] ?? 0) + 1;
  }
}
