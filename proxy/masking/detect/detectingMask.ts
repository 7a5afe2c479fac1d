import type { CellMask, CellOut } from '../cellOut';
import { baseTypeOf, type Types } from '../transforms/family';
import { arrayScan } from './arrays';
import { type CellScan, Content } from './content';
import type { DetectionHits } from './hits';
import { jsonScan } from './json';
import { numberScan } from './numbers';
import { opaqueScan, recordScan } from './records';
import type { DetectingRule } from './rules';

/** Cells larger than this are not looked through: they are masked whole. 8 MiB take a worker, for which others wait, 20 to 200 ms. */
const MAX_CELL_BYTES = 8 * 1024 * 1024;

const MAX_NESTING = 8;

const JSON_OID = 114;
const JSONB_OID = 3802;
/** text, name, bpchar, varchar, unknown, cstring, xml: known without a catalog. */
const TEXT: ReadonlySet<number> = new Set([25, 19, 1042, 1043, 705, 2275, 142]);
const NUMBERS = new Map<number, 'int8' | 'numeric' | 'float8'>([
  [20, 'int8'],
  [1700, 'numeric'],
  [701, 'float8'],
]);
/** Built-in types that hold words: tsvector, tsquery, jsonpath. */
const WORDS: ReadonlySet<number> = new Set([3614, 3615, 4072]);
const RECORD_OID = 2249;
/** The built-in types that hold nothing to find and are met most: known without a catalog. bool, bytea, int2, int4, oid, dates and times, uuid, void. */
const PLAIN: ReadonlySet<number> = new Set([16, 17, 21, 23, 26, 700, 1082, 1083, 1114, 1184, 1186, 1266, 2950, 2278]);

type Whole = 'text' | 'json' | 'jsonb' | 'null';

/**
 * The mask of an output column that has none of its own, from the rules that look into content; null where the type holds nothing to find.
 * Text (any string type, xml): the spans found are replaced. json, jsonb: spans inside strings and keys; a number that is a hit becomes null.
 * int8, numeric, float8: a card number becomes NULL. Arrays: element by element. Records, tsvector, jsonpath, types of extensions and types
 * the catalog does not have: NULL when anything is found. bytea, enums, dates, uuid, network and geometric types are left alone.
 * A cell that is too large, or takes too long, is masked whole. A cell without hits leaves byte for byte as it came.
 */
export function detectingMask(
  rules: readonly DetectingRule[],
  typeOid: number,
  format: number,
  types: Types,
  hashKey: Buffer,
  hits: DetectionHits,
): CellMask | null {
  if (rules.length === 0) return null;
  const content = new Content(rules, hashKey);
  const base = baseTypeOf(typeOid, types);
  const scan = scanFor(content, base, format, types, 0);
  if (scan === null) return null;
  const whole = wholeOf(base, format, types);
  return (bytes, start, end, out) => {
    const before = out.length;
    content.beginCell();
    const outcome = end - start > MAX_CELL_BYTES ? 'tooMuch' : scan(bytes, start, end, out);
    if (outcome === 'unchanged') {
      // Observed only.
      if (content.found !== 0) hits.add(content.found);
      return true;
    }
    if (outcome === 'changed') {
      hits.add(content.found);
      return true;
    }
    out.length = before;
    if (outcome === 'toNull') {
      hits.add(content.found);
      return false;
    }
    hits.addUnscanned();
    if (content.enforced === 0) {
      out.append(bytes, start, end);
      return true;
    }
    return !content.nulls && writeWhole(whole, out);
  };
}

function writeWhole(whole: Whole, out: CellOut): boolean {
  switch (whole) {
    case 'text':
      out.text('***');
      return true;
    case 'json':
      out.text('"***"');
      return true;
    case 'jsonb':
      out.byte(1);
      out.text('"***"');
      return true;
    case 'null':
      return false;
    default:
      whole satisfies never;
      return false;
  }
}

function wholeOf(base: number, format: number, types: Types): Whole {
  if (base === JSON_OID) return 'json';
  if (base === JSONB_OID) return format === 1 ? 'jsonb' : 'json';
  return isText(base, types) ? 'text' : 'null';
}

const isText = (oid: number, types: Types) => TEXT.has(oid) || (types.get(oid)?.category === 'S' && types.get(oid)?.type === 'b');

function scanFor(content: Content, typeOid: number, format: number, types: Types, depth: number): CellScan | null {
  if (depth > MAX_NESTING) return opaqueScan(content);
  const base = baseTypeOf(typeOid, types);
  if (isText(base, types)) return (bytes, start, end, out) => content.text(bytes, start, end, out);
  if (base === JSON_OID || base === JSONB_OID) return jsonScan(content, base === JSONB_OID && format === 1);
  const number = NUMBERS.get(base);
  if (number !== undefined) return numberScan(content, number, format);
  if (PLAIN.has(base)) return null;
  if (WORDS.has(base)) return opaqueScan(content);
  const fields = () => recordScan((oid) => scanFor(content, oid, 1, types, depth + 1));
  if (base === RECORD_OID) return format === 1 ? fields() : opaqueScan(content);
  const type = types.get(base);
  if (type === undefined) return opaqueScan(content);
  if (type.elementOid !== 0 && type.category === 'A') {
    const element = scanFor(content, type.elementOid, format, types, depth + 1);
    const delimiter = types.get(type.elementOid)?.delimiter ?? ',';
    return element === null ? null : arrayScan(element, delimiter, format, content.nulls);
  }
  if (type.type === 'c') return format === 1 ? fields() : opaqueScan(content);
  if (type.type === 'r' || type.type === 'm') return isText(baseTypeOf(type.boundOid, types), types) ? opaqueScan(content) : null;
  // A base type of an extension: hstore, ltree and whatever else.
  return type.type === 'b' && type.schema !== 'pg_catalog' ? opaqueScan(content) : null;
}
