import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesGlob, matchesSegment } from './glob';

describe('matchesGlob', () => {
  it.each([
    ['public.customers', ['public', 'customers'], true],
    ['public.*', ['public', 'customers'], true],
    ['public.*', ['hr', 'customers'], false],
    ['*.customers', ['hr', 'customers'], true],
    ['customers', ['hr', 'customers'], true],
    ['*', ['hr', 'customers'], true],
    ['public.*.card_number', ['public', 'payments', 'card_number'], true],
    ['public.*.card_number', ['public', 'payments', 'amount'], false],
    ['*.*.ssn', ['hr', 'employees', 'ssn'], true],
    ['a.b.c.d', ['b', 'c', 'd'], false],
    ['hr.emp*', ['hr', 'employees'], true],
    ['hr.*oy*s', ['hr', 'employees'], true],
    ['hr.*oy*x', ['hr', 'employees'], false],
    ['public.*', ['public', 'a.b'], true],
    ['Public.*', ['public', 'a'], false],
  ])('%s over %j is %s', (pattern, path, expected) => expect(matchesGlob(pattern, path)).toBe(expected));

  it('agrees with the obvious regular expression', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 });
    fc.assert(
      fc.property(letters, fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 }), (pattern, name) => {
        const expected = new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(name);
        expect(matchesSegment(pattern, name)).toBe(expected);
      }),
    );
  });
});
