import { expect, test } from 'vitest';
import { Frontier } from '../../../proxy/tlog/frontier';
import { leafHash } from '../../../proxy/tlog/hash';
import { RecentRoots } from './recentRoots';

const leafOf = (index: number) => leafHash(Buffer.from(String(index)));

test.each([0, 1, 63, 64, 100])('roots of a while ago, beginning at entry %i', (first) => {
  const before = Frontier.empty();
  for (let index = 0; index < first; index++) before.append(leafOf(index));
  const roots = new RecentRoots(before.state());
  const known = new Map([[first, before.root()]]);
  for (let index = first; index < first + 300; index++) {
    before.append(leafOf(index));
    roots.append(leafOf(index));
    known.set(index + 1, before.root());
    for (const back of [0, 1, 2, 63, 64, 65, 200]) expect(roots.rootOf(index + 1 - back)).toEqual(known.get(index + 1 - back) ?? null);
  }
  expect(roots.rootOf(first - 1)).toBeNull();
  expect(roots.rootOf(first + 301)).toBeNull();
});

test('what is too long ago is not said', () => {
  const roots = new RecentRoots({ size: 0, hashes: [] });
  const sample = Frontier.empty();
  const leaf = leafOf(0);
  const size = 2 ** 18 + 5_000;
  let early = sample.root();
  let late = early;
  for (let index = 0; index < size; index++) {
    roots.append(leaf);
    sample.append(leaf);
    if (index === 4_000) early = sample.root();
    if (index === 6_000) late = sample.root();
  }
  expect(early).not.toEqual(late);
  expect(roots.rootOf(4_001)).toBeNull();
  expect(roots.rootOf(6_001)).toEqual(late);
});
