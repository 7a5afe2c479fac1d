import { kindAt, nextToken, tokenEnd, wordEnd } from '../masking/rewrite/tokens';

/** An INSERT of thousands of rows is found by its first values, not by all. */
const MAX_CONSTANTS = 100;
const MAX_PARTS = 20;

/** The values of a text's constants, as a person would type them into a search: strings without quotes, numbers as they stand. */
export function constantsOf(sql: string): string[] {
  const found: string[] = [];
  for (let at = 0; at < sql.length && found.length < MAX_CONSTANTS; ) {
    const code = sql.charCodeAt(at);
    const first = code < FIRST.length ? FIRST[code] : NAME;
    const next = first === MAYBE_NAME || first === DOT ? sql.charCodeAt(at + 1) : 0;
    if (first === NOTHING || (first === DOT && !isNumeric(next))) at++;
    else if (first === NAME || (first === MAYBE_NAME && next !== QUOTE && next !== AMPERSAND)) at = wordEnd(sql, at + 1);
    else {
      // Behind a comment everything begins anew.
      const start = nextToken(sql, at);
      at = start === at ? takeToken(found, sql, start) : start;
    }
  }
  return found;
}

/** Adds the constant that begins at `start`, if one does; where what begins there ends. */
function takeToken(found: string[], sql: string, start: number): number {
  let end = tokenEnd(sql, start);
  if (isNumeric(sql.charCodeAt(start))) {
    // A number with a fraction is three tokens that touch.
    while (end < sql.length && isNumeric(sql.charCodeAt(end))) end = tokenEnd(sql, end);
    const text = sql.slice(start, end);
    if (/\d/.test(text)) found.push(text);
  } else if (kindAt(sql, start) === 'other') {
    const value = stringOf(sql.slice(start, end));
    if (value !== null) found.push(value);
  }
  return end;
}

const isNumeric = (code: number): boolean => (code >= 0x30 && code <= 0x39) || code === 0x2e;

const QUOTE = 0x27;
const AMPERSAND = 0x26;

/** What an ASCII character may begin: most of a text is white space, operators and names. A letter may belong to E'…' or U&'…'. */
const [NOTHING, NAME, MAYBE_NAME, DOT, CONSTANT] = [0, 1, 2, 3, 4];
const FIRST = Uint8Array.from({ length: 0x80 }, (_, code) => {
  const char = String.fromCharCode(code);
  if (char === '.') return DOT;
  if ('eEuU'.includes(char)) return MAYBE_NAME;
  // Also what hides one, or a comment.
  if ('\'"$-/'.includes(char) || isNumeric(code)) return CONSTANT;
  return /[a-z_]/i.test(char) ? NAME : NOTHING;
});

function stringOf(text: string): string | null {
  if (text.startsWith("'") && text.indexOf("'", 1) === text.length - 1) return text.slice(1, -1);
  const dollar = /^(\$[^$]*\$)([\s\S]*)\1$/.exec(text);
  if (dollar !== null) return dollar[2] ?? '';
  const quoted = /^(?:[eE]|[uU]&)?'([\s\S]*?)'?$/.exec(text);
  if (quoted === null) return null;
  const inner = (quoted[1] ?? '').replaceAll("''", "'");
  return /^[eE]/.test(text) ? inner.replace(/\\(.)/gs, (_, char: string) => ({ n: '\n', t: '\t', r: '\r' })[char] ?? char) : inner;
}

/** Its only part is the whole. */
const ONE_WORD = /^[a-z0-9](?:[a-z0-9@._+-]*[a-z0-9])?$/;

/** What is found of a value: the whole of it, and its parts where it has several. Case does not count. */
export function termsOf(value: string): string[] {
  const terms = new Set<string>();
  addTerms(terms, value);
  return [...terms];
}

export function addTerms(terms: Set<string>, value: string): void {
  const whole = normalTerm(value);
  if (whole !== '') terms.add(whole);
  if (ONE_WORD.test(whole)) return;
  const parts = whole.match(/[\p{L}\p{N}][\p{L}\p{N}@._+-]*[\p{L}\p{N}]/gu) ?? [];
  for (const part of parts.slice(0, MAX_PARTS)) terms.add(part);
}

export const MAX_TERM_CHARS = 1_000;

export function normalTerm(value: string): string {
  const term = value.trim().toLowerCase();
  return term.length > MAX_TERM_CHARS ? term.slice(0, MAX_TERM_CHARS) : term;
}
