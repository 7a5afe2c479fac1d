import { describe, expect, test } from 'vitest';
import { type Edit, originalPosition, splice } from './splice';

describe('a text with parts replaced', () => {
  test.each<[string, Edit[], string]>([
    ['select s from t', [], 'select s from t'],
    ['abc', [{ start: 1, end: 2, text: '(long)' }], 'a(long)c'],
    [
      'abc',
      [
        { start: 2, end: 3, text: 'Z' },
        { start: 0, end: 1, text: '' },
      ],
      'bZ',
    ],
    ['é😀x', [{ start: 1, end: 3, text: '日' }], 'é日x'],
  ])('%s', (text, edits, expected) => {
    expect(splice(text, edits).text).toBe(expected);
  });

  test('edits that overlap are no edits', () => {
    const edits = [
      { start: 0, end: 2, text: 'x' },
      { start: 1, end: 3, text: 'y' },
    ];
    expect(() => splice('abc', edits)).toThrow(RangeError);
    expect(() => splice('abc', [{ start: 2, end: 9, text: '' }])).toThrow(RangeError);
  });
});

/** Numbers below a bound, the same in every run. */
function sequence(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

test('every position of what stayed leads to the same character, one inside a replacement to where it began', () => {
  const alphabet = ['a', 'é', '日', '😀', ' ', "'"];
  for (let seed = 1; seed <= 300; seed++) {
    const random = sequence(seed);
    const word = (most: number) => Array.from({ length: random(most) }, () => alphabet[random(alphabet.length)] ?? '').join('');
    // Pieces that stay and pieces that are replaced, in turn.
    const pieces = Array.from({ length: 1 + random(6) }, (_, i) => ({ was: word(5), becomes: i % 2 === 0 ? null : word(7) }));
    const edits: Edit[] = [];
    const expected: number[] = [];
    let units = 0;
    let characters = 0;
    for (const { was, becomes } of pieces) {
      const size = [...was].length;
      if (becomes === null) for (let i = 0; i < size; i++) expected.push(characters + i + 1);
      else {
        edits.push({ start: units, end: units + was.length, text: becomes });
        for (const _ of becomes) expected.push(characters + 1);
      }
      units += was.length;
      characters += size;
    }
    const spliced = splice(pieces.map(({ was }) => was).join(''), edits);
    const found = [...spliced.text].map((_, index) => originalPosition(spliced, index + 1));
    expect(found, JSON.stringify(pieces)).toEqual(expected);
    // Behind the end, where a text that stops too early is at fault.
    expect(originalPosition(spliced, [...spliced.text].length + 1)).toBe(characters + 1);
  }
});
