import { kindAt, nextToken, tokenEnd } from '../masking/rewrite/tokens';

/** An INSERT of thousands of rows is found by its first values, not by all. */
const MAX_CONSTANTS = 100;
const MAX_PARTS = 20;

/** The values of a text's constants, as a person would type them into a search: strings without quotes, numbers as they stand. */
export function constantsOf(sql: string): string[] {
  const found: string[] = [];
  for (let start = nextToken(sql, 0); start < sql.length && found.length < MAX_CONSTANTS; ) {
    let end = tokenEnd(sql, start);
    if (isNumeric(sql.charCodeAt(start))) {
      // A number with a fraction is three tokens that touch.
      while (end < sql.length && isNumeric(sql.charCodeAt(end))) end = tokenEnd(sql, end);
      const text = sql.slice(start, end);
      // `$1` is a place, not a number, and its sign stands before it.
      if (/\d/.test(text) && sql[start - 1] !== '$') found.push(text);
    } else if (mayQuote(sql.charCodeAt(start)) && kindAt(sql, start) === 'other') {
      const value = stringOf(sql.slice(start, end));
      if (value !== null) found.push(value);
    }
    start = nextToken(sql, end);
  }
  return found;
}

const isNumeric = (code: number): boolean => (code >= 0x30 && code <= 0x39) || code === 0x2e;

/** Most of what is no name is an operator or a bracket. */
const QUOTES: ReadonlySet<number> = new Set([..."'$eEuU"].map((char) => char.charCodeAt(0)));
const mayQuote = (code: number): boolean => QUOTES.has(code);

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
  const whole = normalTerm(value);
  if (ONE_WORD.test(whole)) return [whole];
  const parts = whole.match(/[\p{L}\p{N}][\p{L}\p{N}@._+-]*[\p{L}\p{N}]/gu) ?? [];
  return [...new Set([whole, ...parts.slice(0, MAX_PARTS)])].filter((term) => term !== '');
}

export const normalTerm = (value: string): string => value.trim().toLowerCase().slice(0, 1_000);
