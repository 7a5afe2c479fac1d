import { Frontier, type FrontierState } from '../../../proxy/tlog/frontier';
import { HASH_BYTES } from '../../../proxy/tlog/hash';

/** How far back a root can be asked for: a checkpoint stands in the log soon after the entries it is about. 8 MiB of hashes. */
const RECENT = 2 ** 18;
const EVERY = 64;

/** The tree as it grows, and its roots a while ago: the frontier now and then, and the entries since. */
export class RecentRoots {
  readonly #frontier: Frontier;
  readonly #first: number;
  readonly #leaves = Buffer.alloc(RECENT * HASH_BYTES);
  readonly #snapshots: (Frontier | undefined)[] = [];

  constructor(prefix: FrontierState) {
    this.#frontier = Frontier.fromState(prefix);
    this.#first = prefix.size;
    this.#keep();
  }

  get size(): number {
    return this.#frontier.size;
  }

  root(): Buffer {
    return this.#frontier.root();
  }

  append(leaf: Buffer): void {
    leaf.copy(this.#leaves, (this.size % RECENT) * HASH_BYTES);
    this.#frontier.append(leaf);
    if (this.size % EVERY === 0) this.#keep();
  }

  /** Root of the first `size` entries; null where that is too long ago, or before the first entry. */
  rootOf(size: number): Buffer | null {
    if (size === this.size) return this.root();
    if (size < this.#first || size > this.size || size < this.size - RECENT + EVERY) return null;
    const start = Math.max(size - (size % EVERY), this.#first);
    const frontier = this.#snapshots[Math.floor(start / EVERY) % (RECENT / EVERY)]?.copy();
    if (frontier === undefined) return null;
    for (let at = start; at < size; at++) {
      const offset = (at % RECENT) * HASH_BYTES;
      frontier.append(this.#leaves.subarray(offset, offset + HASH_BYTES));
    }
    return frontier.root();
  }

  #keep(): void {
    this.#snapshots[Math.floor(this.size / EVERY) % (RECENT / EVERY)] = this.#frontier.copy();
  }
}
