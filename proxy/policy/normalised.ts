/**
 * A statement as patterns should find it however it is spelled: comments gone, white space collapsed, names folded to lower case and freed of
 * their quotes, escapes in strings and names decoded. `spaced` keeps one space where there was any, `tight` keeps one between words only:
 * `"pg_sleep" (1)` is `pg_sleep (1)` and `pg_sleep(1)`. For searching alone: it need not be SQL any more. Pure, linear.
 */
export interface Normalised {
  spaced: string;
  tight: string;
}

/** Each alternative takes at least one character, and none goes back: PostgreSQL's lexer, as far as it decides where things end (scan.l). */
const SPACE = /[ \t\n\r\f\v]+|--[^\n\r]*/y;
const WORD = /[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*/y;
const NUMBER = /[0-9][0-9A-Za-z_.]*/y;
const QUOTED_NAME = /"((?:[^"]|"")*)"/y;
const UNICODE_NAME = /[uU]&"((?:[^"]|"")*)"/y;
const UNICODE_STRING = /[uU]&'((?:[^']|'')*)'/y;
const ESCAPE_STRING = /[eE]'((?:[^'\\]|''|\\[\s\S])*)'/y;
const STRING = /[nNbBxX]?'((?:[^']|'')*)'/y;
const DOLLAR = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y;
const PARAMETER = /\$[0-9]+/y;

export function normalised(text: string): Normalised {
  const spaced: string[] = [];
  const tight: string[] = [];
  let space = false;
  let wordy = false;
  const emit = (token: string, isWord: boolean) => {
    if (space && spaced.length > 0) spaced.push(' ');
    if (space && wordy && isWord) tight.push(' ');
    spaced.push(token);
    tight.push(token);
    space = false;
    wordy = isWord;
  };
  for (let at = 0; at < text.length; ) {
    const take = (form: RegExp): RegExpExecArray | null => {
      form.lastIndex = at;
      const found = form.exec(text);
      if (found !== null) at = form.lastIndex;
      return found;
    };
    if (text.startsWith('/*', at)) {
      at = endOfComment(text, at);
      space = true;
      continue;
    }
    if (take(SPACE) !== null) {
      space = true;
      continue;
    }
    const token =
      named(take(UNICODE_NAME), unicode) ??
      quoted(take(UNICODE_STRING), unicode) ??
      quoted(take(ESCAPE_STRING), escapes) ??
      quoted(take(STRING), (body) => body) ??
      named(take(QUOTED_NAME), (body) => body);
    if (token !== null) {
      emit(token, true);
      continue;
    }
    const word = take(WORD);
    if (word !== null) {
      emit(word[0].toLowerCase(), true);
      continue;
    }
    const plain = take(NUMBER) ?? take(PARAMETER);
    if (plain !== null) {
      emit(plain[0], true);
      continue;
    }
    const dollar = take(DOLLAR);
    if (dollar !== null) {
      const end = text.indexOf(dollar[0], at);
      const close = end < 0 ? text.length : end;
      emit(`'${text.slice(at, close)}'`, true);
      at = end < 0 ? close : end + dollar[0].length;
      continue;
    }
    emit(text.charAt(at), false);
    at += 1;
  }
  return { spaced: spaced.join(''), tight: tight.join('') };
}

function endOfComment(text: string, start: number): number {
  const mark = /\/\*|\*\//g;
  mark.lastIndex = start;
  let depth = 0;
  for (let found = mark.exec(text); found !== null; found = mark.exec(text)) {
    depth += found[0] === '/*' ? 1 : -1;
    if (depth === 0) return mark.lastIndex;
  }
  return text.length;
}

function named(found: RegExpExecArray | null, decode: (body: string) => string): string | null {
  return found === null ? null : decode((found[1] ?? '').replaceAll('""', '"'));
}

function quoted(found: RegExpExecArray | null, decode: (body: string) => string): string | null {
  return found === null ? null : `'${decode((found[1] ?? '').replaceAll("''", "'"))}'`;
}

/** `\0041` and `\+000041`; another UESCAPE is left as it stands. */
function unicode(body: string): string {
  return body.replace(/\\(?:\+([0-9A-Fa-f]{6})|([0-9A-Fa-f]{4}))/g, (_, six: string | undefined, four: string | undefined) =>
    codePoint(Number.parseInt(six ?? four ?? '0', 16)),
  );
}

const SIMPLE: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

function escapes(body: string): string {
  const form = /\\(?:x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([0-7]{1,3})|([\s\S]))/g;
  return body.replace(form, (_, x?: string, u?: string, long?: string, octal?: string, other = '') => {
    if (octal !== undefined) return codePoint(Number.parseInt(octal, 8));
    const hex = x ?? u ?? long;
    return hex === undefined ? (SIMPLE[other] ?? other) : codePoint(Number.parseInt(hex, 16));
  });
}

function codePoint(code: number): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : '';
}
