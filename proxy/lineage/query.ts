import { child, list, number, type SqlNode, text } from '../sql/tree';
import type { Analysis, At } from './analysis';
import { declareCtes } from './cte';
import { expression, spread } from './expression';
import { fromItems } from './from';
import { predicate, windowUses } from './predicate';
import { findColumn, newScope, type Place, type ScopeColumn, UnresolvedError } from './scope';
import { targets } from './targets';
import { either, type Value } from './value';

/** The output columns of a query, with what each depends on. Its predicates are noted as uses on the way. */
export function queryColumns(analysis: Analysis, node: SqlNode, place: Place): readonly ScopeColumn[] {
  analysis.step();
  if (node.tag !== 'SelectStmt') throw new UnresolvedError(`a ${node.tag} where a query is expected`, node);
  const ctes = declareCtes(analysis, node, place);
  const inner = { ...place, ctes };
  const left = child(node, 'larg');
  const right = child(node, 'rarg');
  if (left !== null && right !== null) return setOperation(analysis, node, [left, right], inner);
  if (list(node, 'valuesLists').length > 0) return values(analysis, node, inner);
  return block(analysis, node, inner);
}

function block(analysis: Analysis, node: SqlNode, place: Place): readonly ScopeColumn[] {
  const scope = newScope(place.scope);
  const at: At = { analysis, scope, ctes: place.ctes };
  for (const item of list(node, 'fromClause')) scope.items.push(...fromItems(at, item));
  const outputs = targets(at, list(node, 'targetList'));
  predicate(at, child(node, 'whereClause'), 'WHERE');
  for (const item of list(node, 'groupClause')) grouping(at, item, outputs);
  predicate(at, child(node, 'havingClause'), 'HAVING', true);
  for (const window of list(node, 'windowClause')) windowUses(at, window);
  for (const item of list(node, 'distinctClause')) {
    if (item.tag === 'Null') for (const output of outputs) analysis.use(item, output.value, 'other', 'DISTINCT');
    else analysis.use(item, sortValue(at, item, outputs), 'other', 'DISTINCT ON');
  }
  sorting(at, node, outputs);
  return outputs;
}

function setOperation(analysis: Analysis, node: SqlNode, sides: readonly [SqlNode, SqlNode], place: Place): readonly ScopeColumn[] {
  const [left, right] = [queryColumns(analysis, sides[0], place), queryColumns(analysis, sides[1], place)];
  if (left.length !== right.length) throw new UnresolvedError('the queries of a set operation differ in their columns', node);
  const outputs = left.map((column, index) => ({ name: column.name, value: either([column.value, right[index]?.value ?? column.value]) }));
  const operation = (text(node, 'op') ?? '').replace('SETOP_', '');
  if (operation !== 'UNION' || node.all !== true)
    for (const output of outputs)
      analysis.use(node, output.value, 'other', operation === 'UNION' ? 'UNION, which drops duplicates' : operation);
  const scope = newScope(place.scope);
  sorting({ analysis, scope, ctes: place.ctes }, node, outputs);
  return outputs;
}

function values(analysis: Analysis, node: SqlNode, place: Place): readonly ScopeColumn[] {
  const at: At = { analysis, scope: newScope(place.scope), ctes: place.ctes };
  const rows = list(node, 'valuesLists').map((row) => spread(at, list(row, 'items')));
  const width = rows[0]?.length ?? 0;
  if (rows.some((row) => row.length !== width)) throw new UnresolvedError('VALUES lists differ in length', node);
  const outputs = Array.from({ length: width }, (_, index) => ({
    name: `column${index + 1}`,
    value: either(rows.flatMap((row) => row[index] ?? [])),
  }));
  sorting(at, node, outputs);
  return outputs;
}

function sorting(at: At, node: SqlNode, outputs: readonly ScopeColumn[]): void {
  for (const item of list(node, 'sortClause'))
    at.analysis.use(item, sortValue(at, child(item, 'node') ?? item, outputs), 'other', 'ORDER BY');
  for (const field of ['limitOffset', 'limitCount']) {
    const limit = child(node, field);
    if (limit !== null) at.analysis.use(limit, expression(at, limit), 'other', 'LIMIT');
  }
}

/** ORDER BY and DISTINCT ON: a position, else the name of an output, else an expression (parse_clause.c, findTargetlistEntrySQL92). */
function sortValue(at: At, item: SqlNode, outputs: readonly ScopeColumn[]): Value {
  const output = outputAt(item, outputs) ?? outputs.find((column) => column.name === bareName(item));
  return output === undefined ? expression(at, item) : output.value;
}

/** GROUP BY: as ORDER BY, but a column of FROM goes before the name of an output. */
function grouping(at: At, item: SqlNode, outputs: readonly ScopeColumn[]): void {
  if (item.tag === 'GroupingSet') {
    for (const part of list(item, 'content')) grouping(at, part, outputs);
    return;
  }
  if (item.tag === 'RowExpr') {
    for (const part of list(item, 'args')) grouping(at, part, outputs);
    return;
  }
  if (item.tag === 'List') {
    for (const part of list(item, 'items')) grouping(at, part, outputs);
    return;
  }
  const name = bareName(item);
  const column = name === null ? null : (findColumn(at.scope, name, 1)?.value ?? null);
  const output = outputAt(item, outputs) ?? (column === null ? outputs.find((each) => each.name === name) : undefined);
  at.analysis.use(item, output === undefined ? (column ?? expression(at, item)) : output.value, 'other', 'GROUP BY');
}

function outputAt(item: SqlNode, outputs: readonly ScopeColumn[]): ScopeColumn | undefined {
  const position = item.tag === 'A_Const' ? number(child(item, 'ival'), 'ival') : null;
  return position === null ? undefined : outputs[position - 1];
}

function bareName(node: SqlNode): string | null {
  const fields = node.tag === 'ColumnRef' ? list(node, 'fields') : [];
  return fields.length === 1 ? text(fields[0] ?? null, 'sval') : null;
}
