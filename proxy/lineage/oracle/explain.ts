import type { CatalogSnapshot, FunctionInfo, Relation } from '../../catalog/types';
import { type ParsedStatement, parseStatements } from '../../sql/parse';
import { list, names, type SqlNode, text, walk } from '../../sql/tree';
import type { Use } from '../analysis';
import { bodyOf } from '../body';
import type { ScopeColumn } from '../scope';
import { followView } from '../view';
import type { Observation } from './observe';

/** What the engine says of a query: where each column comes from, and everything that decides about rows, in it and in the views it reads. */
export interface Claim {
  columns: readonly ScopeColumn[];
  uses: ReadonlySet<string>;
  /** The relations it may read at all. */
  reads: ReadonlySet<Relation>;
}

export function claimOf(
  catalog: CatalogSnapshot,
  node: SqlNode,
  lineage: { columns: readonly ScopeColumn[]; uses: readonly Use[] },
): Claim {
  const reads = relationsIn(catalog, node);
  const views = [...reads].filter((relation) => relation.definition !== null);
  const uses = [...lineage.uses, ...views.flatMap((view) => followView(catalog, view).uses)];
  return { columns: lineage.columns, uses: new Set(uses.flatMap((use) => [...use.value.sources.keys()])), reads };
}

/** Every relation that a query may read, by name alone: in its text, in views, in functions and what their arguments are by default. */
function relationsIn(catalog: CatalogSnapshot, node: SqlNode): ReadonlySet<Relation> {
  const found = new Set<Relation>();
  const called = new Set<FunctionInfo>();
  const trees = [node];
  for (const tree of trees)
    walk(tree, (item) => {
      for (const relation of item.tag === 'RangeVar' ? (catalog.relationsByName.get(text(item, 'relname') ?? '') ?? []) : []) {
        if (found.has(relation)) continue;
        found.add(relation);
        for (const parsed of readable(relation.definition ?? '')) trees.push(parsed.node);
      }
      for (const each of catalog.functions.get(calledName(item)) ?? []) {
        if (called.has(each)) continue;
        called.add(each);
        const defaults = each.defaults === null ? [] : readable(`SELECT ${each.defaults}`);
        for (const parsed of [...(bodyOf(each) ?? []), ...defaults]) trees.push(parsed.node);
      }
    });
  for (const relation of found)
    for (const oid of [...relation.parents, ...relation.children]) {
      const relative = catalog.relations.get(oid);
      if (relative !== undefined) found.add(relative);
    }
  return found;
}

/** Nothing where it is no SQL to this grammar: the engine refuses what reads it. */
function readable(sql: string): readonly ParsedStatement[] {
  try {
    return parseStatements(sql);
  } catch {
    return [];
  }
}

/** A function may be called as `f(row)` and as `row.f`. */
function calledName(node: SqlNode): string {
  return names([...list(node, 'funcname'), ...list(node, 'fields'), ...list(node, 'indirection')]).at(-1) ?? '';
}

/**
 * What a change of one base column did to a query that the engine does not account for, in words; empty when all is well. A column whose
 * values changed depends on the base column, unless that decided which rows there are; how many rows there are can have no other reason.
 * @param keys the base column, and what changes with it
 */
export function unexplained(
  claim: Claim,
  keys: ReadonlySet<string>,
  before: Observation,
  after: Observation,
  marker: string | null,
): string[] {
  const decides = [...keys].some((key) => claim.uses.has(key));
  const depends = claim.columns.map((column) => [...keys].some((key) => column.value.sources.has(key)));
  if (before.error !== after.error) return decides || depends.includes(true) ? [] : [`ends in ${after.error ?? 'success'}`];
  const problems: string[] = [];
  if (after.columns.length !== claim.columns.length && after.error === null) problems.push(`has ${after.columns.length} columns`);
  if (before.count !== after.count && !decides) problems.push(`${before.count} rows became ${after.count}`);
  for (const [index, values] of after.columns.entries()) {
    if (values === before.columns[index] || depends[index]) continue;
    const name = `column ${index + 1} (${claim.columns[index]?.name})`;
    if (!decides) problems.push(`${name} changed`);
    else if (marker !== null && shows(values, marker) && !shows(before.columns[index] ?? '', marker))
      problems.push(`${name} shows a new value`);
  }
  if (before.rows !== after.rows && !decides && !depends.includes(true) && problems.length === 0) problems.push('rows changed');
  return problems;
}

const shows = (values: string, marker: string): boolean => values.toLowerCase().includes(marker);
