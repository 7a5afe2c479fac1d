import { tokensOf } from '../masking/rewrite/tokens';

/** An INSERT of thousands of rows is found by its first values, not by all. */
const MAX_CONSTANTS = 100;
const MAX_PARTS = 20;

/** The values of a text's constants, as a person would type them into a search: strings without quotes, numbers as they stand. */
export function constantsOf(sql: string): string[] {
  const found: string[] = [];
  const tokens = tokensOf(sql);
  for (let at = 0; at < tokens.length && found.length < MAX_CONSTANTS; at++) {
    const token = tokens[at];
    if (token === undefined || token.kind !== 'other') continue;
    // Most of what is no name is an operator or a bracket.
    if (!mayBegin(sql.charCodeAt(token.start))) continue;
    let text = sql.slice(token.start, token.end);
    if (/^[\d.]/.test(text)) {
      let end = token.end;
      // A number with a fraction is three tokens that touch.
      for (let next = tokens[at + 1]; next?.start === end && /^[\d.]/.test(sql.slice(next.start, next.end)); next = tokens[at + 1]) {
        end = next.end;
        at++;
      }
      text = sql.slice(token.start, end);
      // `$1` is a place, not a number, and its sign stands before it.
      if (/\d/.test(text) && sql[token.start - 1] !== '$') found.push(text);
      continue;
    }
    const value = stringOf(text);
    if (value !== null) found.push(value);
  }
  return found;
}

const BEGINNINGS = new Set([..."0123456789.'$eEuU"].map((char) => char.charCodeAt(0)));
const mayBegin = (code: number): boolean => BEGINNINGS.has(code);

function stringOf(text: string): string | null {
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
