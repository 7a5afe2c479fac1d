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
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code === 0x20 || (code >= 0x09 && code <= 0x0d)) at++;
    else if (code === 0x2d && text.startsWith('--', at)) at = endOfLine(text, at);
    else if (code === 0x2f && text.startsWith('/*', at)) at = endOfComment(text, at);
    else {
      const token = tokenAt(text, at, code);
      tokens.push(token);
      at = token.end;
    }
  }
  return tokens;
}

function tokenAt(text: string, start: number, code: number): Token {
  const char = text.charAt(start);
  if (char === '"') return { start, end: endOfQuoted(text, start + 1, '"'), kind: 'quoted name' };
  if (char === "'") return { start, end: endOfQuoted(text, start + 1, "'"), kind: 'other' };
  if (char === 'u' || char === 'U') {
    if (text.startsWith('&"', start + 1)) return { start, end: endOfQuoted(text, start + 3, '"'), kind: 'quoted name' };
    if (text.startsWith("&'", start + 1)) return { start, end: endOfQuoted(text, start + 3, "'"), kind: 'other' };
  }
  if ((char === 'e' || char === 'E') && text.startsWith("'", start + 1))
    return { start, end: endOfEscapes(text, start + 2), kind: 'other' };
  if (char === '$') {
    DOLLAR_QUOTE.lastIndex = start;
    const [tag] = DOLLAR_QUOTE.exec(text) ?? [];
    if (tag !== undefined) {
      const close = text.indexOf(tag, start + tag.length);
      return { start, end: close < 0 ? text.length : close + tag.length, kind: 'other' };
    }
  }
  if (!isLetter(code) && !isDigitOrDollar(code)) return { start, end: start + 1, kind: 'other' };
  let end = start + 1;
  for (; end < text.length; end++) {
    const next = text.charCodeAt(end);
    if (!isLetter(next) && !isDigitOrDollar(next)) break;
  }
  return { start, end, kind: isLetter(code) ? 'name' : 'other' };
}

const isLetter = (code: number) => (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || code === 0x5f || code >= 0x80;
const isDigitOrDollar = (code: number) => (code >= 0x30 && code <= 0x39) || code === 0x24;

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
  for (let at = from; at < text.length; at++) {
    if (text[at] !== quote) continue;
    if (text[at + 1] !== quote) return at + 1;
    at++;
  }
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
