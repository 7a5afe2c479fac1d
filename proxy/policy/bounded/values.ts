import type { CatalogSnapshot, FunctionInfo } from '../../catalog/types';
import { typeNamed } from '../../lineage/types';
import { qualifiedName } from '../../sql/session';
import { child, childrenOf, flag, list, names, type SqlNode, text } from '../../sql/tree';
import { TRUSTED_EXTENSIONS } from '../builtins';
import { isClosed } from './closed';
import { columnOf, type Level } from './level';
import { type Pins, pinnedColumn } from './pins';
import { querySource } from './query';
import { redefined } from './redefined';
import { ADAPTS, step, type Types, UNKNOWN } from './source';
import { EXACT_NUMBERS, INT4, INT8, NUMERIC, TEXT, TEXTS } from './types';

/** Nodes of an expression that compute from what is below them and from nothing else. */
const COMPUTED: ReadonlySet<string> = new Set(
  ...['A_Const Integer Float Boolean String BitString ParamRef List A_ArrayExpr CoalesceExpr CaseExpr CaseWhen MinMaxExpr'.split(' ')],
);
const ALSO_COMPUTED: ReadonlySet<string> = new Set(
  'SQLValueFunction BoolExpr NullTest BooleanTest RowExpr A_Indirection A_Indices NamedArgExpr TypeName JsonValueExpr'.split(' '),
);

/**
 * Whether an expression has the same few values whatever row is looked at: constants, parameters, columns that are pinned themselves, and
 * what PostgreSQL's own functions that are not volatile make of them.
 */
export function isDetermined(node: SqlNode, level: Level, pins: Pins): boolean {
  step(level.place);
  switch (node.tag) {
    case 'ColumnRef':
      return pinnedColumn(node, level, pins);
    case 'SubLink': {
      const query = child(node, 'subselect');
      if (text(node, 'subLinkType') !== 'EXPR_SUBLINK' || query === null) return false;
      return isClosed(query, level.place) && isSteady(query, level.place.catalog);
    }
    case 'FuncCall':
      if (!isSteadyCall(node, level.place.catalog)) return false;
      break;
    case 'A_Expr':
      if (!isBuiltinOperator(list(node, 'name'), level.place.catalog)) return false;
      break;
    case 'TypeCast':
      if (!isBuiltinCast(child(node, 'typeName'), level.place.catalog)) return false;
      break;
    default:
      if (!COMPUTED.has(node.tag) && !ALSO_COMPUTED.has(node.tag)) return false;
  }
  return childrenOf(node).every((item) => isDetermined(item, level, pins));
}

/** A constant or a parameter, through casts. */
export function isGiven(node: SqlNode | null): boolean {
  if (node?.tag === 'TypeCast') return isGiven(child(node, 'arg'));
  return node?.tag === 'A_Const' || node?.tag === 'ParamRef';
}

const LIST_FUNCTIONS: ReadonlySet<string> = new Set(['string_to_array', 'regexp_split_to_array']);

/** An array whose elements the text or a parameter writes out; a function could make it as long as it likes. */
export function isGivenList(node: SqlNode, level: Level, pins: Pins): boolean {
  if (isGiven(node)) return true;
  if (node.tag === 'TypeCast') {
    const inner = child(node, 'arg');
    return inner !== null && isBuiltinCast(child(node, 'typeName'), level.place.catalog) && isGivenList(inner, level, pins);
  }
  if (node.tag === 'A_ArrayExpr') return list(node, 'elements').every((item) => isDetermined(item, level, pins));
  if (node.tag === 'FuncCall') {
    const { name } = qualifiedName(list(node, 'funcname'));
    return LIST_FUNCTIONS.has(name) && isSteadyCall(node, level.place.catalog) && list(node, 'args').every(isGiven);
  }
  if (node.tag !== 'SubLink' || text(node, 'subLinkType') !== 'ARRAY_SUBLINK') return false;
  const query = child(node, 'subselect');
  return query !== null && isFewHere(query, level);
}

/** A sub-select that gives as few rows each time it is read. */
export function isFewHere(query: SqlNode, level: Level): boolean {
  if (!isClosed(query, level.place)) return false;
  const source = querySource(query, level.place);
  return source.few && source.stable;
}

/** Nothing in it is volatile, or not PostgreSQL's own. */
export function isSteady(node: SqlNode, catalog: CatalogSnapshot): boolean {
  if (node.tag === 'FuncCall' && !isSteadyCall(node, catalog)) return false;
  return childrenOf(node).every((item) => isSteady(item, catalog));
}

export function candidatesOf(node: SqlNode, catalog: CatalogSnapshot): readonly FunctionInfo[] {
  const { schema, name } = qualifiedName(list(node, 'funcname'));
  return (catalog.functions.get(name) ?? []).filter((item) => schema === null || item.schema === schema);
}

function isSteadyCall(node: SqlNode, catalog: CatalogSnapshot): boolean {
  const candidates = candidatesOf(node, catalog);
  return candidates.length > 0 && candidates.every((item) => isKnown(item) && item.volatility !== 'volatile' && !item.returnsSet);
}

/** PostgreSQL's own, or of an extension that computes from its arguments alone: its volatility is what it says. */
function isKnown(item: FunctionInfo): boolean {
  return item.schema === 'pg_catalog' || (item.extension !== null && TRUSTED_EXTENSIONS.has(item.extension));
}

export function isBuiltinOperator(name: readonly SqlNode[], catalog: CatalogSnapshot): boolean {
  const path = names(name);
  const operator = path.at(-1);
  if (path.length > 1) return path[0] === 'pg_catalog';
  return operator !== undefined && !redefined(catalog).operators.has(operator);
}

function isBuiltinCast(type: SqlNode | null, catalog: CatalogSnapshot): boolean {
  const name = names(list(type, 'names')).at(-1);
  return name !== undefined && !redefined(catalog).casts.has(name);
}

const ARITHMETIC: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%']);
const OF_ITS_ARGUMENTS: ReadonlySet<string> = new Set(['min', 'max', 'any_value', 'abs']);

/** The types an expression may have. */
export function typesOf(node: SqlNode | null, level: Level): Types {
  if (node === null) return [UNKNOWN];
  const { catalog, searchPath } = level.place;
  switch (node.tag) {
    case 'A_Const':
      if (child(node, 'ival') !== null) return [INT4];
      if (child(node, 'fval') !== null) return [NUMERIC];
      if (child(node, 'boolval') !== null) return [16];
      return child(node, 'bsval') === null ? [ADAPTS] : [UNKNOWN];
    case 'ParamRef':
      return [ADAPTS];
    case 'TypeCast':
      return [typeNamed(catalog, searchPath, child(node, 'typeName'))];
    case 'ColumnRef':
      return columnOf(node, level)?.types ?? [UNKNOWN];
    case 'CoalesceExpr':
    case 'MinMaxExpr':
      return list(node, 'args').flatMap((item) => [...typesOf(item, level)]);
    case 'CaseExpr':
      return [...list(node, 'args').map((item) => child(item, 'result')), child(node, 'defresult')].flatMap((item) =>
        item === null ? [] : [...typesOf(item, level)],
      );
    case 'A_Expr': {
      const operator = names(list(node, 'name')).at(-1) ?? '';
      const operands = [child(node, 'lexpr'), child(node, 'rexpr')].flatMap((item) => (item === null ? [] : [...typesOf(item, level)]));
      if (operator === '||' && operands.every((type) => type === ADAPTS || TEXTS.has(type))) return [TEXT];
      const exact = ARITHMETIC.has(operator) && operands.every((type) => type === ADAPTS || EXACT_NUMBERS.has(type));
      return exact ? [NUMERIC] : [UNKNOWN];
    }
    case 'FuncCall':
      return callTypes(node, level);
    case 'SubLink': {
      const query = child(node, 'subselect');
      if (query === null || text(node, 'subLinkType') !== 'EXPR_SUBLINK') return [UNKNOWN];
      return querySource(query, level.place).columns?.[0]?.types ?? [UNKNOWN];
    }
    default:
      return [UNKNOWN];
  }
}

function callTypes(node: SqlNode, level: Level): Types {
  const { catalog } = level.place;
  const { name } = qualifiedName(list(node, 'funcname'));
  if (name === 'count' || flag(node, 'agg_star')) return [INT8];
  if (OF_ITS_ARGUMENTS.has(name)) return list(node, 'args').flatMap((item) => [...typesOf(item, level)]);
  const returned = candidatesOf(node, catalog).map((item) => item.returnTypeOid);
  if (returned.length === 0) return [UNKNOWN];
  return [...new Set(returned.map((oid) => (catalog.types.get(oid)?.type === 'p' ? UNKNOWN : oid)))];
}

/** The types of what `= ANY` compares with, or of the elements of an array. */
export function elementTypes(node: SqlNode, level: Level): Types {
  if (node.tag === 'A_ArrayExpr') return list(node, 'elements').flatMap((item) => [...typesOf(item, level)]);
  if (node.tag === 'SubLink') {
    const query = child(node, 'subselect');
    return query === null ? [UNKNOWN] : (querySource(query, level.place).columns?.[0]?.types ?? [UNKNOWN]);
  }
  return typesOf(node, level).map((type) => (type === ADAPTS ? ADAPTS : (level.place.catalog.types.get(type)?.elementOid ?? UNKNOWN)));
}
