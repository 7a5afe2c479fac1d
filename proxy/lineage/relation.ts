import type { Relation } from '../catalog/types';
import { type SqlNode, text } from '../sql/tree';
import type { Analysis } from './analysis';
import { newItem, type ScopeItem, UnresolvedError } from './scope';
import { rowTypeOf } from './types';
import { columnValue, NONE } from './value';
import { viewColumns } from './view';

/**
 * The relation a name means on the session's search_path. Null when the catalog has none of that name there: a relation of the session's
 * own, which cannot hold a masked value, because none is let into it.
 * @throws UnresolvedError when it may mean several
 */
export function relationNamed(analysis: Analysis, node: SqlNode): Relation | null {
  const schema = text(node, 'schemaname');
  const name = text(node, 'relname') ?? '';
  const named = analysis.catalog.relationsByName.get(name) ?? [];
  if (schema !== null) return named.find((relation) => relation.schema === schema) ?? null;
  if (analysis.searchPath === null) {
    if (named.length > 1) throw new UnresolvedError(`search_path is not known here, and ${name} may be one of several relations`, node);
    return named[0] ?? null;
  }
  const path = analysis.searchPath.includes('pg_catalog') ? analysis.searchPath : ['pg_catalog', ...analysis.searchPath];
  for (const at of path) {
    const found = named.find((relation) => relation.schema === at);
    if (found !== undefined) return found;
  }
  return null;
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
