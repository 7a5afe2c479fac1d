import { child, flag, list, names, type SqlNode, text } from '../sql/tree';
import type { At } from './analysis';
import { callColumns } from './call';
import { childValues, expression } from './expression';
import { predicate } from './predicate';
import { queryColumns } from './query';
import { relationItem, relationNamed } from './relation';
import { columnOf, expand, findCte, newItem, newScope, type ScopeColumn, type ScopeItem, UnresolvedError } from './scope';
import { derived, either, NONE, type Value } from './value';

/**
 * What one item of FROM puts in scope. `at.scope` holds the items to its left, which LATERAL sub-selects and functions see
 * (parse_clause.c, transformFromClauseItem).
 */
export function fromItems(at: At, node: SqlNode): ScopeItem[] {
  at.analysis.step();
  switch (node.tag) {
    case 'RangeVar':
      return [renamed(node, rangeVar(at, node))];
    case 'RangeSubselect': {
      const query = child(node, 'subquery');
      if (query === null) throw new UnresolvedError('a sub-select without a query', node);
      const scope = flag(node, 'lateral') ? at.scope : at.scope.parent;
      const columns = queryColumns(at.analysis, query, { scope, ctes: at.ctes });
      return [renamed(node, newItem(aliasOf(node) ?? null, columns))];
    }
    case 'RangeFunction':
      return [rangeFunction(at, node)];
    case 'RangeTableSample': {
      const relation = child(node, 'relation');
      if (relation === null) throw new UnresolvedError('TABLESAMPLE of nothing', node);
      for (const argument of [...list(node, 'args'), ...[child(node, 'repeatable')].filter((item) => item !== null)])
        at.analysis.use(argument, expression(at, argument), 'other', 'TABLESAMPLE');
      return fromItems(at, relation);
    }
    case 'RangeTableFunc':
      return [renamed(node, xmlTable(at, node))];
    case 'JsonTable':
      return [renamed(node, jsonTable(at, node))];
    case 'JoinExpr':
      return join(at, node);
    default:
      throw new UnresolvedError(`${node.tag} in FROM`, node);
  }
}

const aliasOf = (node: SqlNode): string | null => text(child(node, 'alias'), 'aliasname');

/** `AS t (a, b)` names columns by position; those beyond keep their own. */
function renamed(node: SqlNode, item: ScopeItem): ScopeItem {
  const given = names(list(child(node, 'alias'), 'colnames'));
  if (given.length === 0) return item;
  if (item.columns === null) {
    // Which of them is which is not known, only that they may be named so.
    return { ...item, columns: given.map((name) => ({ name, value: item.any })) };
  }
  if (given.length > item.columns.length) throw new UnresolvedError(`${item.name} has fewer columns than names are given`, node);
  return { ...item, columns: item.columns.map((column, index) => ({ ...column, name: given[index] ?? column.name })) };
}

function rangeVar(at: At, node: SqlNode): ScopeItem {
  const name = text(node, 'relname') ?? '';
  const cte = text(node, 'schemaname') === null ? findCte(at.ctes, name) : null;
  if (cte !== null) return newItem(aliasOf(node) ?? name, cte.columns());
  return relationItem(at.analysis, node, relationNamed(at.analysis, node), aliasOf(node));
}

/** `unnest(a, b)` is unnest(a) and unnest(b) side by side (parse_clause.c, transformRangeFunction). */
function apart(items: readonly SqlNode[]): (readonly SqlNode[])[] {
  const [call, ...rest] = items;
  const args = list(call ?? null, 'args');
  const path = names(list(call ?? null, 'funcname'));
  if (call === undefined || path.length !== 1 || path[0] !== 'unnest' || args.length < 2) return [items];
  return args.map((arg) => [{ ...call, args: [arg] }, ...rest]);
}

function rangeFunction(at: At, node: SqlNode): ScopeItem {
  const calls = list(node, 'functions').flatMap((item) => apart(list(item, 'items')));
  const defined = list(node, 'coldeflist');
  const parts = calls.map(([call, definitions]) => {
    if (call === undefined) throw new UnresolvedError('a function in FROM that is none', node);
    const own = definitions?.tag === 'List' ? list(definitions, 'items') : [];
    return callColumns(at, call, [...own, ...(calls.length === 1 ? defined : [])], calls.length === 1 ? aliasOf(node) : null);
  });
  let columns: ScopeColumn[] | null = [];
  for (const part of parts) columns = columns === null || part.columns === null ? null : [...columns, ...part.columns];
  if (flag(node, 'ordinality')) columns?.push({ name: 'ordinality', value: NONE });
  const any = either(parts.map((part) => part.any));
  const [only] = calls;
  const name = aliasOf(node) ?? (only?.[0]?.tag === 'FuncCall' ? (names(list(only[0], 'funcname')).at(-1) ?? null) : null);
  return renamed(node, newItem(name, columns, { any, typeOid: parts.length === 1 ? (parts[0]?.typeOid ?? 0) : 0 }));
}

function xmlTable(at: At, node: SqlNode): ScopeItem {
  const inputs = [child(node, 'docexpr'), child(node, 'rowexpr'), ...list(node, 'namespaces').map((item) => child(item, 'val'))];
  const common = inputs.flatMap((input) => (input === null ? [] : expression(at, input)));
  at.analysis.use(node, derived(common), 'other', 'XMLTABLE, which makes rows');
  const columns = list(node, 'columns').map((column) => {
    const own = [child(column, 'colexpr'), child(column, 'coldefexpr')].flatMap((item) => (item === null ? [] : expression(at, item)));
    return { name: text(column, 'colname') ?? '', value: flag(column, 'for_ordinality') ? NONE : derived([...common, ...own]) };
  });
  return newItem(aliasOf(node) ?? 'xmltable', columns);
}

function jsonTable(at: At, node: SqlNode): ScopeItem {
  const common = [child(node, 'context_item'), ...list(node, 'passing')].flatMap((item) => (item === null ? [] : childValues(at, item)));
  const value = derived(common);
  at.analysis.use(node, value, 'other', 'JSON_TABLE, which makes rows');
  const columns: ScopeColumn[] = [];
  const collect = (items: readonly SqlNode[]) => {
    for (const item of items) {
      const nested = list(item, 'columns');
      const behaviours = [child(item, 'on_empty'), child(item, 'on_error')].flatMap((part) => (part === null ? [] : childValues(at, part)));
      if (nested.length > 0) collect(nested);
      else
        columns.push({
          name: text(item, 'name') ?? '',
          value: text(item, 'coltype') === 'JTC_FOR_ORDINALITY' ? NONE : derived([value, ...behaviours]),
        });
    }
  };
  collect(list(node, 'columns'));
  return newItem(aliasOf(node) ?? 'json_table', columns);
}

function join(at: At, node: SqlNode): ScopeItem[] {
  const [leftNode, rightNode] = [child(node, 'larg'), child(node, 'rarg')];
  if (leftNode === null || rightNode === null) throw new UnresolvedError('a join of one side', node);
  const left = fromItems(at, leftNode);
  const inner = { ...at, scope: newScope(at.scope.parent, [...at.scope.items, ...left]) };
  const right = fromItems(inner, rightNode);
  const both = [...left, ...right];
  const columns = joinColumns(at, node, left, right);
  const usingAlias = text(child(node, 'join_using_alias'), 'aliasname');
  const merged = columns.merged;
  predicate({ ...at, scope: newScope(at.scope.parent, both) }, child(node, 'quals'), 'a join condition');
  const alias = aliasOf(node);
  if (alias !== null) return [renamed(node, newItem(alias, columns.all(), { any: either(both.map((item) => item.any)) }))];
  // Its sides keep their names; without a name a column is the join's, where those of USING are merged.
  const sides = both.map((item) => ({ ...item, open: merged.length === 0 ? item.open : false }));
  const items =
    merged.length === 0 ? sides : [...sides, newItem(null, columns.all(), { any: either(both.map((item) => item.any)), system: false })];
  return usingAlias === null ? items : [...items, newItem(usingAlias, merged, { open: false })];
}

function joinColumns(at: At, node: SqlNode, left: readonly ScopeItem[], right: readonly ScopeItem[]) {
  const using = names(list(node, 'usingClause'));
  const natural = flag(node, 'isNatural');
  const common = natural ? commonNames(left, right, node) : using;
  const merged = common.map((name): ScopeColumn => {
    const sides = [one(left, name, node), one(right, name, node)];
    // Of a NATURAL join no node names the column: each use stands at one made for it.
    const place = list(node, 'usingClause')[using.indexOf(name)] ?? { tag: 'String', sval: name };
    const kind = sides.every(({ sources }) => sources.size > 0) ? 'join' : 'other';
    at.analysis.use(place, either(sides), kind, natural ? 'a NATURAL join' : 'a USING join', { sides });
    return { name, value: either(sides) };
  });
  const rest = (columns: readonly ScopeColumn[]) => columns.filter((column) => !common.includes(column.name));
  const all = () => {
    const [leftColumns, rightColumns] = [visible(left), visible(right)];
    return leftColumns === null || rightColumns === null ? null : [...merged, ...rest(leftColumns), ...rest(rightColumns)];
  };
  return { merged, all };
}

function visible(items: readonly ScopeItem[]): readonly ScopeColumn[] | null {
  const open = items.filter((item) => item.open);
  return open.some((item) => item.columns === null) ? null : open.flatMap((item) => expand(item));
}

function commonNames(left: readonly ScopeItem[], right: readonly ScopeItem[], node: SqlNode): string[] {
  const [a, b] = [visible(left), visible(right)];
  if (a === null || b === null) throw new UnresolvedError('a NATURAL join of a relation whose columns are not known', node);
  const other = new Set(b.map((column) => column.name));
  return a.map((column) => column.name).filter((name) => other.has(name));
}

function one(items: readonly ScopeItem[], name: string, node: SqlNode): Value {
  const found = items.filter((item) => item.open).flatMap((item) => (item.columns === null ? [item.any] : (columnOf(item, name) ?? [])));
  const [first] = found;
  if (first === undefined) throw new UnresolvedError(`column ${name} is not on both sides of the join`, node);
  return either(found);
}
