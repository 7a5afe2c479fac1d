import { SqlTooComplexError } from '../sql/parse';
import { child, flag, list, names, number, type SqlNode, text } from '../sql/tree';
import type { At } from './analysis';
import { attributeCall, callValue, resultColumns } from './call';
import { changeColumns } from './change';
import { figureName, firstTarget } from './outputName';
import { isPlainTest, predicate, windowUses } from './predicate';
import { queryColumns } from './query';
import { columnOf, expand, findColumn, findItem, rowValue, type ScopeColumn, UnresolvedError } from './scope';
import { isTotalCast, isTotalDocument, isTotalOperator } from './total';
import { arrayOf, converted, typeNamed } from './types';
import { counted, derived, either, isCopy, NONE, rowOf, type Value } from './value';

/** The columns of an output list: stars expanded, names as PostgreSQL gives them. */
export function targets(at: At, items: readonly SqlNode[]): ScopeColumn[] {
  const outputs: ScopeColumn[] = [];
  for (const item of items) {
    const node = child(item, 'val');
    if (node === null) continue;
    const more = starColumns(at, node) ?? [{ name: text(item, 'name') ?? nameOf(at, node), value: expression(at, node) }];
    if (outputs.length + more.length > MAX_TARGETS) throw new SqlTooComplexError('target lists can have at most 1664 entries');
    outputs.push(...more);
  }
  return outputs;
}

/** PostgreSQL's MaxTupleAttributeNumber. */
const MAX_TARGETS = 1_664;

/** Of a sub-select the name is that of its column, which a star alone does not say. */
function nameOf(at: At, node: SqlNode): string {
  const target = node.tag === 'SubLink' && text(node, 'subLinkType') === 'EXPR_SUBLINK' ? firstTarget(node) : null;
  const starred = target?.tag === 'ColumnRef' && list(target, 'fields').at(-1)?.tag === 'A_Star';
  return starred ? (subquery(at, node)[0]?.name ?? figureName(node)) : figureName(node);
}

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
  const steps = list(node, 'indirection').slice(0, -1);
  const called = child(node, 'arg');
  if (called?.tag === 'FuncCall' && steps.length === 0) {
    const columns = resultColumns(at, called);
    if (columns !== null) return columns;
  }
  const whole = indirection(at, node, steps);
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
  const relation = relationOfRow(at, value);
  if (relation === undefined) throw new UnresolvedError('the fields of a row value are not known', node);
  return relation.columns.map((column) => [column.name, { ...derived([value]), typeOid: column.typeOid }]);
}

/** The relation, or composite type, whose columns a row value has. */
function relationOfRow(at: At, value: Value) {
  const { catalog } = at.analysis;
  let type = catalog.types.get(value.typeOid);
  while (type !== undefined && type.baseOid !== 0) type = catalog.types.get(type.baseOid);
  return catalog.relations.get(type?.relationOid ?? 0);
}

/** Scalar expressions whose value is computed from those of the nodes below them, and from nothing else. */
const COMPUTED: ReadonlySet<string> = new Set([
  ...['BoolExpr', 'CaseWhen', 'MinMaxExpr', 'BooleanTest', 'XmlExpr', 'XmlSerialize', 'JsonIsPredicate'],
  ...['JsonFuncExpr', 'JsonParseExpr', 'JsonScalarExpr', 'JsonSerializeExpr', 'JsonObjectConstructor', 'JsonArrayConstructor'],
  ...['JsonValueExpr', 'JsonKeyValue', 'JsonArgument', 'JsonBehavior', 'A_Indices', 'List', 'ResTarget'],
]);
/** Parts of expressions that have no value: names, types, formats. */
const SILENT: ReadonlySet<string> = new Set([
  ...['TypeName', 'String', 'Integer', 'Float', 'Boolean', 'BitString', 'JsonFormat', 'JsonReturning', 'JsonOutput', 'A_Star', 'Null'],
]);
/** Values that no column decides. */
const CONSTANT: ReadonlySet<string> = new Set([
  ...['SQLValueFunction', 'SetToDefault', 'CurrentOfExpr', 'GroupingFunc', 'MergeSupportFunc'],
]);

/**
 * Where an expression's value comes from. One rule a kind of node; a kind without a rule cannot be told.
 * @throws UnresolvedError
 */
export function expression(at: At, node: SqlNode): Value {
  at.analysis.step();
  if (node.tag === 'ParamRef') return at.analysis.parameter(number(node, 'number') ?? 0);
  if (node.tag === 'A_Const') return constantOf(node);
  if (CONSTANT.has(node.tag)) return NONE;
  if (COMPUTED.has(node.tag)) return computed(at, node);
  switch (node.tag) {
    case 'ColumnRef':
      return columnRef(at, node);
    case 'A_Expr':
      return operation(at, node);
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
    case 'A_ArrayExpr': {
      const elements = list(node, 'elements').map((item) => expression(at, item));
      return { ...derived(elements), typeOid: arrayOf(at.analysis.catalog, either(elements).typeOid) };
    }
    case 'CoalesceExpr':
      return coalesce(at, node);
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

const CONSTANTS = { text: { ...NONE, typeOid: 25 }, integer: { ...NONE, typeOid: 23 }, numeric: { ...NONE, typeOid: 1700 } };

/** Its type helps to choose between functions of one name. */
function constantOf(node: SqlNode): Value {
  if (child(node, 'sval') !== null) return CONSTANTS.text;
  if (child(node, 'ival') !== null) return CONSTANTS.integer;
  return child(node, 'fval') === null ? NONE : CONSTANTS.numeric;
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
  if (path.length === 1) return bareColumn(at, name, node);
  const item = findItem(at.scope, path.at(-3) ?? null, path.at(-2) ?? '');
  if (item === null) return parameterField(at, path, node);
  const column = columnOf(item, name);
  if (column !== null && item.columns !== null) return column;
  // `c.f` is f(c) when c has no column f.
  const called = attributeCall(at, name, rowValue(item));
  if (column !== null) return called === null ? column : derived([column, called]);
  if (called === null) throw new UnresolvedError(`column ${path.join('.')} is not known`, node);
  return called;
}

function bareColumn(at: At, name: string, node: SqlNode): Value {
  const column = findColumn(at.scope, name);
  if (column?.certain) return column.value;
  const whole = findItem(at.scope, null, name);
  const parameter = whole === null ? at.analysis.parameterNamed([name]) : rowValue(whole);
  if (column !== null) return parameter === null ? column.value : derived([column.value, parameter]);
  if (parameter === null) throw new UnresolvedError(`column ${name} is not known`, node);
  return parameter;
}

/** In a function's body: `function.parameter`, `parameter.field`, `function.parameter.field`. */
function parameterField(at: At, path: readonly string[], node: SqlNode): Value {
  const parameter = at.analysis.parameterNamed(path);
  if (parameter !== null) return parameter;
  const row = at.analysis.parameterNamed(path.slice(0, -1));
  if (row === null) throw new UnresolvedError(`${path.slice(0, -1).join('.')} is not in scope`, node);
  return fieldOf(at, row, path.at(-1) ?? '');
}

/** `(row).name`: a field, or a function of the row. */
function fieldOf(at: At, row: Value, name: string): Value {
  const field = row.fields?.get(name);
  if (field !== undefined) return field;
  const relation = relationOfRow(at, row);
  const column = relation?.columns.find((each) => each.name === name);
  if (column !== undefined) return { ...derived([row]), typeOid: column.typeOid };
  const called = attributeCall(at, name, row);
  return called === null ? derived([row]) : derived([row, called]);
}

function operation(at: At, node: SqlNode): Value {
  const value = derived(childValues(at, node));
  if (value.sources.size === 0) return value;
  const right = child(node, 'rexpr');
  const pattern = right === null || right.tag === 'List' ? null : expression(at, right);
  if (!isTotalOperator(node, pattern)) at.analysis.hazard(value, `operator ${names(list(node, 'name')).at(-1) ?? ''}`);
  return value;
}

/** What stands left of an AND or OR decides whether the right is computed. */
function computed(at: At, node: SqlNode): Value {
  if (node.tag === 'BoolExpr') {
    const args = list(node, 'args');
    for (const item of args.slice(0, -1)) deciding(at, item, text(node, 'boolop') === 'OR_EXPR' ? 'OR' : 'AND');
  }
  const value = derived(childValues(at, node));
  if (!isTotalDocument(node)) at.analysis.hazard(value, 'reading a document');
  return value;
}

/** A condition that decides what is computed next. Whether a column is NULL, or equals a constant, may. */
function deciding(at: At, node: SqlNode, construct: string): Value {
  const value = expression(at, node);
  if (!isCopy(value) && !isPlainTest(at, node)) at.analysis.hazard(value, construct);
  return value;
}

function coalesce(at: At, node: SqlNode): Value {
  const values = list(node, 'args').map((item) => expression(at, item));
  for (const value of values.slice(0, -1)) if (!isCopy(value)) at.analysis.hazard(value, 'COALESCE');
  return either(values);
}

function cast(at: At, node: SqlNode): Value {
  const type = child(node, 'typeName');
  const typeOid = typeNamed(at.analysis.catalog, at.analysis.searchPath, type);
  const value = argument(at, node);
  const result = list(type, 'typmods').length === 0 ? converted(value, typeOid) : { ...derived([value]), typeOid };
  const changes = value.sources.size > 0 && (list(type, 'typmods').length > 0 || result.typeOid !== value.typeOid);
  if (changes && !isTotalCast(value.typeOid, typeOid)) at.analysis.hazard(value, `a cast to ${names(list(type, 'names')).at(-1) ?? ''}`);
  return result;
}

/** Its arms are copies; what decides between them shows in the result, and makes it something computed. */
function caseValue(at: At, node: SqlNode): Value {
  const whens = list(node, 'args');
  const conditions = [child(node, 'arg'), ...whens.map((when) => child(when, 'expr'))].flatMap((item) =>
    item === null ? [] : [deciding(at, item, 'CASE')],
  );
  const arms = [...whens.map((when) => child(when, 'result')), child(node, 'defresult')].flatMap((item) =>
    item === null ? [] : [expression(at, item)],
  );
  const decided = either(conditions);
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

/**
 * ORDER BY and FILTER inside an aggregate, and its window: they decide about rows, as those of a query do.
 * @param within ORDER BY gives the values themselves
 */
export function aggregateUses(at: At, node: SqlNode | null, within = false): void {
  if (!within)
    for (const item of list(node, 'agg_order'))
      at.analysis.use(item, expression(at, child(item, 'node') ?? item), 'other', 'ORDER BY in an aggregate');
  predicate(at, child(node, 'agg_filter'), 'FILTER');
  windowUses(at, child(node, 'over'));
}

export const orderedValues = (at: At, node: SqlNode): Value[] =>
  list(node, 'agg_order').map((item) => expression(at, child(item, 'node') ?? item));

function indirection(at: At, node: SqlNode, steps: readonly SqlNode[]): Value {
  let value = argument(at, node);
  for (const step of steps) {
    if (step.tag === 'String') value = fieldOf(at, value, text(step, 'sval') ?? '');
    else if (step.tag === 'A_Star') value = derived([value]);
    else value = { ...derived([value, ...childValues(at, step)]), typeOid: subscripted(at, value, step) };
  }
  return value;
}

/** What a subscript gives: of an array an element, or a slice of the array itself. */
function subscripted(at: At, value: Value, step: SqlNode): number {
  const type = at.analysis.catalog.types.get(value.typeOid);
  return type === undefined || flag(step, 'is_slice') ? value.typeOid : type.elementOid;
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
