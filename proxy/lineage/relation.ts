import type { Relation } from '../catalog/types';
import { type SqlNode, text } from '../sql/tree';
import type { Analysis } from './analysis';
import { newItem, type ScopeItem, UnresolvedError } from './scope';
import { rowTypeOf } from './types';
import { columnValue, NONE } from './value';
import { viewColumns } from './view';

/**
 * The relation a name means on the session's search_path. Where the path is not known, or has none of that name, the only one that any
 * schema has. Null when the catalog has none at all: a relation of the session's own, which cannot hold a masked value, because none
 * is let into it.
 * @throws UnresolvedError when it may mean several
 */
export function relationNamed(analysis: Analysis, node: SqlNode): Relation | null {
  const schema = text(node, 'schemaname');
  const name = text(node, 'relname') ?? '';
  const named = analysis.catalog.relationsByName.get(name) ?? [];
  if (schema !== null) {
    const found = named.find((relation) => relation.schema === schema);
    // Under a schema that the catalog does not have it may be one of those it knows, moved a moment ago.
    if (found === undefined && named.length > 0 && !schema.startsWith('pg_temp'))
      throw new UnresolvedError(`${schema}.${name} is not in the catalog`, node);
    return found ?? null;
  }
  const path = analysis.searchPath ?? [];
  for (const at of path.includes('pg_catalog') ? path : ['pg_catalog', ...path]) {
    const found = named.find((relation) => relation.schema === at);
    if (found !== undefined) return found;
  }
  if (named.length > 1) throw new UnresolvedError(`${name} may be one of several relations here; qualify it with its schema`, node);
  return named[0] ?? null;
}

/** A sequence's one row, of which the catalog says nothing. */
const SEQUENCE = ['last_value', 'log_cnt', 'is_called'].map((name) => ({ name, value: NONE }));

/** A relation in FROM or as the target of a change. */
export function relationItem(analysis: Analysis, node: SqlNode, relation: Relation | null, alias: string | null): ScopeItem {
  const name = alias ?? text(node, 'relname') ?? '';
  const schema = alias === null ? (relation?.schema ?? text(node, 'schemaname')) : null;
  if (relation === null) return newItem(name, null, { schema, system: true });
  if (relation.kind === 'S') return newItem(name, SEQUENCE, { schema, system: true });
  return newItem(name, columnsOfRelation(analysis, relation), {
    schema,
    system: relation.kind !== 'v',
    typeOid: rowTypeOf(analysis.catalog, relation),
  });
}

export function columnsOfRelation(analysis: Analysis, relation: Relation) {
  const through = relation.definition === null ? null : viewColumns(analysis.catalog, relation);
  return relation.columns.map((column) => {
    const own = columnValue(relation.oid, column.number, column.typeOid);
    const inner = through?.get(column.number) ?? NONE;
    return { name: column.name, value: inner.sources.size === 0 ? own : { ...own, sources: new Map([...inner.sources, ...own.sources]) } };
  });
}
