import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** The traps of the protocol, each at least one test that is named after it. */
const TRAPS = Array.from({ length: 61 }, (_, i) => i + 1);

test('every trap has a test of its number', () => {
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '*.test.ts'], { encoding: 'utf8' })
    .split('\0')
    .filter((path) => path !== '' && existsSync(path));
  expect(files.length).toBeGreaterThan(0);
  const named = new Set<number>();
  for (const path of files)
    for (const [, title = ''] of readFileSync(path, 'utf8').matchAll(/['"`](trap-[^'"`\n]*)/g))
      for (const [, number] of title.matchAll(/trap-(\d+)-[a-z]/g)) named.add(Number(number));
  expect(
    TRAPS.filter((trap) => !named.has(trap)),
    'traps without a test called trap-NN-what-it-shows',
  ).toEqual([]);
});
