import type { CatalogSnapshot, Relation } from '../../catalog/types';
import { parseStatements } from '../../sql/parse';
import type { SqlNode } from '../../sql/tree';
import { querySource } from './query';
import { type Place, type Source, unknownSource } from './source';

const known = new WeakMap<CatalogSnapshot, Map<number, Source>>();

/** A view as the query it stands for, whose text names everything with its schema. Views do not change within a snapshot. */
export function viewSource(view: Relation, place: Place): Source {
  const views = known.get(place.catalog) ?? new Map<number, Source>();
  known.set(place.catalog, views);
  const before = views.get(view.oid);
  if (before !== undefined) return before;
  // One that should stand for itself would not be followed twice.
  views.set(view.oid, unknownSource(view.name));
  const query = queryOf(view);
  const inside: Place = { ...place, searchPath: ['pg_catalog'], ctes: new Map(), work: { ...place.work, sources: new Map() } };
  const source = query === null ? unknownSource(view.name) : named(view, querySource(query, inside));
  views.set(view.oid, source);
  return source;
}

function queryOf(view: Relation): SqlNode | null {
  try {
    const [parsed] = parseStatements(view.definition ?? '');
    return parsed === undefined || parsed.unknown.length > 0 ? null : parsed.node;
  } catch {
    // A text of a newer grammar: not known.
    return null;
  }
}

/** CREATE OR REPLACE VIEW and renamed columns: the catalog's names hold, by position. */
function named(view: Relation, source: Source): Source {
  if (source.columns?.length !== view.columns.length) return unknownSource(view.name);
  const next = new Map(source.columns.map((column, i) => [column.name, view.columns[i]?.name ?? column.name]));
  if (next.size !== view.columns.length) return unknownSource(view.name);
  const rename = (column: string) => next.get(column) ?? column;
  return {
    ...source,
    physical: false,
    columns: view.columns.map((column) => ({ name: column.name, types: [column.typeOid] })),
    parts: source.parts.map((keys) => keys.map((key) => key.map(rename))),
    indexed: source.indexed.map(rename),
    pinned: source.pinned.map(rename),
  };
}
