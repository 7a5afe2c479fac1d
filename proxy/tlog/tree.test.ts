import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { consistencyProof, provesConsistency } from './consistency';
import { Frontier } from './frontier';
import { EMPTY_ROOT, leafHash, nodeHash } from './hash';
import { inclusionProof, rootByInclusion } from './inclusion';
import { hashesOf, rootAt, storedCount, storedIndex } from './subtrees';

/** The reference tree that implementations of RFC 6962 and 9162 are tested with, and its root after each entry. */
const ENTRIES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const hex = (hashes: readonly Buffer[]) => hashes.map((hash) => hash.toString('hex'));
const reference = ENTRIES.map((entry) => leafHash(Buffer.from(entry, 'hex')));

/** MTH as RFC 9162, section 2.1.1 defines it, word by word. */
function definedRoot(leaves: readonly Buffer[]): Buffer {
  const [only] = leaves;
  if (only === undefined) return EMPTY_ROOT;
  if (leaves.length === 1) return only;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return nodeHash(definedRoot(leaves.slice(0, k)), definedRoot(leaves.slice(k)));
}

const leavesOf = (size: number, salt = '') => Array.from({ length: size }, (_, index) => leafHash(Buffer.from(`${salt}${index}`)));

describe('the reference tree', () => {
  test.each(ROOTS.map((root, size) => [size, root] as const))('root of %i entries', (size, root) => {
    const frontier = Frontier.empty();
    for (const leaf of reference.slice(0, size)) frontier.append(leaf);
    expect(frontier.root().toString('hex')).toBe(root);
    expect(rootAt(size, hashesOf(reference)).toString('hex')).toBe(root);
  });

  test.each([
    [0, 1, []],
    [
      0,
      8,
      [
        '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
      ],
    ],
    [
      5,
      8,
      [
        'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
        'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
        'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      ],
    ],
    [2, 3, ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125']],
    [
      1,
      5,
      [
        '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      ],
    ],
  ])('inclusion of entry %i in %i', (index, size, path) => {
    const proof = inclusionProof(index, size, hashesOf(reference));
    expect(hex(proof)).toEqual(path);
    expect(rootByInclusion(index, size, reference[index] ?? EMPTY_ROOT, proof)?.toString('hex')).toBe(ROOTS[size]);
  });

  test.each([
    [1, 1, []],
    [
      1,
      8,
      [
        '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
      ],
    ],
    [
      6,
      8,
      [
        '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
        'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
        'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      ],
    ],
    [
      2,
      5,
      [
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      ],
    ],
  ])('consistency of %i with %i', (from, to, path) => {
    const proof = consistencyProof(from, to, hashesOf(reference));
    expect(hex(proof)).toEqual(path);
    const head = (size: number) => ({ size, root: Buffer.from(ROOTS[size] ?? '', 'hex') });
    expect(provesConsistency(head(from), head(to), proof)).toBe(true);
  });
});

describe('against the definition', () => {
  const leaves = leavesOf(70);
  const hashAt = hashesOf(leaves);
  const rootOf = (size: number) => definedRoot(leaves.slice(0, size));

  test('roots of a growing frontier, of one kept and read again, and of stored hashes', () => {
    let frontier = Frontier.empty();
    const stored: Buffer[] = [];
    const storedAt = (level: number, index: number) => stored[storedIndex(level, index)] ?? Buffer.alloc(0);
    for (const [index, leaf] of leaves.entries()) {
      stored.push(...frontier.append(leaf));
      expect(stored).toHaveLength(storedCount(index + 1));
      expect(frontier.size).toBe(index + 1);
      expect(frontier.root()).toEqual(rootOf(index + 1));
      frontier = Frontier.fromState(JSON.parse(JSON.stringify(frontier.state())));
    }
    for (let size = 0; size <= leaves.length; size++) {
      expect(rootAt(size, storedAt)).toEqual(rootOf(size));
      expect(Frontier.at(size, storedAt).root()).toEqual(rootOf(size));
    }
  });

  test('every inclusion proof up to 70 entries leads to the root, and with another leaf or place to another', () => {
    for (let size = 1; size <= leaves.length; size++) {
      const root = rootOf(size);
      for (let index = 0; index < size; index++) {
        const proof = inclusionProof(index, size, hashAt);
        const leaf = leaves[index] ?? EMPTY_ROOT;
        expect(rootByInclusion(index, size, leaf, proof)?.equals(root)).toBe(true);
        expect(rootByInclusion(index, size, leafHash(Buffer.from('forged')), proof)?.equals(root)).toBe(false);
        for (const other of [index - 1, index + 1, index ^ 2])
          if (other !== index) expect(rootByInclusion(other, size, leaf, proof)?.equals(root) ?? false).toBe(false);
      }
    }
  });

  test('every consistency proof up to 70 entries proves', () => {
    for (let to = 1; to <= leaves.length; to++)
      for (let from = 0; from <= to; from++) {
        const proof = consistencyProof(from, to, hashAt);
        expect(provesConsistency({ size: from, root: rootOf(from) }, { size: to, root: rootOf(to) }, proof)).toBe(true);
      }
  });

  const sizes = fc.tuple(fc.nat(400), fc.nat(400)).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) + 1 }));
  /** One change of a list of hashes: a bit, one less, one more, two exchanged. */
  const change = fc.record({ at: fc.nat(), kind: fc.constantFrom('bit', 'drop', 'add', 'swap') });
  function changed(proof: readonly Buffer[], { at, kind }: { at: number; kind: string }): Buffer[] | null {
    const copy: Buffer[] = proof.map((hash) => Buffer.from(hash));
    const place = proof.length === 0 ? 0 : at % proof.length;
    const hash = copy[place];
    if (kind === 'add') copy.splice(place, 0, leafHash(Buffer.from('added')));
    else if (hash === undefined) return null;
    else if (kind === 'bit') hash[at % 32] = (hash[at % 32] ?? 0) ^ (1 << (at % 8));
    else if (kind === 'drop') copy.splice(place, 1);
    else if (copy.length < 2) return null;
    else copy.push(copy.splice(place, 1)[0] ?? EMPTY_ROOT);
    return copy.length === proof.length && copy.every((other, index) => other.equals(proof[index] ?? EMPTY_ROOT)) ? null : copy;
  }

  test('no changed proof proves', () => {
    fc.assert(
      fc.property(sizes, change, ({ from, to }, how) => {
        const many = leavesOf(to, 'many');
        const reader = hashesOf(many);
        const later = { size: to, root: rootAt(to, reader) };
        const path = changed(inclusionProof(from, to, reader), how);
        if (path !== null) expect(rootByInclusion(from, to, many[from] ?? EMPTY_ROOT, path)?.equals(later.root) ?? false).toBe(false);
        const earlier = { size: from, root: rootAt(from, reader) };
        const links = changed(consistencyProof(from, to, reader), how);
        if (links !== null) expect(provesConsistency(earlier, later, links)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  test('no two trees that differ before the earlier one ends are consistent', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), ({ from, to }, at) => {
        fc.pre(from > 0);
        const honest = leavesOf(to);
        const forged = honest.map((leaf, index) => (index === at % from ? leafHash(Buffer.from('forged')) : leaf));
        const earlier = { size: from, root: definedRoot(honest.slice(0, from)) };
        const later = { size: to, root: definedRoot(forged) };
        expect(provesConsistency(earlier, later, consistencyProof(from, to, hashesOf(forged)))).toBe(false);
        expect(provesConsistency(earlier, later, consistencyProof(from, to, hashesOf(honest)))).toBe(false);
      }),
      { numRuns: 100 },
    );
  });
});

test('sizes beyond 32 bits', () => {
  const hashAt = (level: number, index: number) => leafHash(Buffer.from(`${level}/${index}`));
  const size = 2 ** 40 + 2 ** 33 + 5;
  const proof = inclusionProof(2 ** 40 + 7, size, (level, index) => hashAt(level, index));
  expect(proof.length).toBeGreaterThan(33);
  expect(storedIndex(0, 2 ** 40)).toBe(2 ** 41 - 1);
  const frontier = Frontier.at(size, hashAt);
  expect(frontier.state().hashes).toHaveLength(4);
  expect(rootAt(size, hashAt)).toEqual(frontier.root());
});

test.each([
  [{ size: 3, hashes: [EMPTY_ROOT.toString('base64')] }, 'another number of hashes'],
  [{ size: -1, hashes: [] }, 'number of entries'],
  [{ size: 1, hashes: ['AAAA'] }, '32 bytes'],
])('%j is no state of a frontier', (state, message) => {
  expect(() => Frontier.fromState(state)).toThrow(message);
});

test('what a tree does not have is not proved', () => {
  const hashAt = hashesOf(leavesOf(4));
  expect(() => inclusionProof(4, 4, hashAt)).toThrow(RangeError);
  expect(() => consistencyProof(5, 4, hashAt)).toThrow(RangeError);
  expect(rootByInclusion(4, 4, EMPTY_ROOT, [])).toBeNull();
  expect(provesConsistency({ size: 5, root: EMPTY_ROOT }, { size: 4, root: EMPTY_ROOT }, [])).toBe(false);
});
