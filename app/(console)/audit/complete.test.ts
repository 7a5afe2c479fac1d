import { describe, expect, test } from 'vitest';
import { QUERY_KEYS } from '../../../server/audit/query';
import type { Facet } from '../../data/types';
import { accept, suggest, WORDS, wordAt } from './complete';

const facets: Facet[] = [
  {
    field: 'who',
    values: [
      { value: 'support-bot', count: 1_200, capped: true },
      { value: 'mia', count: 3, capped: false },
    ],
  },
  { field: 'table', values: [{ value: 'public.my table', count: 2, capped: false }] },
  { field: 'status', values: [{ value: 'failed', count: 4, capped: false }] },
];
const labels = (text: string, caret = text.length) => suggest(text, caret, facets).map(({ label }) => label);

test('every word the server knows is offered, and no other', () => {
  expect(WORDS.map(({ key }) => key).sort()).toEqual([...QUERY_KEYS].sort());
});

describe('what is offered', () => {
  test.each([
    ['who:', ['who:support-bot', 'who:mia']],
    ['who:sup', ['who:support-bot']],
    ['who:mia', []],
    ['verdict:h', ['verdict:held']],
    ['status:fai', ['status:failed']],
    ['table:', ['table:"public.my table"']],
    ['sup', ['who:support-bot']],
    ['ver', ['verdict:']],
    ['colour:', []],
    ['who:mia verdict:d', ['verdict:denied']],
  ])('%s', (text, expected) => {
    expect(labels(text)).toEqual(expected);
  });

  test('an empty bar offers every key', () => {
    expect(labels('')).toHaveLength(WORDS.length);
  });

  test('counts say where they stop', () => {
    expect(suggest('who:', 4, facets).map(({ about }) => about)).toEqual(['1,200+', '3']);
  });
});

describe('where it goes', () => {
  test.each([
    ['who:mi verdict:held', 6, 'who:mi'],
    ['who:mi verdict:held', 7, 'verdict:held'],
    ['table:"my ta', 12, 'table:"my ta'],
    ['a  b', 2, ''],
  ])('%s at %i is in %s', (text, caret, word) => {
    expect(wordAt(text, caret).word).toBe(word);
  });

  test('a condition leaves a space behind it, a key does not', () => {
    const [value] = suggest('who:su verdict:held', 6, facets);
    const [key] = suggest('wh', 2, []);
    expect(value && accept('who:su verdict:held', value)).toEqual({ text: 'who:support-bot verdict:held', caret: 16 });
    expect(key && accept('wh', key)).toEqual({ text: 'who:', caret: 4 });
  });
});
