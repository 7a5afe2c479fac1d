import type { FunctionInfo } from '../catalog/types';
import { qualifiedName } from '../sql/session';
import { child, flag, list, type SqlNode, text } from '../sql/tree';
import type { Analysis, At } from './analysis';
import { followBody } from './body';
import { aggregateUses, expression } from './expression';
import { predicate, windowUses } from './predicate';
import type { ScopeColumn } from './scope';
import { counted, derived, NONE, type Value } from './value';

/** Every function a call may mean: PostgreSQL chooses by the types of the arguments, so all of that name count. */
function candidates(analysis: Analysis, node: SqlNode): readonly FunctionInfo[] {
  const { schema, name } = qualifiedName(list(node, 'funcname'));
  return (analysis.catalog.functions.get(name) ?? []).filter((item) => schema === null || item.schema === schema);
}

/** What a call gives in an expression. */
export function callValue(at: At, node: SqlNode): Value {
  const found = candidates(at.analysis, node);
  const args = list(node, 'args').map((item) => expression(at, item));
  const { name } = qualifiedName(list(node, 'funcname'));
  const within = flag(node, 'agg_within_group');
  const ordered = within ? list(node, 'agg_order').map((item) => expression(at, child(item, 'node') ?? item)) : [];
  if (!within) aggregateUses(at, node);
  else {
    predicate(at, child(node, 'agg_filter'), 'FILTER');
    windowUses(at, child(node, 'over'));
  }
  if (flag(node, 'agg_star')) return NONE;
  const aggregate = found.some((item) => item.kind === 'aggregate');
  if (name === 'count' && found.every((item) => item.schema === 'pg_catalog') && !flag(node, 'agg_distinct')) return counted(args);
  const bodies = found.flatMap((item) => [followBody(at, item, args, argumentNames(node)) ?? []]);
  const values = [...args, ...ordered, ...bodies.flatMap((columns) => columns.map((column) => column.value))];
  return derived(values, aggregate ? 'aggregated' : 'transformed');
}

function argumentNames(node: SqlNode): readonly (string | null)[] {
  return list(node, 'args').map((item) => (item.tag === 'NamedArgExpr' ? text(item, 'name') : null));
}

/** What a call gives as a row source. `columns` null when their names are not known. */
export interface CallColumns {
  columns: readonly ScopeColumn[] | null;
  any: Value;
  typeOid: number;
}

/** @param alias the name its one column gets when it returns a scalar */
export function callColumns(at: At, node: SqlNode, definitions: readonly SqlNode[], alias: string | null): CallColumns {
  const any = node.tag === 'FuncCall' ? callValue(at, node) : derived([expression(at, node)]);
  if (definitions.length > 0) {
    return { columns: definitions.map((item) => ({ name: text(item, 'colname') ?? '', value: any })), any, typeOid: 0 };
  }
  if (node.tag !== 'FuncCall') {
    // current_date and their like, written without parentheses.
    return { columns: [{ name: alias ?? 'value', value: any }], any, typeOid: 0 };
  }
  const { name } = qualifiedName(list(node, 'funcname'));
  const shapes = candidates(at.analysis, node).map((item) => shapeOf(at.analysis, item, alias ?? name));
  const [first] = shapes;
  if (first === undefined || first === null || shapes.some((shape) => shape === null || shape.join('\0') !== first.join('\0')))
    return { columns: null, any, typeOid: 0 };
  return { columns: first.map((column) => ({ name: column, value: any })), any, typeOid: 0 };
}

const RECORD = 2249;
/** anyelement, anynonarray, anycompatible and their like: what they are depends on the arguments. */
const POLYMORPHIC: ReadonlySet<number> = new Set([2283, 2776, 3500, 5077, 5079]);

/** The names of the columns a function returns; null when they depend on the call. */
function shapeOf(analysis: Analysis, item: FunctionInfo, name: string): readonly string[] | null {
  const out = item.arguments.filter((argument) => argument.mode === 'o' || argument.mode === 'b' || argument.mode === 't');
  if (out.length > 0)
    return out.length === 1 ? [out[0]?.name || name] : out.map((argument, index) => argument.name || `column${index + 1}`);
  if (item.returnTypeOid === RECORD || POLYMORPHIC.has(item.returnTypeOid)) return null;
  const type = analysis.catalog.types.get(item.returnTypeOid);
  if (type === undefined) return null;
  const relation = analysis.catalog.relations.get(type.relationOid);
  if (type.type !== 'c') return [name];
  return relation === undefined ? null : relation.columns.map((column) => column.name);
}
