import { expect, test } from 'vitest';
import { isView, searchOfView, viewOfState } from './viewState';

const state = { q: 'who:bot', range: '7d', from: null, to: null, sort: 'slowest' as const, cols: ['time', 'statement'] };

test.each([
  ['relative', state],
  ['fixed', { ...state, from: '2026-11-25T10:00:00.000Z', to: '2026-11-25T11:00:00.000Z' }],
  ['empty', { q: '', range: '24h', from: null, to: null, sort: 'newest' as const, cols: [] }],
])('a %s search comes back from its view', (_, search) => {
  const view = viewOfState(search);
  expect(isView(view, search)).toBe(true);
  const back = searchOfView(view);
  expect(
    isView(view, { ...search, ...back, q: back.q ?? '', range: back.range ?? '24h', sort: back.sort ?? 'newest', cols: back.cols ?? [] }),
  ).toBe(true);
  expect(isView(view, { ...search, q: 'who:mia' })).toBe(false);
});
