import { describe, expect, test } from 'vitest';
import { dollarQuoted, inComment, quoteName, quoteText } from './quote';

describe('names', () => {
  test.each([
    ['people', '"people"'],
    ['People', '"People"'],
    ['a"b', '"a""b"'],
    ["o'brien", '"o\'brien"'],
    ['back\\slash', '"back\\slash"'],
    ['Motörhead 🎸', '"Motörhead 🎸"'],
    ['two\nlines', 'U&"two\\000alines"'],
    ['cr\r"\\x', 'U&"cr\\000d""\\\\x"'],
    ['line\u2028end', 'U&"line\\2028end"'],
  ])('%j', (name, expected) => expect(quoteName(name)).toBe(expected));
});

describe('texts', () => {
  test.each([
    ['plain', "'plain'"],
    ["it's", "'it''s'"],
    ['a\\b', "E'a\\\\b'"],
    ["\\'", "E'\\\\'''"],
    ['a\nb', "E'a\\u000ab'"],
  ])('%j', (value, expected) => expect(quoteText(value)).toBe(expected));
});

test('a comment stays one line, whatever is in it', () => {
  expect(inComment('x\nDROP TABLE y; \u202e')).toBe('x\\u{a}DROP TABLE y; \\u{202e}');
});

test('a body cannot end its own quoting', () => {
  expect(dollarQuoted('x $gatehouse$ y $gatehouse_$')).toBe('$gatehouse__$x $gatehouse$ y $gatehouse_$$gatehouse__$');
});
