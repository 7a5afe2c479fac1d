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
  for (let index = first; index < first + 200; index++) {
    before.append(leafOf(index));
    roots.append(leafOf(index));
    known.set(index + 1, before.root());
    for (const back of [0, 1, 63, 64, 200]) expect(roots.rootOf(index + 1 - back)).toEqual(known.get(index + 1 - back) ?? null);
  }
  expect(roots.rootOf(first - 1)).toBeNull();
  expect(roots.rootOf(first + 201)).toBeNull();
});

test('what is too long ago is not said', () => {
  const roots = new RecentRoots({ size: 0, hashes: [] }, 256);
  const frontier = Frontier.empty();
  const known = [frontier.root()];
  for (let index = 0; index < 1_000; index++) {
    roots.append(leafOf(index));
    frontier.append(leafOf(index));
    known.push(frontier.root());
  }
  expect(roots.rootOf(1_000 - 256)).toBeNull();
  for (let size = 1_000 - 192; size <= 1_000; size++) expect(roots.rootOf(size)).toEqual(known[size]);
});
