import { EMPTY_ROOT, nodeHash } from './hash';

/**
 * Hash of a complete subtree: the node at `level` (0: leaves) that covers entries `index * 2^level` up to `(index + 1) * 2^level`.
 * A proof asks for O(log size) of them.
 */
export type HashAt = (level: number, index: number) => Buffer;

/** Entries `[start, end)` as complete subtrees, widest possible, left to right: `start` is a multiple of the first one's width. */
export function completeSubtrees(start: number, end: number): { level: number; index: number }[] {
  const found: { level: number; index: number }[] = [];
  for (let at = start; at < end; ) {
    let level = 0;
    for (let width = 2; at % width === 0 && at + width <= end; width *= 2) level++;
    found.push({ level, index: at / 2 ** level });
    at += 2 ** level;
  }
  return found;
}

/**
 * Hash of entries `[start, end)`, which must be a subtree of some tree: what remains right of the widest complete subtree is folded in
 * from the right. RFC 9162, section 2.1.1
 */
export function rangeHash(start: number, end: number, hashAt: HashAt): Buffer {
  return foldRight(completeSubtrees(start, end).map(({ level, index }) => hashAt(level, index)));
}

/** Hashes of complete subtrees, left to right and each at least twice as wide as the next, as one hash. */
export function foldRight(hashes: readonly Buffer[]): Buffer {
  let folded: Buffer | null = null;
  for (let at = hashes.length - 1; at >= 0; at--) {
    const hash = hashes[at];
    if (hash !== undefined) folded = folded === null ? hash : nodeHash(hash, folded);
  }
  return folded ?? EMPTY_ROOT;
}

/** Root of the first `size` entries. */
export const rootAt = (size: number, hashAt: HashAt): Buffer => rangeHash(0, size, hashAt);

/** Number of entries of the left subtree: the largest power of two below `size`, which is 2 at least. RFC 9162, section 2.1.1 */
export function splitOf(size: number): number {
  let width = 1;
  while (width * 2 < size) width *= 2;
  return width;
}

/**
 * Place of a complete subtree's hash in a file that hashes are only ever appended to: with each entry its own hash, then those of the
 * nodes it completes, lowest first. That is the order in which `Frontier.append` returns them, and Go's tlog stores them.
 */
export function storedIndex(level: number, index: number): number {
  // The last entry below the node is where it was completed: before it stand `storedCount` hashes, and `level` of its own.
  const lastEntry = (index + 1) * 2 ** level - 1;
  return storedCount(lastEntry) + level;
}

/** Number of hashes such a file holds for `size` entries: each subtree that is complete has one. */
export function storedCount(size: number): number {
  let count = 0;
  for (let width = size; width > 0; width = Math.floor(width / 2)) count += width;
  return count;
}

/** A reader over leaf hashes held in memory, for tests and small logs. */
export function hashesOf(leaves: readonly Buffer[]): HashAt {
  const levels: Buffer[][] = [[...leaves]];
  return (level, index) => {
    for (let below = levels.length - 1; below < level; below++) {
      const from = levels[below] ?? [];
      const above: Buffer[] = [];
      for (let at = 0; at + 1 < from.length; at += 2) above.push(nodeHash(from[at] ?? EMPTY_ROOT, from[at + 1] ?? EMPTY_ROOT));
      levels.push(above);
    }
    const hash = levels[level]?.[index];
    if (hash === undefined) throw new Error(`no complete subtree at level ${level}, index ${index}`);
    return hash;
  };
}
