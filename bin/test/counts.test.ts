import { expect, test } from 'vitest';
import { closingLine, isGood, readCounts, settle, sum, withReason } from './counts.mjs';

test('the closing line is plain, and names skips only where there are some', () => {
  expect(closingLine({ passed: 3, failures: [], skips: [] })).toBe('3 passed, 0 failed');
  expect(closingLine({ passed: 3, failures: ['a'], skips: [{ name: 'b', reason: 'no psql' }] })).toBe('3 passed, 1 failed, 1 skipped');
});

test('a runner that crashed, or ran nothing, has failed', () => {
  expect(settle('wire', { passed: 4, failures: [], skips: [] }, 1).failures).toEqual([expect.stringContaining('ended with 1')]);
  expect(settle('wire', { passed: 4, failures: [], skips: [] }, null).failures).toEqual([expect.stringContaining('a signal')]);
  expect(settle('wire', { passed: 0, failures: [], skips: [] }, 0).failures).toEqual(['wire: no test ran']);
  expect(settle('wire', { passed: 4, failures: ['one'], skips: [] }, 1).failures).toEqual(['one']);
  expect(settle('wire', { passed: 4, failures: [], skips: [] }, 0).failures).toEqual([]);
});

test('a suite that wrote no counts has failed', () => {
  expect(readCounts('browser', '/nonexistent/counts.json', 0).failures).toEqual(['browser: no test ran']);
});

test('nothing run is not good', () => {
  expect(isGood(sum([]))).toBe(false);
  expect(isGood(sum([{ passed: 1, failures: [], skips: [] }]))).toBe(true);
  expect(
    isGood(
      sum([
        { passed: 1, failures: [], skips: [] },
        { passed: 0, failures: ['x'], skips: [] },
      ]),
    ),
  ).toBe(false);
});

test('a failure says why in one line, without colours', () => {
  expect(withReason('a', '\u001b[31mexpected 1\n  to be 2\u001b[39m')).toBe('a: expected 1 to be 2');
  expect(withReason('a', 'x'.repeat(1_000))).toHaveLength(203);
  expect(withReason('a', undefined)).toBe('a');
});
