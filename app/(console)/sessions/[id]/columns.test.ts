import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { COUNTS, columnAt, columnsOf, countOf } from './columns';
import { timeScale } from './timeScale';

const bin = (fromMs: number, toMs: number, counts: Partial<Record<(typeof COUNTS)[number], number>>) => ({
  ...{ from: new Date(fromMs), to: new Date(toMs), allow: 0, failed: 0, hold: 0, deny: 0 },
  ...counts,
});
const scale = (bins: readonly ReturnType<typeof bin>[], endMs: number) =>
  timeScale(
    bins.map(({ from, to }) => ({ fromMs: from.getTime(), toMs: to.getTime() })),
    0,
    endMs,
  );

describe('columns of a timeline', () => {
  test('bins that share a place are one column, with their counts apart', () => {
    const bins = [bin(0, 9, { allow: 3 }), bin(10, 19, { allow: 2, deny: 1 }), bin(50, 59, { hold: 1 }), bin(90, 100, { failed: 4 })];
    const columns = columnsOf(bins, scale(bins, 100), 4);
    expect(columns.map(({ fromMs, toMs, allow, failed, hold, deny }) => [fromMs, toMs, allow, failed, hold, deny])).toEqual([
      [0, 19, 5, 0, 0, 1],
      [50, 59, 0, 0, 1, 0],
      [90, 100, 0, 4, 0, 0],
    ]);
    expect([-1, 0, 15, 30, 50, 99].map((ms) => columnAt(columns, ms))).toEqual([-1, 0, 0, 0, 1, 2]);
  });

  test('every statement is in one column, columns are in order and no more than asked for', () => {
    const drawn = fc.record({
      gapMs: fc.integer({ min: 0, max: 60_000 }),
      lengthMs: fc.integer({ min: 0, max: 5_000 }),
      deny: fc.nat(9),
      allow: fc.nat(99),
    });
    fc.assert(
      fc.property(fc.array(drawn, { maxLength: 80 }), fc.integer({ min: 1, max: 300 }), (list, count) => {
        let atMs = 0;
        const bins = list.map(({ gapMs, lengthMs, ...counts }) => {
          const fromMs = atMs + gapMs;
          atMs = fromMs + lengthMs + 1;
          return bin(fromMs, fromMs + lengthMs, counts);
        });
        const columns = columnsOf(bins, scale(bins, atMs), count);
        expect(columns.length).toBeLessThanOrEqual(Math.min(count, bins.length));
        for (const key of COUNTS)
          expect(columns.reduce((sum, column) => sum + column[key], 0)).toBe(bins.reduce((sum, one) => sum + one[key], 0));
        expect(columns.reduce((sum, column) => sum + countOf(column), 0)).toBe(bins.reduce((sum, one) => sum + one.allow + one.deny, 0));
        for (const [index, column] of columns.entries()) {
          expect(column.toMs).toBeGreaterThanOrEqual(column.fromMs);
          expect(columnAt(columns, column.fromMs)).toBe(index);
        }
      }),
    );
  });
});
