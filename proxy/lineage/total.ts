import { child, list, names, type SqlNode, text } from '../sql/tree';
import type { Value } from './value';

/**
 * What gives a result for every value there is, in about the same time: it neither fails nor takes long because of what a column holds. An
 * error that comes or does not come tells as much as a comparison, even where the result itself is hidden.
 */

const FUNCTIONS: ReadonlySet<string> = new Set([
  ...['lower', 'upper', 'initcap', 'concat', 'concat_ws', 'length', 'char_length', 'character_length', 'octet_length', 'bit_length'],
  ...['btrim', 'ltrim', 'rtrim', 'replace', 'reverse', 'translate', 'starts_with', 'strpos', 'position', 'ascii', 'md5', 'sha224'],
  ...['sha256', 'sha384', 'sha512', 'hashtext', 'quote_literal', 'quote_ident', 'quote_nullable', 'text', 'to_json', 'to_jsonb'],
  ...['row_to_json', 'json_build_array', 'jsonb_build_array', 'json_agg', 'jsonb_agg', 'json_agg_strict', 'jsonb_agg_strict', 'array_agg'],
  ...['string_agg', 'count', 'min', 'max', 'sum', 'avg', 'bool_and', 'bool_or', 'every', 'any_value', 'first_value', 'last_value'],
  ...[
    'num_nulls',
    'num_nonnulls',
    'pg_typeof',
    'pg_column_size',
    'floor',
    'ceil',
    'ceiling',
    'array_length',
    'cardinality',
    'array_to_string',
  ],
  ...['array_ndims', 'jsonb_typeof', 'json_typeof', 'jsonb_pretty', 'jsonb_strip_nulls', 'json_strip_nulls', 'jsonb_extract_path'],
  ...[
    'jsonb_extract_path_text',
    'json_extract_path',
    'json_extract_path_text',
    'host',
    'masklen',
    'family',
    'abbrev',
    'row_number',
    'rank',
  ],
  ...['dense_rank', 'percent_rank', 'cume_dist', 'mode'],
]);
/** Total in their first argument; the others say where or how much. */
const FUNCTIONS_OF_FIRST: ReadonlySet<string> = new Set([
  ...['substr', 'substring', 'left', 'right', 'split_part', 'to_char', 'lag', 'lead', 'nth_value', 'encode'],
]);
/** Whose first argument, a field or a fraction, may be wrong. */
const FUNCTIONS_OF_SECOND: ReadonlySet<string> = new Set(['date_trunc', 'date_part', 'extract', 'percentile_disc', 'percentile_cont']);

export function isTotalFunction(name: string, args: readonly Value[]): boolean {
  if (FUNCTIONS.has(name)) return true;
  const carrying = args.flatMap((arg, index) => (arg.sources.size > 0 ? [index] : []));
  if (FUNCTIONS_OF_FIRST.has(name)) return carrying.every((index) => index === 0);
  return FUNCTIONS_OF_SECOND.has(name) && carrying.every((index) => index === 1);
}

const OPERATORS: ReadonlySet<string> = new Set([
  ...['=', '<>', '<', '<=', '>', '>=', '||', '~~', '!~~', '~~*', '!~~*', '^@'],
  ...['->', '->>', '#>', '#>>', '@>', '<@', '?', '?|', '?&', '&&'],
]);
const PATTERNS: ReadonlySet<string> = new Set(['~~', '!~~', '~~*', '!~~*']);
const KINDS: ReadonlySet<string> = new Set([
  ...['AEXPR_OP', 'AEXPR_OP_ANY', 'AEXPR_OP_ALL', 'AEXPR_DISTINCT', 'AEXPR_NOT_DISTINCT', 'AEXPR_NULLIF', 'AEXPR_IN'],
  ...['AEXPR_LIKE', 'AEXPR_ILIKE', 'AEXPR_BETWEEN', 'AEXPR_NOT_BETWEEN', 'AEXPR_BETWEEN_SYM', 'AEXPR_NOT_BETWEEN_SYM'],
]);

/** @param pattern the value on the right, which a pattern must not be made of */
export function isTotalOperator(node: SqlNode, pattern: Value | null): boolean {
  const kind = text(node, 'kind') ?? '';
  const operator = names(list(node, 'name')).at(-1) ?? '';
  if (!KINDS.has(kind)) return false;
  if (PATTERNS.has(operator)) return (pattern?.sources.size ?? 0) === 0;
  return OPERATORS.has(operator) || kind.includes('BETWEEN') || kind === 'AEXPR_NULLIF';
}

/** text, character varying, character, name: every value has such a form. */
const TEXT_TYPES: ReadonlySet<number> = new Set([25, 1043, 1042, 19]);
/** From a whole number to a wider one. */
const WIDENING: ReadonlyMap<number, readonly number[]> = new Map([
  [21, [23, 20, 1700, 701]],
  [23, [20, 1700, 701]],
  [20, [1700, 701]],
]);

export const isTotalCast = (from: number, to: number): boolean => TEXT_TYPES.has(to) || (WIDENING.get(from)?.includes(to) ?? false);

/** Documents are built from anything, and not read from anything. */
export function isTotalDocument(node: SqlNode): boolean {
  switch (node.tag) {
    case 'XmlExpr':
      return ['IS_XMLELEMENT', 'IS_XMLFOREST', 'IS_XMLCONCAT'].includes(text(node, 'op') ?? '');
    case 'JsonFuncExpr':
      return !['on_empty', 'on_error'].some((field) => text(child(node, field), 'btype') === 'JSON_BEHAVIOR_ERROR');
    case 'JsonParseExpr':
    case 'XmlSerialize':
      return false;
    default:
      return true;
  }
}
