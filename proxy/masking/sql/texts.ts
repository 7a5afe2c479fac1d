import { quoteText } from '../../sql/quote';
import type { SqlColumn } from './maskExpression';

/** As in ../transforms/text.ts. Written out, so that no collation decides what a letter is. */
const SEPARATORS = ' \\t\\n\\r./:_()+,@-';
/** PostgreSQL's regular expressions repeat at most this often (DUPMAX in src/include/regex/regguts.h). */
const MOST_REPEATED = 255;

const SEPARATOR = `[${SEPARATORS}]`;
const HIDDEN = `[^${SEPARATORS}]`;

/** The value as the server writes it. A cast of character to text would drop the blanks at its end. */
function textOf({ sql, family }: SqlColumn): string {
  return family.kind === 'text' && family.equality === 'unpadded' ? `pg_catalog.concat(${sql})` : `CAST(${sql} AS pg_catalog.text)`;
}

const call = (name: string, ...values: (string | number)[]) => `pg_catalog."${name}"(${values.join(', ')})`;
const joined = (parts: readonly string[]) => parts.join(' OPERATOR(pg_catalog.||) ');
const matched = ({ sql, type }: SqlColumn, cases: string) => `CAST(CASE WHEN ${sql} IS NULL THEN NULL ${cases} END AS ${type})`;

/** Null where so many kept characters are more than a regular expression can count. */
export function partialExpression(column: SqlColumn, keepFirst: number, keepLast: number): string | null {
  if (keepFirst > MOST_REPEATED || keepLast > MOST_REPEATED) return null;
  const text = textOf(column);
  const hideable = call('length', call('regexp_replace', text, quoteText(SEPARATOR), "''", "'g'"));
  const head = keepFirst === 0 ? null : call('substring', text, quoteText(`^(?:${SEPARATOR}*${HIDDEN}){${keepFirst}}`));
  const tail = keepLast === 0 ? null : call('substring', text, quoteText(`(?:${HIDDEN}${SEPARATOR}*){${keepLast}}$`));
  const before = head === null ? '0' : call('length', head);
  const after = tail === null ? '0' : call('length', tail);
  const size = `${call('length', text)} OPERATOR(pg_catalog.-) ${before} OPERATOR(pg_catalog.-) ${after}`;
  const inner = head === null && tail === null ? text : call('substr', text, `${before} OPERATOR(pg_catalog.+) 1`, size);
  const middle = call('regexp_replace', inner, quoteText(HIDDEN), "'*'", "'g'");
  const shown = joined([head, middle, tail].filter((part) => part !== null));
  return matched(column, `WHEN ${hideable} OPERATOR(pg_catalog.<=) ${keepFirst + keepLast} THEN '***' ELSE ${shown}`);
}

/** Letters, digits, hyphen, and whatever is not ASCII. */
const DOMAIN = '[^\\u0001-\\u002C\\u002E\\u002F\\u003A-\\u0040\\u005B-\\u0060\\u007B-\\u007F]';
const ADDRESS = `^[^\\u0001-\\u0020\\u007F@]+@(?:${DOMAIN}+\\.)+${DOMAIN}+$`;

export function emailExpression(column: SqlColumn): string {
  const text = textOf(column);
  const at = call('strpos', text, "'@'");
  // A name of one character is not shown.
  const first = `CASE WHEN ${at} OPERATOR(pg_catalog.>) 2 THEN ${call('left', text, 1)} ELSE '' END`;
  const shown = joined([first, "'***'", call('substr', text, at)]);
  return matched(column, `WHEN ${text} OPERATOR(pg_catalog.~) ${quoteText(ADDRESS)} THEN ${shown} ELSE '***'`);
}
