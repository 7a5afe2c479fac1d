import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { placeOf, timeScale } from './timeScale';

const HOUR = 3_600_000;

describe('the time of a session', () => {
  test('an hour of nothing between two seconds of work is cut short', () => {
    const stretches = timeScale(
      [
        { fromMs: 0, toMs: 1_000 },
        { fromMs: HOUR, toMs: HOUR + 1_000 },
      ],
      0,
      HOUR + 1_000,
    );
    expect(stretches.map(({ idle }) => idle)).toEqual([false, true, false]);
    expect(placeOf(stretches, 1_000)).toBeCloseTo(0.475);
    expect(placeOf(stretches, HOUR)).toBeCloseTo(0.525);
  });

  test('short gaps are drawn to scale', () => {
    const stretches = timeScale(
      [
        { fromMs: 0, toMs: 400 },
        { fromMs: 600, toMs: 1_000 },
      ],
      0,
      1_000,
    );
    expect(stretches).toHaveLength(1);
    expect(placeOf(stretches, 500)).toBeCloseTo(0.5);
  });

  test('a session in which nothing ran is one cut', () => {
    expect(timeScale([], 0, HOUR)).toEqual([{ fromMs: 0, toMs: HOUR, idle: true, from: 0, to: 1 }]);
  });

  test('covers all of it, in order, and later is never further left', () => {
    const span = fc.tuple(fc.integer({ min: 0, max: HOUR }), fc.integer({ min: 0, max: 60_000 })).map(([fromMs, length]) => ({
      fromMs,
      toMs: fromMs + length,
    }));
    fc.assert(
      fc.property(
        fc.array(span, { maxLength: 40 }),
        fc.array(fc.integer({ min: -10, max: HOUR * 2 }), { minLength: 2 }),
        (spans, instants) => {
          const stretches = timeScale(spans, 0, HOUR);
          expect(stretches[0]).toMatchObject({ fromMs: 0, from: 0 });
          expect(stretches.at(-1)).toMatchObject({ toMs: HOUR, to: 1 });
          for (const [index, one] of stretches.entries()) {
            expect(one.to).toBeGreaterThanOrEqual(one.from);
            if (index > 0) expect(one.fromMs).toBe(stretches[index - 1]?.toMs);
          }
          const places = [...instants].sort((a, b) => a - b).map((ms) => placeOf(stretches, ms));
          expect(places).toEqual([...places].sort((a, b) => a - b));
        },
      ),
    );
  });
});
