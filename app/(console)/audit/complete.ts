import type { Facet } from '../../data/types';

/** The words of the query bar, with what each asks for. */
export const WORDS = [
  { key: 'who', about: 'principal, e.g. support-bot or support-*' },
  { key: 'owner', about: 'the person an agent acts for' },
  { key: 'verdict', about: 'allowed, held or denied' },
  { key: 'connection', about: 'the database, by its connection' },
  { key: 'kind', about: 'command, e.g. DELETE' },
  { key: 'table', about: 'a table it names, e.g. public.orders' },
  { key: 'column', about: 'a column it touches, e.g. public.customers.ssn' },
  { key: 'status', about: 'what became of it, e.g. failed' },
  { key: 'rule', about: 'the rule that decided' },
  { key: 'sqlstate', about: 'error code, e.g. 42501' },
  { key: 'rows', about: 'rows, e.g. >1000' },
  { key: 'bytes', about: 'bytes of the result, e.g. >1000000' },
  { key: 'duration', about: 'time it took, e.g. >1s' },
  { key: 'masked', about: 'a masked column, * for any' },
  { key: 'value', about: 'a constant or parameter, exactly' },
  { key: 'session', about: 'ses_…' },
  { key: 'transaction', about: 'txn_…' },
  { key: 'request', about: 'req_…' },
  { key: 'sub', about: 'subject at the identity provider' },
  { key: 'issuer', about: 'identity provider, by name or address' },
  { key: 'agent', about: 'who acts by the identity (act, azp)' },
  { key: 'reviewer', about: 'who approved, rejected or broke the glass; * for anybody' },
  { key: 'fingerprint', about: 'statements of one shape' },
  { key: 'app', about: 'application name of the client' },
  { key: 'address', about: 'address of the client' },
] as const;

const FIXED: Readonly<Record<string, readonly string[]>> = {
  verdict: ['allowed', 'held', 'denied'],
  status: ['done', 'failed', 'denied', 'rejected', 'withdrawn', 'expired', 'held', 'running', 'rolledBack', 'skipped', 'unknown'],
  bytes: ['>100000', '>1000000'],
  rows: ['>0', '>100', '>1000', '>10000'],
  duration: ['>100ms', '>1s', '>10s'],
  masked: ['*'],
  reviewer: ['*'],
};

export interface Suggestion {
  /** What is put in place of the text from `start` to `end`. */
  insert: string;
  start: number;
  end: number;
  label: string;
  about: string;
  /** A whole condition; a key alone still needs its value. */
  whole: boolean;
}

const MOST = 8;

/** Where the word stands that the caret is in or behind. Quoted spaces are part of a word. */
export function wordAt(text: string, caret: number): { start: number; end: number; word: string } {
  for (const match of text.matchAll(/(?:[^\s"]|"[^"]*"?)+/g)) {
    const end = match.index + match[0].length;
    if (match.index <= caret && caret <= end) return { start: match.index, end, word: match[0] };
  }
  return { start: caret, end: caret, word: '' };
}

const quoted = (value: string): string => (/[\s":]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

/** What could stand at the caret: keys for a word that is none yet, values of a key, and conditions whose value begins with the word. */
export function suggest(text: string, caret: number, facets: readonly Facet[]): Suggestion[] {
  const { start, end, word } = wordAt(text, caret);
  const colon = word.indexOf(':');
  if (colon < 0) {
    const typed = word.toLowerCase();
    const keys = WORDS.filter(({ key }) => key.startsWith(typed)).map(({ key, about }) => ({
      insert: `${key}:`,
      start,
      end,
      label: `${key}:`,
      about,
      whole: false,
    }));
    if (typed.length < 2) return typed === '' ? keys : keys.slice(0, MOST);
    const values = facets.flatMap(({ field, values: found }) =>
      found
        .filter(({ value }) => value.toLowerCase().includes(typed))
        .map(({ value, count, capped }) => conditionOf(field, value, start, end, countText(count, capped))),
    );
    return [...keys, ...values].slice(0, MOST);
  }
  const key = word.slice(0, colon).toLowerCase();
  const typed = word
    .slice(colon + 1)
    .replace(/^"|"$/g, '')
    .toLowerCase();
  const counted = facets.find(({ field }) => field === key)?.values ?? [];
  const known = key === 'verdict' ? [] : counted;
  const fixed = (FIXED[key] ?? []).filter((value) => value.startsWith(typed) && !known.some((one) => one.value === value));
  return [
    ...known.map(({ value, count, capped }) => ({ value, about: countText(count, capped) })),
    ...fixed.map((value) => ({ value, about: '' })),
  ]
    .filter(({ value }) => value.toLowerCase().includes(typed) && value.toLowerCase() !== typed)
    .slice(0, MOST)
    .map(({ value, about }) => conditionOf(key, value, start, end, about));
}

const conditionOf = (key: string, value: string, start: number, end: number, about: string): Suggestion => {
  const insert = `${key}:${quoted(value)}`;
  return { insert, start, end, label: insert, about, whole: true };
};

export const countText = (count: number, capped: boolean): string => `${count.toLocaleString()}${capped ? '+' : ''}`;

/** The text with a suggestion in it, and where the caret stands then: behind a condition with a space, behind a key without. */
export function accept(text: string, { insert, start, end, whole }: Suggestion): { text: string; caret: number } {
  const rest = text.slice(end).trimStart();
  const put = whole ? `${insert} ` : insert;
  return { text: `${text.slice(0, start)}${put}${rest}`, caret: start + put.length };
}
