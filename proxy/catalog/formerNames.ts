import type { CatalogSnapshot, ColumnPath, FormerNames, Relation } from './types';

/** Names a column by what PostgreSQL keeps when it, its table or its schema is renamed. */
export const columnKey = (relationOid: number, attributeNumber: number): string => `${relationOid}.${attributeNumber}`;

/**
 * The names that columns had before: those already known, and those of the snapshot before this one where they are others now. What a rule has
 * named stays named by it, whatever it is called later.
 */
export function withFormerNames(next: CatalogSnapshot, previous: CatalogSnapshot | null, kept: FormerNames): CatalogSnapshot {
  const names = new Map<string, readonly ColumnPath[]>();
  const add = (key: string, path: ColumnPath) => {
    const known = names.get(key) ?? [];
    if (!known.some((other) => other.join('\0') === path.join('\0'))) names.set(key, [...known, path]);
  };
  const now = columnPaths(next.relations.values());
  for (const source of [
    kept,
    previous?.formerNames ?? new Map(),
    previous === null ? new Map() : asLists(columnPaths(previous.relations.values())),
  ]) {
    for (const [key, paths] of source) {
      const current = now.get(key);
      // A column that is gone has no name to keep.
      if (current !== undefined) for (const path of paths) if (path.join('\0') !== current.join('\0')) add(key, path);
    }
  }
  return { ...next, formerNames: names };
}

function columnPaths(relations: Iterable<Relation>): Map<string, ColumnPath> {
  const paths = new Map<string, ColumnPath>();
  for (const relation of relations) {
    if (relation.schema === 'pg_catalog' || relation.schema === 'information_schema') continue;
    for (const column of relation.columns) paths.set(columnKey(relation.oid, column.number), [relation.schema, relation.name, column.name]);
  }
  return paths;
}

const asLists = (paths: ReadonlyMap<string, ColumnPath>): FormerNames => new Map([...paths].map(([key, path]) => [key, [path]]));
