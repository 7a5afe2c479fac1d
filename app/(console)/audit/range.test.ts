import { expect, test } from 'vitest';
import { frozenSearch, rangeInstants, widened } from './range';

const now = Date.parse('2026-11-25T12:00:30Z');
const at = (text: string) => new Date(text);

test.each([
  [{ range: '1h', from: null, to: null }, '2026-11-25T11:00:00.000Z', null],
  [{ range: 'all', from: null, to: null }, null, null],
  [{ range: 'nonsense', from: null, to: null }, null, null],
  [{ range: '1h', from: '2026-11-20T00:00:00Z', to: null }, '2026-11-20T00:00:00.000Z', null],
  [{ range: '1h', from: 'yesterday', to: null }, '2026-11-25T11:00:00.000Z', null],
])('%j', (state, from, to) => {
  const instants = rangeInstants(state, now);
  expect([instants.from?.toISOString() ?? null, instants.to?.toISOString() ?? null]).toEqual([from, to]);
});

test('a copied link says instants, keeps everything else, and is not live', () => {
  const params = new URLSearchParams(
    frozenSearch('?q=who%3Abot&range=1h&live=true&cols=time,who&sort=slowest', { range: '1h', from: null, to: null }, now),
  );
  expect(Object.fromEntries(params)).toEqual({
    q: 'who:bot',
    cols: 'time,who',
    sort: 'slowest',
    from: '2026-11-25T11:00:00.000Z',
    to: '2026-11-25T12:00:30.000Z',
  });
});

test('zooming out shows as much again on both sides, but not the future', () => {
  expect(widened(at('2026-11-25T10:00:00Z'), at('2026-11-25T11:00:00Z'), now)).toEqual({
    from: at('2026-11-25T09:30:00Z'),
    to: at('2026-11-25T11:30:00Z'),
  });
  expect(widened(at('2026-11-25T10:00:00Z'), at('2026-11-25T12:00:00Z'), now)).toEqual({
    from: at('2026-11-25T09:00:00Z'),
    to: new Date(now),
  });
});
