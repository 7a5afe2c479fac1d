import { expect, test } from 'vitest';
import { linearPattern } from './pattern';

test.each([
  ['delete\\s+from', 'DELETE  FROM orders', true],
  ['^select\\b', 'update t', false],
  ['straße', 'STRASSE', false],
  ['ÜBER', 'select über', true],
])('%s on %s', (source, text, matches) => {
  expect(linearPattern(source).test(text)).toBe(matches);
});

test.each(['(a+)+$', '^(a|a)*$', '(.*)*;$', '(\\w+\\s?)*!'])('catastrophic for a backtracking engine, not here: %s', (source) => {
  const startedMs = performance.now();
  expect(linearPattern(source).test(`${'a'.repeat(50_000)}b`)).toBe(false);
  expect(performance.now() - startedMs).toBeLessThan(5_000);
});

test.each(['(?=a)', '(a)\\1', '(', 'a{2000}', '(?<!x)y'])('refused: %s', (source) => {
  expect(() => linearPattern(source)).toThrow();
});
