import { SqlTooComplexError } from '../sql/parse';
import { child, list, names, number, type SqlNode, text } from '../sql/tree';
import type { At } from './analysis';
import { callValue } from './call';
import { changeColumns } from './change';
import { figureName } from './outputName';
import { predicate, windowUses } from './predicate';
import { queryColumns } from './query';
import { columnOf, expand, findColumn, findItem, rowValue, type ScopeColumn, UnresolvedError } from './scope';
import { counted, derived, either, isCopy, NONE, rowOf, type Value } from './value';

/** The columns of an output list: stars expanded, names as PostgreSQL gives them. */
export function targets(at: At, items: readonly SqlNode[]): ScopeColumn[] {
  const outputs: ScopeColumn[] = [];
  for (const item of items) {
    const node = child(item, 'val');
    if (node === null) continue;
    const star = starColumns(at, node);
    const more = star ?? [{ name: text(item, 'name') ?? figureName(node), value: expression(at, node) }];
    if (outputs.length + more.length > MAX_TARGETS) throw new SqlTooComplexError('target lists can have at most 1664 entries');
    outputs.push(...more);
  }
  return outputs;
}

/** PostgreSQL's MaxTupleAttributeNumber. */
const MAX_TARGETS = 1_664;

/** What `*`, `t.*` and `(row).*` stand for in an output list; null when the node is none of them. */
function starColumns(at: At, node: SqlNode): readonly ScopeColumn[] | null {
  if (node.tag === 'ColumnRef') {
    const fields = list(node, 'fields');
    if (fields.at(-1)?.tag !== 'A_Star') return null;
    const path = names(fields);
    if (path.length > 0) return expand(itemAt(at, path, node));
    return at.scope.items.filter((item) => item.open).flatMap((item) => expand(item));
  }
  if (node.tag !== 'A_Indirection' || list(node, 'indirection').at(-1)?.tag !== 'A_Star') return null;
  const whole = indirection(at, node, list(node, 'indirection').slice(0, -1));
  return fieldsOf(at, whole, node).map(([name, value]) => ({ name, value }));
}

function itemAt(at: At, path: readonly string[], node: SqlNode) {
  const name = path.at(-1) ?? '';
  const item = findItem(at.scope, path.at(-2) ?? null, name);
  if (item === null) throw new UnresolvedError(`${path.join('.')} is not in scope`, node);
  return item;
}

function fieldsOf(at: At, value: Value, node: SqlNode): [string, Value][] {
  if (value.fields !== null) return [...value.fields];
  const type = at.analysis.catalog.types.get(value.typeOid);
  const relation = at.analysis.catalog.relations.get(type?.relationOid ?? 0);
  if (relation === undefined) throw new UnresolvedError('the fields of a row value are not known', node);
  return relation.columns.map((column) => [column.name, derived([value])]);
}

/** Scalar expressions whose value is computed from those of the nodes below them, and from nothing else. */
const COMPUTED: ReadonlySet<string> = new Set([
  ...['BoolExpr', 'CaseWhen', 'MinMaxExpr', 'A_ArrayExpr', 'BooleanTest', 'XmlExpr', 'XmlSerialize', 'JsonIsPredicate'],
  ...['JsonFuncExpr', 'JsonParseExpr', 'JsonScalarExpr', 'JsonSerializeExpr', 'JsonObjectConstructor', 'JsonArrayConstructor'],
  ...['JsonValueExpr', 'JsonKeyValue', 'JsonArgument', 'JsonBehavior', 'A_Indices', 'List', 'ResTarget'],
]);
/** Parts of expressions that have no value: names, types, formats. */
const SILENT: ReadonlySet<string> = new Set([
  ...['TypeName', 'String', 'Integer', 'Float', 'Boolean', 'BitString', 'JsonFormat', 'JsonReturning', 'JsonOutput', 'A_Star', 'Null'],
]);
/** Values that no column decides. */
const CONSTANT: ReadonlySet<string> = new Set([
  ...['A_Const', 'ParamRef', 'SQLValueFunction', 'SetToDefault', 'CurrentOfExpr', 'GroupingFunc', 'MergeSupportFunc'],
]);

/**
 * Where an expression's value comes from. One rule a kind of node; a kind without a rule cannot be told.
 * @throws UnresolvedError
 */
export function expression(at: At, node: SqlNode): Value {
  at.analysis.step();
  if (node.tag === 'ParamRef') return at.analysis.parameter(number(node, 'number') ?? 0);
  if (CONSTANT.has(node.tag)) return NONE;
  if (COMPUTED.has(node.tag)) return derived(childValues(at, node));
  switch (node.tag) {
    case 'ColumnRef':
      return columnRef(at, node);
    case 'A_Expr':
      return derived(childValues(at, node));
    case 'TypeCast':
      return cast(at, node);
    case 'CollateClause':
    case 'CollateExpr':
    case 'NamedArgExpr':
      return argument(at, node);
    case 'NullTest': {
      const value = argument(at, node);
      return isCopy(value) ? counted([value]) : derived([value]);
    }
    case 'CoalesceExpr':
      return either(list(node, 'args').map((item) => expression(at, item)));
    case 'CaseExpr':
      return caseValue(at, node);
    case 'RowExpr':
      return row(at, node);
    case 'SubLink':
      return subLink(at, node);
    case 'FuncCall':
      return callValue(at, node);
    case 'JsonObjectAgg':
    case 'JsonArrayAgg':
      return aggregated(at, node);
    case 'JsonArrayQueryConstructor': {
      const query = child(node, 'query');
      if (query === null) throw new UnresolvedError('JSON_ARRAY without a query', node);
      return derived(
        queryColumns(at.analysis, query, at).map((column) => column.value),
        'aggregated',
      );
    }
    case 'A_Indirection':
      return indirection(at, node, list(node, 'indirection'));
    case 'MultiAssignRef':
      return multiAssign(at, node);
    default:
      throw new UnresolvedError(`${node.tag} has no rule`, node);
  }
}

/** The values of everything below a node. @throws UnresolvedError for a node without a rule */
export function childValues(at: At, node: SqlNode): Value[] {
  const values: Value[] = [];
  for (const field in node) {
    // The name of an operator is no value.
    if (node.tag === 'A_Expr' && field === 'name') continue;
    const value = node[field];
    if (typeof value !== 'object') continue;
    for (const item of isList(value) ? value : [value]) if (!SILENT.has(item.tag)) values.push(expression(at, item));
  }
  return values;
}

const isList = (value: SqlNode | readonly SqlNode[]): value is readonly SqlNode[] => Array.isArray(value);

function argument(at: At, node: SqlNode): Value {
  const inner = child(node, 'arg');
  if (inner === null) throw new UnresolvedError(`${node.tag} of nothing`, node);
  return expression(at, inner);
}

function columnRef(at: At, node: SqlNode): Value {
  const fields = list(node, 'fields');
  const path = names(fields);
  const name = path.at(-1) ?? '';
  if (fields.at(-1)?.tag === 'A_Star') {
    if (path.length > 0) return rowValue(itemAt(at, path, node));
    return derived(at.scope.items.filter((item) => item.open).map(rowValue), 'whole row');
  }
  if (path.length === 1) {
    const column = findColumn(at.scope, name);
    if (column !== null) return column;
    const whole = findItem(at.scope, null, name);
    if (whole === null) throw new UnresolvedError(`column ${name} is not known`, node);
    return rowValue(whole);
  }
  const qualifier = path.at(-2) ?? '';
  const item = findItem(at.scope, path.at(-3) ?? null, qualifier);
  if (item === null) {
    const parameter = at.analysis.parameterNamed(qualifier, name);
    if (parameter !== null) return parameter;
    throw new UnresolvedError(`${path.slice(0, -1).join('.')} is not in scope`, node);
  }
  const column = columnOf(item, name);
  if (column !== null) return column;
  // `c.f` is f(c) when c has no column f.
  if ((at.analysis.catalog.functions.get(name) ?? []).length > 0) return derived([rowValue(item)]);
  throw new UnresolvedError(`column ${path.join('.')} is not known`, node);
}

/** text and character varying: a cast between them that says no length changes nothing. */
const TEXTS: ReadonlySet<number> = new Set([25, 1043]);

function cast(at: At, node: SqlNode): Value {
  const value = argument(at, node);
  if (value.sources.size === 0) return value;
  const type = child(node, 'typeName');
  const path = names(list(type, 'names'));
  const plain = list(type, 'typmods').length === 0 && list(type, 'arrayBounds').length === 0;
  const target = path.length === 1 || path[0] === 'pg_catalog' ? ({ text: 25, varchar: 1043 } as const)[path.at(-1) ?? ''] : undefined;
  if (plain && target !== undefined && TEXTS.has(value.typeOid)) return { ...value, typeOid: target };
  return derived([value]);
}

/** Its arms are copies; what decides between them shows in the result, and makes it something computed. */
function caseValue(at: At, node: SqlNode): Value {
  const whens = list(node, 'args');
  const deciding = [child(node, 'arg'), ...whens.map((when) => child(when, 'expr'))].flatMap((item) =>
    item === null ? [] : [expression(at, item)],
  );
  const arms = [...whens.map((when) => child(when, 'result')), child(node, 'defresult')].flatMap((item) =>
    item === null ? [] : [expression(at, item)],
  );
  const decided = either(deciding);
  return decided.sources.size === 0 ? either(arms) : derived([...arms, decided]);
}

function row(at: At, node: SqlNode): Value {
  const columns = list(node, 'args').flatMap((item) => starColumns(at, item)?.map((column) => column.value) ?? [expression(at, item)]);
  return rowOf(columns.map((value, index) => ({ name: `f${index + 1}`, value })));
}

/** The output columns of the query inside a SubLink. */
export function subquery(at: At, node: SqlNode): readonly ScopeColumn[] {
  const query = child(node, 'subselect');
  if (query === null) throw new UnresolvedError('a sub-select without a query', node);
  return query.tag === 'SelectStmt' ? queryColumns(at.analysis, query, at) : changeColumns(at.analysis, query, at);
}

function subLink(at: At, node: SqlNode): Value {
  const columns = subquery(at, node);
  const test = child(node, 'testexpr');
  const values = columns.map((column) => column.value);
  switch (text(node, 'subLinkType')) {
    case 'EXISTS_SUBLINK':
      return NONE;
    case 'EXPR_SUBLINK':
      return columns.length === 1 ? (values[0] ?? NONE) : rowOf(columns);
    case 'ARRAY_SUBLINK':
      return derived(values, 'aggregated');
    case 'ANY_SUBLINK':
    case 'ALL_SUBLINK':
    case 'ROWCOMPARE_SUBLINK':
      return derived([...values, ...(test === null ? [] : [expression(at, test)])]);
    default:
      throw new UnresolvedError('a sub-select of an unknown kind', node);
  }
}

function aggregated(at: At, node: SqlNode): Value {
  const parts = [child(node, 'arg')].flatMap((item) => (item === null ? [] : childValues(at, item)));
  aggregateUses(at, child(node, 'constructor'));
  return derived(parts, 'aggregated');
}

/** ORDER BY and FILTER inside an aggregate, and its window: they decide about rows, as those of a query do. */
export function aggregateUses(at: At, node: SqlNode | null): void {
  for (const item of list(node, 'agg_order'))
    at.analysis.use(item, expression(at, child(item, 'node') ?? item), 'other', 'ORDER BY in an aggregate');
  predicate(at, child(node, 'agg_filter'), 'FILTER');
  windowUses(at, child(node, 'over'));
}

function indirection(at: At, node: SqlNode, steps: readonly SqlNode[]): Value {
  let value = argument(at, node);
  for (const step of steps) {
    if (step.tag === 'String') {
      const field = value.fields?.get(text(step, 'sval') ?? '');
      value = field ?? derived([value]);
    } else value = derived([value, ...(step.tag === 'A_Star' ? [] : childValues(at, step))]);
  }
  return value;
}

/** One column of `SET (a, b) = (…)`. */
function multiAssign(at: At, node: SqlNode): Value {
  const source = child(node, 'source');
  if (source === null) throw new UnresolvedError('an assignment of nothing', node);
  const position = (number(node, 'colno') ?? 1) - 1;
  if (source.tag === 'RowExpr') {
    const item = list(source, 'args')[position];
    if (item !== undefined) return expression(at, item);
  }
  if (source.tag === 'SubLink') return subquery(at, source)[position]?.value ?? NONE;
  return derived([expression(at, source)]);
}
