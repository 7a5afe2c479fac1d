import type { Relation } from '../catalog/types';
import { child, list, type SqlNode, text } from '../sql/tree';
import type { Analysis, At } from './analysis';
import { declareCtes } from './cte';
import { expression } from './expression';
import { fromItems } from './from';
import { predicate } from './predicate';
import { queryColumns } from './query';
import { relationItem, relationNamed } from './relation';
import { findColumn, newItem, newScope, type Place, type ScopeColumn, type ScopeItem, UnresolvedError } from './scope';
import { targets } from './targets';
import { either, isCopy, NONE, type Value } from './value';

/** The columns that RETURNING of an INSERT, UPDATE, DELETE or MERGE gives; what it writes and how it finds its rows is noted on the way. */
export function changeColumns(analysis: Analysis, node: SqlNode, place: Place): readonly ScopeColumn[] {
  analysis.step();
  const target = child(node, 'relation');
  if (target === null) throw new UnresolvedError(`${node.tag} of nothing`, node);
  const ctes = declareCtes(analysis, node, place);
  const relation = relationNamed(analysis, target);
  const item = relationItem(analysis, target, relation, text(child(target, 'alias'), 'aliasname'));
  const at: At = { analysis, scope: newScope(place.scope, [item]), ctes };
  const change: Change = { at, node, relation, item, name: text(target, 'relname') ?? '', assigned: new Map() };
  switch (node.tag) {
    case 'InsertStmt':
      insert(change, { ...place, ctes });
      break;
    case 'UpdateStmt':
      for (const source of list(node, 'fromClause')) at.scope.items.push(...fromItems(at, source));
      assignments(change, list(node, 'targetList'));
      predicate(at, child(node, 'whereClause'), 'WHERE');
      break;
    case 'DeleteStmt':
      for (const source of list(node, 'usingClause')) at.scope.items.push(...fromItems(at, source));
      predicate(at, child(node, 'whereClause'), 'WHERE');
      break;
    case 'MergeStmt':
      merge(change);
      break;
    default:
      throw new UnresolvedError(`${node.tag} where a change is expected`, node);
  }
  return returning(change);
}

interface Change {
  at: At;
  node: SqlNode;
  relation: Relation | null;
  item: ScopeItem;
  /** As the statement spells it. */
  name: string;
  /** What each column is given; by null, what goes into a column that is not known. */
  assigned: Map<string | null, Value[]>;
}

function insert(change: Change, place: Place): void {
  const { at, node } = change;
  const rows = child(node, 'selectStmt');
  const named = list(node, 'cols').map((column) => text(column, 'name') ?? '');
  if (rows !== null) {
    const values = queryColumns(at.analysis, rows, { scope: place.scope, ctes: place.ctes });
    for (const [index, { value }] of values.entries())
      writeTo(change, named.length > 0 ? (named[index] ?? null) : columnAt(change.relation, index), value);
  }
  const conflict = child(node, 'onConflictClause');
  if (conflict === null) return;
  // What was to be inserted has the columns of the table, and its masks: it may have come from anywhere.
  const excluded = { ...afterChange(change), name: 'excluded', schema: null, open: false };
  const inner = { ...at, scope: newScope(at.scope.parent, [...at.scope.items, excluded]) };
  const infer = child(conflict, 'infer');
  conflictUses(change, inner, infer);
  predicate(inner, child(infer, 'whereClause'), 'ON CONFLICT');
  assignments({ ...change, at: inner }, list(conflict, 'targetList'));
  predicate(inner, child(conflict, 'whereClause'), 'ON CONFLICT');
}

/** Whether there is such a row already shows in what happens. Without a target any unique column may decide: the catalog does not say which. */
function conflictUses(change: Change, at: At, infer: SqlNode | null): void {
  const elements = list(infer, 'indexElems');
  const columns = change.item.columns ?? [];
  if (elements.length === 0) for (const { name, value } of columns) conflictUse(change, { tag: 'String', sval: name }, value, name);
  for (const element of elements) {
    const name = text(element, 'name');
    const computed = child(element, 'expr');
    if (name !== null) conflictUse(change, element, findColumn(at.scope, name, 1)?.value ?? NONE, name);
    if (computed !== null) at.analysis.use(element, expression(at, computed), 'other', 'ON CONFLICT');
  }
}

function conflictUse({ at, assigned }: Change, place: SqlNode, value: Value, column: string): void {
  const given = either([...(assigned.get(column) ?? []), ...(assigned.get(null) ?? [])]);
  const sides = [value, given];
  if (given.sources.size === 0) at.analysis.use(place, value, 'equality', 'ON CONFLICT', { constants: 1 });
  else at.analysis.use(place, either(sides), isCopy(given) ? 'join' : 'other', 'ON CONFLICT', { sides });
}

function columnAt(relation: Relation | null, index: number): string | null {
  return relation?.columns[index]?.name ?? null;
}

function writeTo(change: Change, column: string | null, value: Value): void {
  change.at.analysis.write({ relation: change.relation, relationName: change.name, column, value });
  change.assigned.set(column, [...(change.assigned.get(column) ?? []), value]);
}

/** The target with what may be in its columns now: what was there, and what has been put there. */
function afterChange({ item, assigned }: Change): ScopeItem {
  const anywhere = assigned.get(null) ?? [];
  return {
    ...item,
    columns: item.columns?.map(({ name, value }) => ({ name, value: after(value, [...(assigned.get(name) ?? []), ...anywhere]) })) ?? null,
    any: after(item.any, [...assigned.values()].flat()),
  };
}

/** A value that was assigned has been turned into the column's type. */
function after(value: Value, assigned: readonly Value[]): Value {
  return assigned.some(({ sources }) => sources.size > 0) ? { ...either([value, ...assigned]), typeOid: value.typeOid } : value;
}

function assignments(change: Change, items: readonly SqlNode[]): void {
  for (const item of items) {
    const value = child(item, 'val');
    if (value === null) continue;
    writeTo(change, text(item, 'name'), expression(change.at, value));
    for (const step of list(item, 'indirection'))
      if (step.tag === 'A_Indices') writeTo(change, text(item, 'name'), expression(change.at, step));
  }
}

function merge(change: Change): void {
  const { at, node } = change;
  const source = child(node, 'sourceRelation');
  if (source === null) throw new UnresolvedError('MERGE without a source', node);
  // `RETURNING *` gives the source first.
  at.scope.items.unshift(...fromItems(at, source));
  predicate(at, child(node, 'joinCondition'), 'a join condition');
  for (const clause of list(node, 'mergeWhenClauses')) {
    predicate(at, child(clause, 'condition'), 'WHEN');
    const columns = list(clause, 'targetList');
    const values = list(clause, 'values');
    if (text(clause, 'commandType') !== 'CMD_INSERT') assignments(change, columns);
    else
      for (const [index, value] of values.entries())
        writeTo(
          change,
          columns.length > 0 ? text(columns[index] ?? null, 'name') : columnAt(change.relation, index),
          expression(at, value),
        );
  }
}

/** RETURNING sees the target under its own name and, from PostgreSQL 18, as OLD and NEW or what WITH renames them to. */
function returning(change: Change): readonly ScopeColumn[] {
  const { at, node, item } = change;
  const clause = child(node, 'returningClause');
  if (clause === null) return [];
  const renamed = list(clause, 'options').map((option) => text(option, 'value') ?? '');
  const versions = [...new Set(['old', 'new', ...renamed])].filter((name) => !at.scope.items.some((each) => each.name === name));
  const now = afterChange(change);
  const extra = versions.map((name) => newItem(name, now.columns, { any: now.any, open: false, system: true, typeOid: item.typeOid }));
  const items = at.scope.items.map((each) => (each === item ? now : each));
  const inner = { ...at, scope: newScope(at.scope.parent, [...items, ...extra]) };
  return targets(inner, list(clause, 'exprs'));
}
