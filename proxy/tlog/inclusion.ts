import { nodeHash } from './hash';
import { type HashAt, rangeHash, splitOf } from './subtrees';

/**
 * The hashes that lead from entry `index` to the root of the first `size` entries, nearest first. RFC 9162, section 2.1.3.1
 * @throws RangeError when the tree has no such entry
 */
export function inclusionProof(index: number, size: number, hashAt: HashAt): Buffer[] {
  if (!(Number.isSafeInteger(index) && Number.isSafeInteger(size) && 0 <= index && index < size))
    throw new RangeError(`a tree of ${size} entries has no entry ${index}`);
  const path: Buffer[] = [];
  for (let start = 0, end = size; end - start > 1; ) {
    const middle = start + splitOf(end - start);
    const goesLeft = index < middle;
    path.push(goesLeft ? rangeHash(middle, end, hashAt) : rangeHash(start, middle, hashAt));
    if (goesLeft) end = middle;
    else start = middle;
  }
  return path.reverse();
}

/**
 * The root that a proof leads to, to be compared with a signed one; null when the proof has the wrong length for that place, or the tree no
 * such entry. RFC 9162, section 2.1.3.2
 */
export function rootByInclusion(index: number, size: number, leaf: Buffer, proof: readonly Buffer[]): Buffer | null {
  if (!(Number.isSafeInteger(index) && Number.isSafeInteger(size) && 0 <= index && index < size)) return null;
  let node = index;
  let last = size - 1;
  let hash = leaf;
  for (const beside of proof) {
    if (last === 0) return null;
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(beside, hash);
      while (node % 2 === 0 && node !== 0) {
        node /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      hash = nodeHash(hash, beside);
    }
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 ? hash : null;
}
