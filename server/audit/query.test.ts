import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAuditQuery } from './query';

const terms = (text: string) => {
  const { terms: read, diagnostics } = parseAuditQuery(text);
  expect(diagnostics).toEqual([]);
  return read;
};

describe('the query bar', () => {
  test('names, verdicts, comparisons and text', () => {
    expect(terms('who:support-bot verdict:held table:orders rows:>1,000 duration:>=1s500ms free text')).toEqual([
      { field: 'who', value: 'support-bot' },
      { field: 'verdict', value: 'hold' },
      { field: 'table', value: 'orders' },
      { field: 'rows', comparison: '>', value: 1_000 },
      { field: 'duration', comparison: '>=', value: 1_500 },
      { field: 'text', value: 'free' },
      { field: 'text', value: 'text' },
    ]);
  });

  test('quotes keep spaces and colons together, doubled quotes are one', () => {
    expect(terms('table:"my table" "who:else" "say ""hi"""')).toEqual([
      { field: 'table', value: 'my table' },
      { field: 'text', value: 'who:else' },
      { field: 'text', value: 'say "hi"' },
    ]);
  });

  test.each([
    ['whom:bot', 0, 8, 'unknown word whom:'],
    ['x who:', 2, 6, 'who: needs a value'],
    ['verdict:maybe', 0, 13, 'verdict is allow, hold or deny'],
    ['rows:many', 0, 9, 'rows is a number'],
    ['duration:>1', 0, 11, 'duration is a time'],
    ['http://x', 0, 8, 'unknown word http:'],
  ])('%s is a diagnostic', (text, start, end, message) => {
    const [diagnostic, ...more] = parseAuditQuery(text).diagnostics;
    expect(more).toEqual([]);
    expect(diagnostic).toMatchObject({ start, end });
    expect(diagnostic?.message).toContain(message);
  });

  test('no word is ever dropped: each is a term or a diagnostic', () => {
    const word = fc.oneof(fc.stringMatching(/^[a-z]{1,8}$/), fc.stringMatching(/^[a-z]{1,8}:[a-z0-9<>=.*-]{0,8}$/));
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), (words) => {
        const { terms: read, diagnostics } = parseAuditQuery(words.join(' '));
        expect(read.length + diagnostics.length).toBe(words.length);
      }),
    );
  });
});
