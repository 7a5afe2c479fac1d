import type { MaskSpec } from '../../db/schema/shapes';
import type { CatalogSnapshot, TypeInfo } from '../catalog/types';
import { qualifiedName, quoteText } from './quote';

/** The relation in the masking views' schema that keys hash masks; its one row has two random blocks, `inner_key` and `outer_key`. */
export const HASH_KEY_TABLE = 'gatehouse_hash_key';

/** What values of a type may become. Domains are resolved to their base type before. */
type Kind = 'text' | 'date' | 'timestamp' | 'integer' | 'decimal' | 'float' | 'other';

const KINDS: ReadonlyMap<number, Kind> = new Map<number, Kind>([
  [19, 'text'], // name
  [25, 'text'],
  [1042, 'text'], // character
  [1043, 'text'], // character varying
  [1082, 'date'],
  [1114, 'timestamp'],
  [1184, 'timestamp'],
  [21, 'integer'],
  [23, 'integer'],
  [20, 'integer'],
  [1700, 'decimal'],
  [700, 'float'],
  [701, 'float'],
]);

/** What is no ASCII separator counts as a letter or digit, so that no collation decides what is hidden. */
const SEPARATORS = '\\u0001-\\u002F\\u003A-\\u0040\\u005B-\\u0060\\u007B-\\u007F';
/** PostgreSQL's regular expressions repeat at most this often (DUPMAX). */
const MOST_REPEATED = 255;

/** The type a view's masked column has: of a domain its base type, whose checks a mask need not pass. Null for a type nobody knows. */
export function baseType(catalog: Pick<CatalogSnapshot, 'types'>, typeOid: number): TypeInfo | null {
  let type = catalog.types.get(typeOid);
  for (let depth = 0; type !== undefined && type.baseOid !== 0 && depth < 32; depth++) type = catalog.types.get(type.baseOid);
  return type === undefined || type.baseOid !== 0 ? null : type;
}

/**
 * A mask in plain SQL, of the column's own base type. Only PostgreSQL's own functions occur, each qualified: nothing a caller can define
 * changes what it means. A type that cannot hold the mask becomes NULL, as in the gateway.
 * @param column the column as SQL, qualified and quoted
 * @param keyTable the table of the hash key as SQL
 */
export function maskExpression(spec: MaskSpec, type: TypeInfo, column: string, keyTable: string): string {
  const kind = KINDS.get(type.oid) ?? 'other';
  const typed = (expression: string) => `CAST(${expression} AS ${qualifiedName(type.schema, type.name)})`;
  const none = typed('NULL');
  const whenGiven = (expression: string) => typed(`CASE WHEN ${column} IS NOT NULL THEN ${expression} END`);
  const text = `CAST(${column} AS pg_catalog.text)`;
  switch (spec.type) {
    case 'null':
      return none;
    case 'redact':
      return kind === 'text' ? whenGiven("'***'") : none;
    case 'constant':
      return kind === 'text' ? whenGiven(quoteText(spec.value)) : none;
    case 'partial':
      return kind === 'text' ? whenGiven(partial(text, spec.keepFirst ?? 0, spec.keepLast ?? 0)) : none;
    case 'email':
      return kind === 'text'
        ? whenGiven(
            `CASE WHEN ${text} OPERATOR(pg_catalog.~) ${quoteText('^[^@\\s]+@[^@\\s]+$')} ` +
              `THEN pg_catalog.concat(pg_catalog.left(${text}, 1), '***@', pg_catalog.split_part(${text}, '@', 2)) ELSE '***' END`,
          )
        : none;
    case 'hash':
      return kind === 'text' ? whenGiven(pseudonym(text, keyTable)) : none;
    case 'date':
      return kind === 'date' || kind === 'timestamp' ? typed(`pg_catalog.date_trunc(${quoteText(spec.truncate)}, ${column})`) : none;
    case 'number':
      return number(spec, kind, type, column) ?? none;
    default:
      spec satisfies never;
      return none;
  }
}

/** Letters and digits become `*` but for the first and last kept ones; a value too short to hide anything is hidden whole. */
function partial(text: string, keepFirst: number, keepLast: number): string {
  if (keepFirst > MOST_REPEATED || keepLast > MOST_REPEATED) return "'***'";
  const hidden = `[^${SEPARATORS}]`;
  const before = keepFirst === 0 ? '' : `(?<=(?:${hidden}[${SEPARATORS}]*){${keepFirst}})`;
  const after = keepLast === 0 ? '' : `(?=(?:[${SEPARATORS}]*${hidden}){${keepLast}})`;
  const hideable = `pg_catalog.length(pg_catalog.regexp_replace(${text}, ${quoteText(`[${SEPARATORS}]`)}, '', 'g'))`;
  const masked = `pg_catalog.regexp_replace(${text}, ${quoteText(`${before}${hidden}${after}`)}, '*', 'g')`;
  return `CASE WHEN ${hideable} OPERATOR(pg_catalog.<=) ${keepFirst + keepLast} THEN '***' ELSE ${masked} END`;
}

/**
 * NMAC over SHA-256 with two random blocks: equal values give equal pseudonyms in this database, 96 bits. The key is the view owner's
 * alone, and another one than the gateway's, so the two never give the same pseudonym.
 */
function pseudonym(text: string, keyTable: string): string {
  const key = (name: string) => `(SELECT k.${name} FROM ${keyTable} AS k)`;
  const bytes = `pg_catalog.convert_to(${text}, 'UTF8')`;
  const inner = `pg_catalog.sha256(${key('inner_key')} OPERATOR(pg_catalog.||) ${bytes})`;
  const outer = `pg_catalog.sha256(${key('outer_key')} OPERATOR(pg_catalog.||) ${inner})`;
  return `pg_catalog.concat('h_', pg_catalog.left(pg_catalog.encode(${outer}, 'hex'), 24))`;
}

const INTEGER_BOUNDS: ReadonlyMap<number, string> = new Map([
  [21, '32767'],
  [23, '2147483647'],
  [20, '9223372036854775807'],
]);

function number(spec: { round?: number; bucket?: number }, kind: Kind, type: TypeInfo, column: string): string | null {
  const step = spec.bucket ?? spec.round;
  if (step === undefined || !(step > 0) || !Number.isFinite(step)) return null;
  if (kind !== 'integer' && kind !== 'decimal' && kind !== 'float') return null;
  const size = `CAST(${quoteText(plainNumber(step))} AS pg_catalog."numeric")`;
  const value = `CAST(${column} AS pg_catalog."numeric")`;
  const half = spec.bucket === undefined ? ' OPERATOR(pg_catalog.+) 0.5' : '';
  const coarse = `(pg_catalog.floor(${value} OPERATOR(pg_catalog./) ${size}${half}) OPERATOR(pg_catalog.*) ${size})`;
  const typed = (expression: string) => `CAST(${expression} AS ${qualifiedName(type.schema, type.name)})`;
  const bound = INTEGER_BOUNDS.get(type.oid);
  // Out of range is NULL: an error in a view would refuse the whole statement.
  if (bound !== undefined)
    return typed(
      `CASE WHEN ${coarse} OPERATOR(pg_catalog.>=) (-${bound}) AND ${coarse} OPERATOR(pg_catalog.<=) ${bound} THEN ${coarse} END`,
    );
  const text = `CAST(${column} AS pg_catalog.text)`;
  return typed(
    `CASE WHEN ${text} OPERATOR(pg_catalog.<>) ALL (CAST(ARRAY['NaN', 'Infinity', '-Infinity'] AS pg_catalog.text[])) THEN ${coarse} END`,
  );
}

/** Without an exponent, which is exact for every finite number. */
function plainNumber(value: number): string {
  return value.toLocaleString('en-US', { useGrouping: false, maximumFractionDigits: 100, maximumSignificantDigits: 17 });
}
