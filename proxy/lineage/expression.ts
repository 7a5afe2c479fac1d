import { child, list, names, number, type SqlNode, text } from '../sql/tree';
import { aggregateUses } from './aggregate';
import type { At } from './analysis';
import { callValue } from './call';
import { changeColumns } from './change';
import { columnRef, indirection } from './column';
import { noteCast, noteOperator } from './operator';
import { isPlainTest } from './predicate';
import { queryColumns } from './query';
import { type ScopeColumn, UnresolvedError } from './scope';
import { starColumns } from './targets';
import { isTotalCast, isTotalDocument, isTotalOperator } from './total';
import { arrayOf, converted, typeNamed } from './types';
import { counted, derived, either, isCopy, NONE, rowOf, type Value } from './value';

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

function operation(at: At, node: SqlNode): Value {
  const written = list(node, 'name');
  noteOperator(at.analysis, written);
  const [left, right] = [operand(at, child(node, 'lexpr')), operand(at, child(node, 'rexpr'))];
  const value = derived([left, right]);
  if (!isTotalOperator(node, right)) at.analysis.hazard(value, `operator ${names(written).at(-1) ?? ''}`);
  return value;
}

/** Of IN and BETWEEN the right side is a list. */
function operand(at: At, node: SqlNode | null): Value {
  if (node === null) return NONE;
  return node.tag === 'List' ? derived(childValues(at, node)) : expression(at, node);
}

/** What stands left of an AND or OR decides whether the right is computed. */
function computed(at: At, node: SqlNode): Value {
  if (node.tag === 'BoolExpr') {
    const args = list(node, 'args');
    const construct = text(node, 'boolop') === 'OR_EXPR' ? 'OR' : 'AND';
    return derived(args.map((item, index) => (index < args.length - 1 ? deciding(at, item, construct) : expression(at, item))));
  }
  const value = derived(childValues(at, node));
  if (!isTotalDocument(node)) at.analysis.hazard(value, 'reading a document');
  return value;
}

/** A condition that decides what is computed next. Whether a column is NULL, or equals a constant, may. */
function deciding(at: At, node: SqlNode, construct: string): Value {
  const value = expression(at, node);
  if (value.sources.size > 0 && !isCopy(value) && !isPlainTest(at, node)) at.analysis.hazard(value, construct);
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
  noteCast(at.analysis, type);
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
  return rowOf(spread(at, list(node, 'args')).map((value, index) => ({ name: `f${index + 1}`, value })));
}

/** The values of a list in which a star stands for columns: of ROW and of VALUES. */
export function spread(at: At, items: readonly SqlNode[]): Value[] {
  return items.flatMap((item) => starColumns(at, item)?.map((column) => column.value) ?? [expression(at, item)]);
}

/** The output columns of the query inside a SubLink. */
export function subquery(at: At, node: SqlNode): readonly ScopeColumn[] {
  const query = child(node, 'subselect');
  if (query === null) throw new UnresolvedError('a sub-select without a query', node);
  return query.tag === 'SelectStmt' ? queryColumns(at.analysis, query, at) : changeColumns(at.analysis, query, at);
}

function subLink(at: At, node: SqlNode): Value {
  const columns = subquery(at, node);
  noteOperator(at.analysis, list(node, 'operName'));
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

/** One column of `SET (a, b) = (…)`. */
function multiAssign(at: At, node: SqlNode): Value {
  const source = child(node, 'source');
  if (source === null) throw new UnresolvedError('an assignment of nothing', node);
  const position = (number(node, 'colno') ?? 1) - 1;
  if (source.tag === 'RowExpr') return spread(at, list(source, 'args'))[position] ?? NONE;
  if (source.tag === 'SubLink') return subquery(at, source)[position]?.value ?? NONE;
  return derived([expression(at, source)]);
}
