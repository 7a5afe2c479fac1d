import { Frontier, type FrontierState } from '../../../proxy/tlog/frontier';
import { HASH_BYTES } from '../../../proxy/tlog/hash';

/** How far back a root can be asked for: a checkpoint stands in the log soon after the entries it is about. 8 MiB of hashes. */
const RECENT = 2 ** 18;
/** Entries of a page of hashes, and between two frontiers that are remembered. */
const EVERY = 64;

/** The tree as it grows, and its roots a while ago: the frontier now and then, and the entries since. */
export class RecentRoots {
  readonly #frontier: Frontier;
  readonly #first: number;
  readonly #recent: number;
  /** In turn, by `floor(entry / EVERY)`: the frontier before the page and the entries in it. */
  readonly #pages: { frontier: Frontier; leaves: Buffer }[] = [];

  /** @param recent how many entries back; a multiple of 64 */
  constructor(prefix: FrontierState, recent = RECENT) {
    this.#frontier = Frontier.fromState(prefix);
    this.#first = prefix.size;
    this.#recent = recent;
    this.#turnPage();
  }

  get size(): number {
    return this.#frontier.size;
  }

  root(): Buffer {
    return this.#frontier.root();
  }

  append(leaf: Buffer): void {
    const page = this.#pages[this.#pageOf(this.size)];
    if (page !== undefined) leaf.copy(page.leaves, (this.size % EVERY) * HASH_BYTES);
    this.#frontier.append(leaf);
    if (this.size % EVERY === 0) this.#turnPage();
  }

  /** Root of the first `size` entries; null where that is too long ago, or before the first entry. */
  rootOf(size: number): Buffer | null {
    if (size === this.size) return this.root();
    if (size < this.#first || size > this.size || size < this.size - this.#recent + EVERY) return null;
    const page = this.#pages[this.#pageOf(size)];
    if (page === undefined) return null;
    const frontier = page.frontier.copy();
    for (let at = frontier.size; at < size; at++) {
      const offset = (at % EVERY) * HASH_BYTES;
      frontier.append(page.leaves.subarray(offset, offset + HASH_BYTES));
    }
    return frontier.root();
  }

  #pageOf(entry: number): number {
    return Math.floor(entry / EVERY) % (this.#recent / EVERY);
  }

  #turnPage(): void {
    const place = this.#pageOf(this.size);
    const leaves = this.#pages[place]?.leaves ?? Buffer.allocUnsafe(EVERY * HASH_BYTES);
    this.#pages[place] = { frontier: this.#frontier.copy(), leaves };
  }
}
