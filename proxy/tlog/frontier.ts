import { HASH_BYTES, nodeHash } from './hash';
import { completeSubtrees, foldRight, type HashAt } from './subtrees';

/** A frontier as it is kept: the number of entries, and the hashes in base64 of the complete subtrees they make, widest first. */
export interface FrontierState {
  size: number;
  hashes: readonly string[];
}

/**
 * The right edge of a tree: all that is needed to append to it and to say its root, in O(log size). Also known as a compact range.
 *
 * Invariant: `#hashes` are those of `completeSubtrees(0, size)`, one for each bit that is set in `size`, the widest first.
 */
export class Frontier {
  #size: number;
  readonly #hashes: Buffer[];

  private constructor(size: number, hashes: Buffer[]) {
    this.#size = size;
    this.#hashes = hashes;
  }

  static empty(): Frontier {
    return new Frontier(0, []);
  }

  /** @throws Error when it is no state of a frontier */
  static fromState(state: FrontierState): Frontier {
    if (!Number.isSafeInteger(state.size) || state.size < 0) throw new Error('the size of a frontier is a number of entries');
    const hashes = state.hashes.map((text) => Buffer.from(text, 'base64'));
    if (hashes.length !== completeSubtrees(0, state.size).length)
      throw new Error(`a frontier of ${state.size} entries has another number of hashes than ${hashes.length}`);
    if (hashes.some((hash, at) => hash.length !== HASH_BYTES || hash.toString('base64') !== state.hashes[at]))
      throw new Error('a hash of the frontier is no 32 bytes in base64');
    return new Frontier(state.size, hashes);
  }

  /** The frontier of the first `size` entries of a tree whose hashes are kept. */
  static at(size: number, hashAt: HashAt): Frontier {
    return new Frontier(
      size,
      completeSubtrees(0, size).map(({ level, index }) => hashAt(level, index)),
    );
  }

  get size(): number {
    return this.#size;
  }

  /** @returns the hashes that are complete with this entry, lowest first: its own, then those of nodes (see `storedIndex`) */
  append(leaf: Buffer): Buffer[] {
    const completed = [leaf];
    let hash = leaf;
    for (let size = this.#size; size % 2 === 1; size = (size - 1) / 2) {
      const left = this.#hashes.pop();
      if (left === undefined) throw new Error('the frontier has lost a hash');
      hash = nodeHash(left, hash);
      completed.push(hash);
    }
    this.#hashes.push(hash);
    this.#size++;
    return completed;
  }

  /** Root of the tree. RFC 9162, section 2.1.1 */
  root(): Buffer {
    return foldRight(this.#hashes);
  }

  state(): FrontierState {
    return { size: this.#size, hashes: this.#hashes.map((hash) => hash.toString('base64')) };
  }

  copy(): Frontier {
    return new Frontier(this.#size, [...this.#hashes]);
  }
}
