import type { Action } from '../../db/schema/shapes';
import { parseDuration } from '../duration';
import type { Diagnostic } from './shape';

export type Comparison = '=' | '>' | '>=' | '<' | '<=';

/** One condition of the query bar; all of them must hold. Names may hold `*`. */
export type AuditTerm =
  | {
      field:
        | 'who'
        | 'owner'
        | 'connection'
        | 'kind'
        | 'table'
        | 'session'
        | 'request'
        | 'reviewer'
        | 'rule'
        | 'status'
        | 'sqlstate'
        | 'masked'
        | 'app'
        | 'address'
        | 'fingerprint'
        | 'column'
        | 'transaction'
        | 'value'
        | 'sub'
        | 'issuer'
        | 'agent';
      value: string;
    }
  | { field: 'verdict'; value: Action }
  | { field: 'rows' | 'bytes' | 'duration'; comparison: Comparison; value: number }
  | { field: 'text'; value: string };

export interface AuditQuery {
  terms: AuditTerm[];
  diagnostics: Diagnostic[];
}

const NAMES = [
  'who',
  'owner',
  'connection',
  'kind',
  'table',
  'session',
  'request',
  'reviewer',
  'rule',
  'status',
  'sqlstate',
  'masked',
  'app',
  'address',
  'fingerprint',
  'column',
  'transaction',
  'value',
  'sub',
  'issuer',
  'agent',
] as const;
export const QUERY_KEYS = [...NAMES, 'verdict', 'rows', 'bytes', 'duration'] as const;

const VERDICTS: Readonly<Record<string, Action>> = {
  allow: 'allow',
  allowed: 'allow',
  hold: 'hold',
  held: 'hold',
  deny: 'deny',
  denied: 'deny',
};

/** A word is `key:value`, `key:"a value"`, `"some text"` or a bare word; a quote inside a quoted value is doubled. */
const WORD = /([A-Za-z_]+):("(?:[^"]|"")*"|[^\s"]\S*)?|"(?:[^"]|"")*"|\S+/g;

/**
 * Reads the query bar: `who:support-bot verdict:held table:orders rows:>1000 duration:>1s some text`. Pure, and it never drops a word
 * silently: what is not understood becomes a diagnostic that says where it stands and what would be.
 */
export function parseAuditQuery(text: string): AuditQuery {
  const terms: AuditTerm[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const match of text.matchAll(WORD)) {
    const [word, key, value] = match;
    const read = key === undefined ? { field: 'text' as const, value: unquote(word) } : readTerm(key.toLowerCase(), unquote(value ?? ''));
    if (typeof read === 'string') diagnostics.push({ start: match.index, end: match.index + word.length, text: word, message: read });
    else terms.push(read);
  }
  return { terms, diagnostics };
}

const unquote = (text: string): string =>
  text.startsWith('"') && text.endsWith('"') && text.length > 1 ? text.slice(1, -1).replaceAll('""', '"') : text;

/** A term, or why it is none. */
function readTerm(key: string, value: string): AuditTerm | string {
  const name = NAMES.find((known) => known === key);
  if (name === undefined && key !== 'verdict' && key !== 'rows' && key !== 'bytes' && key !== 'duration')
    return `unknown word ${key}: — known are ${QUERY_KEYS.join(', ')}; put text in quotes to search for it`;
  if (value === '') return `${key}: needs a value`;
  if (name !== undefined) return { field: name, value };
  if (key === 'verdict') {
    const verdict = VERDICTS[value.toLowerCase()];
    return verdict === undefined ? 'verdict is allow, hold or deny' : { field: 'verdict', value: verdict };
  }
  const [, operator = '', amount = ''] = /^(>=|<=|>|<|=)?(.+)$/.exec(value) ?? [];
  const comparison: Comparison = operator === '>' || operator === '>=' || operator === '<' || operator === '<=' ? operator : '=';
  if (key === 'rows' || key === 'bytes') {
    const count = /^\d[\d_,]*$/.test(amount) ? Number(amount.replace(/[_,]/g, '')) : Number.NaN;
    return Number.isSafeInteger(count) ? { field: key, comparison, value: count } : `${key} is a number, e.g. ${key}:>1000`;
  }
  const durationMs = parseDuration(amount);
  return durationMs === null ? 'duration is a time, e.g. duration:>1s' : { field: 'duration', comparison, value: durationMs };
}
