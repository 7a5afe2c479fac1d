import { typeNamed } from '../../lineage/types';
import { qualifiedName } from '../../sql/session';
import { child, flag, list, names, type SqlNode, text } from '../../sql/tree';
import { ADAPTS, type Place, type Source, type SourceColumn, type Types, UNKNOWN, unknownSource } from './source';
import { candidatesOf, isGiven } from './values';

/** Functions that give a row for each element of their argument, so no more than the text or the parameter writes out. */
const ELEMENTS: ReadonlySet<string> = new Set([
  ...['unnest', 'json_array_elements', 'jsonb_array_elements', 'json_array_elements_text', 'jsonb_array_elements_text'],
  ...['json_to_recordset', 'jsonb_to_recordset', 'json_to_record', 'jsonb_to_record', 'string_to_table', 'regexp_split_to_table'],
  ...['json_each', 'jsonb_each', 'json_each_text', 'jsonb_each_text', 'json_populate_recordset', 'jsonb_populate_recordset'],
]);

/** A function in FROM: few rows where it takes apart what the text or a parameter gives it. */
export function functionSource(node: SqlNode, place: Place): Source {
  const alias = text(child(node, 'alias'), 'aliasname');
  const calls = list(node, 'functions').map((item) => list(item, 'items')[0]);
  const [call] = calls;
  const name = alias ?? (call?.tag === 'FuncCall' ? qualifiedName(list(call, 'funcname')).name : null);
  if (flag(node, 'lateral') || !calls.every((item) => item !== undefined && isTakenApart(item, place))) return unknownSource(name);
  const columns = calls.length === 1 && call !== undefined ? columnsOf(node, call, name, place) : null;
  return { ...unknownSource(name), columns, few: true, stable: true };
}

function isTakenApart(call: SqlNode, place: Place): boolean {
  if (call.tag !== 'FuncCall' || !ELEMENTS.has(qualifiedName(list(call, 'funcname')).name)) return false;
  return candidatesOf(call, place.catalog).every((item) => item.schema === 'pg_catalog') && list(call, 'args').every(isArgument);
}

function isArgument(node: SqlNode): boolean {
  if (node.tag === 'A_ArrayExpr') return list(node, 'elements').every(isArgument);
  if (node.tag === 'TypeCast') {
    const inner = child(node, 'arg');
    return inner !== null && isArgument(inner);
  }
  return isGiven(node);
}

function columnsOf(node: SqlNode, call: SqlNode, name: string | null, place: Place): readonly SourceColumn[] | null {
  const defined = list(node, 'coldeflist').map((item) => {
    return { name: text(item, 'colname') ?? '', types: [typeNamed(place.catalog, place.searchPath, child(item, 'typeName'))] };
  });
  if (defined.length > 0) return defined;
  const args = list(call, 'args');
  const given = names(list(child(node, 'alias'), 'colnames'));
  const function_ = qualifiedName(list(call, 'funcname')).name;
  const types = function_ === 'unnest' ? args.map((item) => elementOf(item, place)) : args.map((): Types => [UNKNOWN]);
  const width = Math.max(given.length, function_ === 'unnest' ? args.length : 1);
  return Array.from({ length: width }, (_, i) => ({ name: given[i] ?? name ?? '', types: types[i] ?? [UNKNOWN] }));
}

function elementOf(node: SqlNode, place: Place): Types {
  if (node.tag === 'ParamRef') return [ADAPTS];
  if (node.tag !== 'TypeCast') return [UNKNOWN];
  const array = typeNamed(place.catalog, place.searchPath, child(node, 'typeName'));
  return [place.catalog.types.get(array)?.elementOid ?? UNKNOWN];
}
