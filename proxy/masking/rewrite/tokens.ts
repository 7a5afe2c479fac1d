/** A piece of SQL text that is no white space and no comment; UTF-16 offsets. */
export interface Token {
  start: number;
  end: number;
  kind: 'name' | 'quoted name' | 'other';
}

const DOLLAR_QUOTE = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;

/**
 * The tokens of a text that parses, as PostgreSQL's scanner cuts them (scan.l) as far as names, quotes and comments go; numbers and
 * words are one kind, and an operator is its characters. Assumes standard_conforming_strings=on.
 */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  for (let at = nextToken(text, 0); at < text.length; ) {
    const end = tokenEnd(text, at);
    tokens.push({ start: at, end, kind: kindAt(text, at) });
    at = nextToken(text, end);
  }
  return tokens;
}

/** Where the first token begins that is not before `from`; the end of the text where there is none. */
export function nextToken(text: string, from: number): number {
  for (let at = from; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code === 0x20 || (code >= 0x09 && code <= 0x0d)) at++;
    else if (code === 0x2d && text.charCodeAt(at + 1) === 0x2d) at = endOfLine(text, at);
    else if (code === 0x2f && text.charCodeAt(at + 1) === 0x2a) at = endOfComment(text, at);
    else return at;
  }
  return text.length;
}

/** Where the token ends that begins at `start`. */
export function tokenEnd(text: string, start: number): number {
  const code = text.charCodeAt(start);
  if (code === QUOTE || code === DOUBLE_QUOTE) return endOfQuoted(text, start + 1, text.charAt(start));
  const opening = openingAt(text, start, code);
  if (opening === 'unicode') return endOfQuoted(text, start + 3, text.charAt(start + 2));
  if (opening === 'escapes') return endOfEscapes(text, start + 2);
  if (code === DOLLAR) {
    DOLLAR_QUOTE.lastIndex = start;
    const [tag] = DOLLAR_QUOTE.exec(text) ?? [];
    if (tag !== undefined) {
      const close = text.indexOf(tag, start + tag.length);
      return close < 0 ? text.length : close + tag.length;
    }
  }
  return isLetter(code) || isDigitOrDollar(code) ? wordEnd(text, start + 1) : start + 1;
}

/** Where a word or number ends that has begun. */
export function wordEnd(text: string, from: number): number {
  let end = from;
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (code < IN_WORD.length && IN_WORD[code] === 0) break;
  }
  return end;
}

export function kindAt(text: string, start: number): Token['kind'] {
  const code = text.charCodeAt(start);
  if (code === DOUBLE_QUOTE) return 'quoted name';
  switch (openingAt(text, start, code)) {
    case 'unicode':
      return text.charCodeAt(start + 2) === DOUBLE_QUOTE ? 'quoted name' : 'other';
    case 'escapes':
      return 'other';
    default:
      return isLetter(code) ? 'name' : 'other';
  }
}

const QUOTE = 0x27;
const DOUBLE_QUOTE = 0x22;
const DOLLAR = 0x24;

/** A letter that belongs to the quote behind it: `U&'…'` and `U&"…"`, `E'…'`. */
function openingAt(text: string, start: number, code: number): 'unicode' | 'escapes' | null {
  const lower = code | 0x20;
  if (lower === 0x75 && text.charCodeAt(start + 1) === 0x26) {
    const quote = text.charCodeAt(start + 2);
    return quote === QUOTE || quote === DOUBLE_QUOTE ? 'unicode' : null;
  }
  return lower === 0x65 && text.charCodeAt(start + 1) === QUOTE ? 'escapes' : null;
}

const isLetter = (code: number) => (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || code === 0x5f || code >= 0x80;
const isDigitOrDollar = (code: number) => (code >= 0x30 && code <= 0x39) || code === 0x24;

/** Of each ASCII character; all others are letters. */
const IN_WORD = Uint8Array.from({ length: 0x80 }, (_, code) => (isLetter(code) || isDigitOrDollar(code) ? 1 : 0));

function endOfLine(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== '\n' && text[at] !== '\r') at++;
  return at;
}

/** Comments nest. */
function endOfComment(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; ) {
    if (text.startsWith('/*', at)) depth++;
    else if (text.startsWith('*/', at)) depth--;
    else {
      at++;
      continue;
    }
    at += 2;
    if (depth === 0) return at;
  }
  return text.length;
}

function endOfQuoted(text: string, from: number, quote: string): number {
  for (let at = text.indexOf(quote, from); at >= 0; at = text.indexOf(quote, at + 2))
    // Two of them are one within.
    if (text[at + 1] !== quote) return at + 1;
  return text.length;
}

function endOfEscapes(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === "'") {
      if (text[at + 1] !== "'") return at + 1;
      at++;
    }
  }
  return text.length;
}
