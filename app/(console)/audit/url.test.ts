import { describe, expect, it } from 'vitest';
import { termOf, withTerm } from '../../sql/terms';
import { frozenSearch, rangeInstants } from './range';

const nowMs = Date.UTC(2026, 10, 23, 12, 0, 30);

describe('rangeInstants', () => {
  it('turns a preset into an instant, cut to the minute', () => {
    expect(rangeInstants({ range: '1h', from: null, to: null }, nowMs)).toEqual({
      from: new Date(Date.UTC(2026, 10, 23, 11, 0)),
      to: null,
    });
  });
  it('prefers instants, and ignores what is not one', () => {
    expect(rangeInstants({ range: '1h', from: '2026-01-01T00:00:00Z', to: 'x' }, nowMs)).toEqual({
      from: new Date('2026-01-01T00:00:00Z'),
      to: null,
    });
    expect(rangeInstants({ range: 'all', from: null, to: null }, nowMs)).toEqual({ from: null, to: null });
  });
});

describe('frozenSearch', () => {
  it('freezes relative times and stops the tail', () => {
    expect(frozenSearch('q=who%3Aana&range=1h&live=true', { range: '1h', from: null, to: null }, nowMs)).toBe(
      'q=who%3Aana&from=2026-11-23T11%3A00%3A00.000Z&to=2026-11-23T12%3A00%3A30.000Z',
    );
  });
});

describe('terms', () => {
  it('reads and replaces one word and leaves the rest as typed', () => {
    expect(termOf('who:"a b" verdict:held drop', 'who')).toBe('a b');
    expect(withTerm('verdict:held "drop table" rows:>10', 'verdict', 'denied')).toBe('verdict:denied "drop table" rows:>10');
    expect(withTerm('verdict:held x', 'verdict', null)).toBe('x');
    expect(withTerm('', 'who', 'a b')).toBe('who:"a b"');
  });
});
