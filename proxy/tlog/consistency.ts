import { EMPTY_ROOT, nodeHash } from './hash';
import { type HashAt, rangeHash, splitOf } from './subtrees';

/**
 * The hashes which show that the tree of `to` entries begins with the tree of `from`. RFC 9162, section 2.1.4.1
 * @throws RangeError unless 0 ≤ from ≤ to
 */
export function consistencyProof(from: number, to: number, hashAt: HashAt): Buffer[] {
  if (!(Number.isSafeInteger(from) && Number.isSafeInteger(to) && 0 <= from && from <= to))
    throw new RangeError(`a tree of ${to} entries cannot begin with one of ${from}`);
  const proof: Buffer[] = [];
  if (from === 0 || from === to) return proof;
  let start = 0;
  let end = to;
  // Down the right edge of the earlier tree, until what is left of it is a whole subtree of the later one.
  while (from !== end) {
    const middle = start + splitOf(end - start);
    if (from <= middle) {
      proof.push(rangeHash(middle, end, hashAt));
      end = middle;
    } else {
      proof.push(rangeHash(start, middle, hashAt));
      start = middle;
    }
  }
  // Where it is the earlier tree itself, whoever verifies has its root already.
  if (start !== 0) proof.push(rangeHash(start, end, hashAt));
  return proof.reverse();
}

export interface TreeHead {
  size: number;
  root: Buffer;
}

/** Whether the proof shows that `later` begins with `earlier`. RFC 9162, section 2.1.4.2 */
export function provesConsistency(earlier: TreeHead, later: TreeHead, proof: readonly Buffer[]): boolean {
  if (!(Number.isSafeInteger(earlier.size) && Number.isSafeInteger(later.size))) return false;
  if (earlier.size < 0 || earlier.size > later.size) return false;
  if (earlier.size === later.size) return proof.length === 0 && earlier.root.equals(later.root);
  if (earlier.size === 0) return proof.length === 0 && earlier.root.equals(EMPTY_ROOT);
  let node = earlier.size - 1;
  let last = later.size - 1;
  while (node % 2 === 1) {
    node = (node - 1) / 2;
    last = Math.floor(last / 2);
  }
  // An earlier tree that is one complete subtree (node is 0 then) is where the path begins; otherwise the proof says where.
  const [first, ...rest] = node === 0 ? [earlier.root, ...proof] : proof;
  if (first === undefined) return false;
  let earlierRoot = first;
  let laterRoot = first;
  for (const beside of rest) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      earlierRoot = nodeHash(beside, earlierRoot);
      laterRoot = nodeHash(beside, laterRoot);
      while (node % 2 === 0 && node !== 0) {
        node /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      laterRoot = nodeHash(laterRoot, beside);
    }
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && earlierRoot.equals(earlier.root) && laterRoot.equals(later.root);
}
