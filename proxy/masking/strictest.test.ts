import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Inference, MaskSpec } from '../../db/schema/shapes';
import { compareMasks, strictestMask } from './strictest';
import type { ColumnMask } from './types';

const count = fc.integer({ min: 0, max: 4 });
const step = fc.constantFrom(0.5, 10, 100);
const spec = fc.oneof(
  fc.constantFrom<MaskSpec>({ type: 'redact' }, { type: 'null' }, { type: 'hash' }, { type: 'email' }),
  fc.record({ type: fc.constant('partial' as const), keepFirst: count, keepLast: count }),
  count.map((keepLast): MaskSpec => ({ type: 'partial', keepLast })),
  fc.record({ type: fc.constant('date' as const), truncate: fc.constantFrom('year' as const, 'month' as const, 'day' as const) }),
  step.map((round): MaskSpec => ({ type: 'number', round })),
  step.map((bucket): MaskSpec => ({ type: 'number', bucket })),
  fc.constantFrom('', 'a', 'b', 'é', '🂡').map((value): MaskSpec => ({ type: 'constant', value })),
);
const mask: fc.Arbitrary<ColumnMask> = fc.record({
  relationOid: fc.constantFrom(1, 2),
  attributeNumber: fc.constantFrom(1, 2),
  column: fc.constantFrom('public.t.a', 'public.v.a'),
  rule: fc.constantFrom('first', 'second'),
  mask: spec,
  inference: fc.constantFrom<Inference>('open', 'guarded', 'closed', 'masked'),
  computed: fc.boolean(),
});
const given = (value: ColumnMask) => {
  // keepFirst: 0 and no keepFirst are the same mask.
  const { mask: own } = value;
  return own.type === 'partial' ? { ...value, mask: { ...own, keepFirst: own.keepFirst ?? 0, keepLast: own.keepLast ?? 0 } } : value;
};

describe('the strictest mask', () => {
  test.each<[MaskSpec, MaskSpec]>([
    [{ type: 'null' }, { type: 'redact' }],
    [{ type: 'redact' }, { type: 'constant', value: '' }],
    [{ type: 'constant', value: 'z' }, { type: 'hash' }],
    [{ type: 'hash' }, { type: 'partial', keepLast: 0 }],
    [
      { type: 'partial', keepLast: 2 },
      { type: 'partial', keepLast: 4 },
    ],
    [
      { type: 'partial', keepFirst: 4 },
      { type: 'partial', keepLast: 4 },
    ],
    [
      { type: 'partial', keepLast: 4 },
      { type: 'partial', keepFirst: 1, keepLast: 4 },
    ],
    [{ type: 'partial', keepFirst: 9 }, { type: 'email' }],
    [{ type: 'email' }, { type: 'date', truncate: 'year' }],
    [
      { type: 'date', truncate: 'year' },
      { type: 'date', truncate: 'month' },
    ],
    [
      { type: 'date', truncate: 'month' },
      { type: 'date', truncate: 'day' },
    ],
    [
      { type: 'number', round: 1000 },
      { type: 'number', bucket: 10 },
    ],
    [
      { type: 'number', bucket: 10 },
      { type: 'number', round: 10 },
    ],
    [
      { type: 'constant', value: 'a' },
      { type: 'constant', value: 'b' },
    ],
  ])('%j is stricter than %j', (stricter, laxer) => {
    expect(compareMasks(stricter, laxer)).toBeLessThan(0);
    expect(compareMasks(laxer, stricter)).toBeGreaterThan(0);
  });

  test('does not depend on the order in which masks are met', () => {
    fc.assert(
      fc.property(mask.map(given), mask.map(given), mask.map(given), (a, b, c) => {
        expect(strictestMask(a, a)).toEqual(a);
        expect(strictestMask(a, b)).toEqual(strictestMask(b, a));
        expect(strictestMask(strictestMask(a, b), c)).toEqual(strictestMask(a, strictestMask(b, c)));
      }),
      { numRuns: 2_000 },
    );
  });

  test('is one of the two, and neither mask nor inference is laxer than either', () => {
    fc.assert(
      fc.property(mask, mask, (a, b) => {
        const strictest = strictestMask(a, b);
        expect([a.mask, b.mask]).toContainEqual(strictest.mask);
        for (const one of [a, b]) expect(compareMasks(strictest.mask, one.mask)).toBeLessThanOrEqual(0);
      }),
    );
  });
});
