/**
 * The text of a statement without its constants: each becomes `?`, comments go, white space collapses. What is left may be kept in the clear.
 * Errs towards hiding: what does not end (a string, a comment) hides all that follows it. A lexer of its own (scan.l of PostgreSQL 18, with
 * standard_conforming_strings on), because the texts that matter most here are those no grammar takes. Pure, linear, never throws.
 */
export function shapeOf(text: string): string {
  let shape = '';
  let space = false;
  for (let at = 0; at < text.length; ) {
    const blank = text.startsWith('/*', at) ? endOfBlockComment(text, at) : endOfSpace(text, at);
    if (blank > at) {
      at = blank;
      space = true;
      continue;
    }
    const token = tokenAt(text, at);
    if (space && shape !== '') shape += ' ';
    space = false;
    shape += token.shown;
    at = token.end;
  }
  return shape;
}

const CONSTANT = '?';

// Sticky, none goes back, and loops are over single characters: linear, and no text is too long for them.
const SPACE = /[ \t\n\r\f\v]+/y;
const LINE_COMMENT = /--[^\n\r]*/y;
const WORD = /[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*/y;
const DIGIT = /\.?[0-9]/y;
/** With whatever is stuck to it: `1abc` is an error to the server, and may be a constant all the same. */
const NUMBER = /[0-9A-Za-z_.\u0080-\uffff]+/y;
const EXPONENT_SIGN = /[+-](?=[0-9])/y;
const PARAMETER = /\$[0-9]+/y;
const DOLLAR = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y;

interface Token {
  shown: string;
  end: number;
}

function tokenAt(text: string, at: number): Token {
  const first = text.charAt(at);
  if (first === "'") return { shown: CONSTANT, end: endOfString(text, at, endOfQuoted) };
  if (first === '"') return name(text, at, at);
  if (first === '$') return dollar(text, at);
  if (endOf(DIGIT, text, at) > at) return { shown: CONSTANT, end: endOfNumber(text, at) };
  const word = endOf(WORD, text, at);
  return word > at ? wordOrString(text, at, word) : { shown: first, end: at + 1 };
}

/** A letter in front of a quote makes it another kind of string: `E'…'`, `B'…'`, `X'…'`, `N'…'`, `U&'…'`. */
function wordOrString(text: string, at: number, end: number): Token {
  const word = text.slice(at, end);
  if (word.length === 1 && text.startsWith("'", end)) {
    if (word === 'e' || word === 'E') return { shown: CONSTANT, end: endOfString(text, end, endOfEscaped) };
    if ('bBxXnN'.includes(word)) return { shown: CONSTANT, end: endOfString(text, end, endOfQuoted) };
  }
  if ((word === 'u' || word === 'U') && text.startsWith("&'", end))
    return { shown: CONSTANT, end: endOfString(text, end + 1, endOfQuoted) };
  if ((word === 'u' || word === 'U') && text.startsWith('&"', end)) return name(text, at, end + 1);
  return { shown: word, end };
}

/** One that does not end may be anything. */
function name(text: string, at: number, quote: number): Token {
  const end = endOfQuoted(text, quote);
  return end < 0 ? { shown: CONSTANT, end: text.length } : { shown: text.slice(at, end), end };
}

function dollar(text: string, at: number): Token {
  const parameter = endOf(PARAMETER, text, at);
  if (parameter > at) return { shown: text.slice(at, parameter), end: parameter };
  const open = endOf(DOLLAR, text, at);
  if (open === at) return { shown: '$', end: at + 1 };
  const tag = text.slice(at, open);
  const close = text.indexOf(tag, open);
  return { shown: CONSTANT, end: close < 0 ? text.length : close + tag.length };
}

function endOfNumber(text: string, at: number): number {
  let end = endOf(NUMBER, text, at);
  while (/[eE]/.test(text.charAt(end - 1)) && endOf(EXPONENT_SIGN, text, end) > end) end = endOf(NUMBER, text, end + 1);
  return end;
}

/** Strings on lines of their own are one. */
function endOfString(text: string, quote: number, close: (text: string, quote: number) => number): number {
  for (let start = quote; ; ) {
    const end = close(text, start);
    if (end < 0) return text.length;
    const next = endOfSpace(text, end);
    if (text.charAt(next) !== "'" || !/[\n\r]/.test(text.slice(end, next))) return end;
    start = next;
  }
}

/** Blanks and comments of one line. */
function endOfSpace(text: string, at: number): number {
  for (let end = at; ; ) {
    const next = endOf(LINE_COMMENT, text, endOf(SPACE, text, end));
    if (next === end) return end;
    end = next;
  }
}

/** Behind the quote that closes what the one at `quote` opens; twice in a row is one that does not. -1 where none does. */
function endOfQuoted(text: string, quote: number): number {
  const mark = text.charAt(quote);
  for (let at = text.indexOf(mark, quote + 1); at >= 0; at = text.indexOf(mark, at + 2)) if (text.charAt(at + 1) !== mark) return at + 1;
  return -1;
}

/** The same where a backslash takes the meaning of what follows it. */
function endOfEscaped(text: string, quote: number): number {
  for (let at = quote + 1; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '\\' || (character === "'" && text.charAt(at + 1) === "'")) at++;
    else if (character === "'") return at + 1;
  }
  return -1;
}

function endOfBlockComment(text: string, start: number): number {
  const mark = /\/\*|\*\//g;
  mark.lastIndex = start;
  let depth = 0;
  for (let found = mark.exec(text); found !== null; found = mark.exec(text)) {
    depth += found[0] === '/*' ? 1 : -1;
    if (depth === 0) return mark.lastIndex;
  }
  return text.length;
}

/** Where what stands at `at` ends; `at` itself where it is not of this form. */
function endOf(form: RegExp, text: string, at: number): number {
  form.lastIndex = at;
  return form.test(text) ? form.lastIndex : at;
}
