/** A piece of SQL text that is no white space and no comment; UTF-16 offsets. */
export interface Token {
  start: number;
  end: number;
  kind: 'name' | 'quoted name' | 'other';
}

const SPACE = /[ \t\n\r\f\v]/;
const WORD = /[\w$\u0080-\uffff]/;
const DOLLAR_QUOTE = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;

/**
 * The tokens of a text that parses, as PostgreSQL's scanner cuts them (scan.l) as far as names, quotes and comments go; numbers and
 * words are one kind, and an operator is its characters. Assumes standard_conforming_strings=on.
 */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length; ) {
    const char = text[at] ?? '';
    if (SPACE.test(char)) at++;
    else if (text.startsWith('--', at)) at = endOfLine(text, at);
    else if (text.startsWith('/*', at)) at = endOfComment(text, at);
    else {
      const token = tokenAt(text, at, char);
      tokens.push(token);
      at = token.end;
    }
  }
  return tokens;
}

function tokenAt(text: string, start: number, char: string): Token {
  if (char === '"') return { start, end: endOfQuoted(text, start + 1, '"'), kind: 'quoted name' };
  if (char === "'") return { start, end: endOfQuoted(text, start + 1, "'"), kind: 'other' };
  const after = text.slice(start + 1, start + 3);
  if (/[uU]/.test(char) && after === '&"') return { start, end: endOfQuoted(text, start + 3, '"'), kind: 'quoted name' };
  if (/[uU]/.test(char) && after === "&'") return { start, end: endOfQuoted(text, start + 3, "'"), kind: 'other' };
  if (/[eE]/.test(char) && after.startsWith("'")) return { start, end: endOfEscapes(text, start + 2), kind: 'other' };
  if (char === '$') {
    DOLLAR_QUOTE.lastIndex = start;
    const [tag] = DOLLAR_QUOTE.exec(text) ?? [];
    if (tag !== undefined) {
      const close = text.indexOf(tag, start + tag.length);
      return { start, end: close < 0 ? text.length : close + tag.length, kind: 'other' };
    }
  }
  if (!WORD.test(char)) return { start, end: start + 1, kind: 'other' };
  let end = start + 1;
  while (end < text.length && WORD.test(text[end] ?? '')) end++;
  return { start, end, kind: /[A-Za-z_\u0080-\uffff]/.test(char) ? 'name' : 'other' };
}

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
