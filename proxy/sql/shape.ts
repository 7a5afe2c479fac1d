/**
 * The text of a statement without its constants: each becomes `?`, comments go, white space collapses. What is left may be kept in the clear.
 * Errs towards hiding: what does not end (a string, a comment) hides all that follows it. A lexer of its own (scan.l of PostgreSQL 18, with
 * standard_conforming_strings on), because the texts that matter most here are those no grammar takes. Pure, linear, never throws.
 */
export function shapeOf(text: string): string {
  let shape = '';
  /** What stands between here and `at` is kept as it is, and copied when something is not. */
  let from = 0;
  for (let at = 0; at < text.length; ) {
    const word = endOfWord(text, at);
    if (word > at + 1) {
      at = word;
      continue;
    }
    const blank = endOfBlank(text, at);
    if (blank > at) {
      const isOneSpace = blank === at + 1 && text.charCodeAt(at) === SPACE_CODE && at > from && blank < text.length;
      if (!isOneSpace) {
        shape += text.slice(from, at);
        if (shape !== '' && blank < text.length) shape += ' ';
        from = blank;
      }
      at = blank;
      continue;
    }
    const { constant, end } = tokenAt(text, at, word);
    if (constant) {
      shape += `${text.slice(from, at)}${CONSTANT}`;
      from = end;
    }
    at = end;
  }
  return shape + text.slice(from);
}

const CONSTANT = '?';
const SPACE_CODE = 0x20;

// Sticky, none goes back, and loops are over single characters: linear, and no text is too long for them.
const SPACE = /[ \t\n\r\f\v]+/y;
const LINE_COMMENT = /--[^\n\r]*/y;
/** With whatever is stuck to it: `1abc` is an error to the server, and may be a constant all the same. */
const NUMBER = /[0-9A-Za-z_.\u0080-\uffff]+/y;
const EXPONENT_SIGN = /[+-](?=[0-9])/y;
const PARAMETER = /\$[0-9]+/y;
const DOLLAR = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y;

interface Token {
  constant: boolean;
  end: number;
}

/** Anything but blanks and words of several letters. @param word where the word ends that stands here; `at` where none does */
function tokenAt(text: string, at: number, word: number): Token {
  if (word > at) return letter(text, at);
  const first = text.charAt(at);
  if (first === "'") return { constant: true, end: endOfString(text, at, endOfQuoted) };
  if (first === '"') return name(text, at);
  if (first === '$') return dollar(text, at);
  if (isDigit(text.charCodeAt(at)) || (first === '.' && isDigit(text.charCodeAt(at + 1))))
    return { constant: true, end: endOfNumber(text, at) };
  return { constant: false, end: at + 1 };
}

/** A single letter, which in front of a quote makes it another kind of string: `E'…'`, `B'…'`, `X'…'`, `N'…'`, `U&'…'`. */
function letter(text: string, at: number): Token {
  const word = text.charAt(at);
  const end = at + 1;
  if (text.startsWith("'", end)) {
    if (word === 'e' || word === 'E') return { constant: true, end: endOfString(text, end, endOfEscaped) };
    if ('bBxXnN'.includes(word)) return { constant: true, end: endOfString(text, end, endOfQuoted) };
  }
  if ((word === 'u' || word === 'U') && text.startsWith("&'", end)) return { constant: true, end: endOfString(text, end + 1, endOfQuoted) };
  return { constant: false, end };
}

/** One that does not end may be anything. */
function name(text: string, at: number): Token {
  const end = endOfQuoted(text, at);
  return end < 0 ? { constant: true, end: text.length } : { constant: false, end };
}

function dollar(text: string, at: number): Token {
  const parameter = endOf(PARAMETER, text, at);
  if (parameter > at) return { constant: false, end: parameter };
  const open = endOf(DOLLAR, text, at);
  if (open === at) return { constant: false, end: at + 1 };
  const tag = text.slice(at, open);
  const close = text.indexOf(tag, open);
  return { constant: true, end: close < 0 ? text.length : close + tag.length };
}

/** Letters, underscore and all that is not ASCII; digits and `$` behind the first. */
function endOfWord(text: string, at: number): number {
  if (!isLetter(text.charCodeAt(at))) return at;
  let end = at + 1;
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (!isLetter(code) && !isDigit(code) && code !== 0x24) break;
  }
  return end;
}

const isSpace = (code: number) => code === SPACE_CODE || (code >= 0x09 && code <= 0x0d);

const isDigit = (code: number) => code >= 0x30 && code <= 0x39;

const isLetter = (code: number) => (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || code === 0x5f || code >= 0x80;

/** Blanks and comments of either kind, as many as there are. */
function endOfBlank(text: string, at: number): number {
  for (let end = at; ; ) {
    const code = text.charCodeAt(end);
    let next = end;
    if (isSpace(code)) next = end + 1;
    else if (code === 0x2d) next = endOf(LINE_COMMENT, text, end);
    else if (code === 0x2f && text.startsWith('/*', end)) next = endOfBlockComment(text, end);
    if (next === end) return end;
    end = next;
  }
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
