import type { RelationUse } from '../../db/schema/shapes';
import type { CatalogSnapshot, Relation } from '../catalog/types';
import { calledBodies } from '../lineage/called';
import { functionsOf } from '../sql/facts';
import { parseStatements } from '../sql/parse';
import { relationsOf } from '../sql/relations';
import { list, names, type SqlNode, walk } from '../sql/tree';
import type { RelationName, TextFacts } from '../sql/types';
import { bodiesOf } from './bodies';
import { cascadedDrops } from './dropped';
import { functionNames } from './functions';
import { insertedColumns } from './insertedColumns';
import { NOTHING_UNSEEN, type UnseenUse, unseenReads, unseenWrites } from './unseen';

export interface ResolvedNames {
  /** For the record: each relation once, by the name it most likely has, and what rules, triggers and cascades may write besides. */
  relations: readonly RelationUse[];
  /** For rules: every `schema.table` a name may mean, and `schema.table.column` of the columns that are named. */
  tables: readonly string[];
  columns: readonly string[];
  /** Why the relations may not be all; empty when they are. */
  opaque: readonly string[];
  /** `schema.name` of every function it may call: itself, in functions in SQL, in views, and by what its writing sets off. */
  functions: readonly string[];
  /** A foreign table is among them: what is done with it is done elsewhere. */
  foreign: boolean;
}

/**
 * Resolves names through a search_path as PostgreSQL does: pg_catalog first unless the path names it. `searchPath` null means that the
 * session's path is not known; a name then means every relation of that name. A name the catalog does not have keeps its own spelling. What
 * functions in SQL read that the statement calls counts as named by it.
 */
export function resolveNames(
  root: SqlNode,
  facts: TextFacts,
  catalog: CatalogSnapshot,
  searchPath: readonly string[] | null,
): ResolvedNames {
  const bodies = calledBodies(root, catalog);
  const meant = (use: RelationName) => candidatesFor(use, catalog, searchPath);
  const named = [...facts.relations, ...bodies.flatMap(relationsOf)];
  const found = named.map((use) => ({ use, candidates: meant(use) }));
  const written = found.flatMap(({ use, candidates }) => (use.access === 'write' ? candidates : []));
  const writes = unseenWrites(root, facts, written, catalog);
  const behind = withWhatStandsBehind(
    found.flatMap(({ candidates }) => candidates),
    catalog,
  );
  const reads = unseenReads(behind, catalog);
  const drops = facts.effects.has('drop') ? cascadedDrops(root, written, catalog) : NOTHING_UNSEEN;
  const unseen = {
    relations: [...writes.relations, ...reads.relations, ...drops.relations],
    opaque: [...writes.opaque, ...reads.opaque, ...drops.opaque],
  };
  const relations = distinct([
    ...found.map(({ use, candidates }): RelationUse => ({ name: display(use, candidates[0]), access: use.access })),
    ...unseen.relations.map(({ relation, access }): RelationUse => ({ name: dotted(relation), access })),
  ]);
  const all =
    unseen.relations.length === 0 ? behind : withWhatStandsBehind([...behind, ...unseen.relations.map((use) => use.relation)], catalog);
  const unread = all.filter((relation) => relation.definition !== null && readBy(relation) === null);
  return {
    relations,
    tables: [...new Set([...relations.map((use) => use.name), ...all.map(dotted)])],
    columns: [
      ...new Set([...[root, ...bodies].flatMap((tree) => columnsOf(tree, all, meant)), ...unseen.relations.flatMap(unseenColumns)]),
    ],
    functions: [
      ...new Set([
        ...[...facts.functions, ...bodies.flatMap(functionsOf)].flatMap((called) => functionNames(called, catalog)),
        ...all.flatMap((relation) => calledByView(relation, catalog)),
        ...writes.functions,
        ...reads.functions,
      ]),
    ],
    foreign: all.some((relation) => relation.kind === 'f'),
    opaque: [...unseen.opaque, ...unread.map((relation) => `the query of ${dotted(relation)} could not be read`)],
  };
}

function calledByView(relation: Relation, catalog: CatalogSnapshot): string[] {
  const oids = relation.rules.flatMap((rule) => (rule.event === 'select' ? rule.functions : []));
  return oids.flatMap((oid) => bodiesOf(oid, catalog).map((body) => body.name));
}

function distinct(uses: readonly RelationUse[]): RelationUse[] {
  return [...new Map(uses.map((use) => [`${use.access} ${use.name}`, use])).values()];
}

function unseenColumns({ relation, columns }: UnseenUse): string[] {
  const concerned = relation.columns.filter((column) => columns === null || columns.has(column.name));
  return concerned.map((column) => `${dotted(relation)}.${column.name}`);
}

/** The relations a name may mean; none when the catalog has none of that name. */
export function candidatesFor(use: RelationName, catalog: CatalogSnapshot, searchPath: readonly string[] | null): readonly Relation[] {
  const named = catalog.relationsByName.get(use.name) ?? [];
  if (use.schema !== null) return named.filter((relation) => relation.schema === use.schema);
  if (searchPath === null) return named;
  const path = searchPath.includes('pg_catalog') ? searchPath : ['pg_catalog', ...searchPath];
  for (const schema of path) {
    const relation = named.find((candidate) => candidate.schema === schema);
    if (relation !== undefined) return [relation];
  }
  return named;
}

/**
 * What a statement reaches besides the relations it names: tables under views, at any depth; partitions and children of a table, and the
 * tables they belong to, since each shows the other's rows.
 */
function withWhatStandsBehind(named: readonly Relation[], catalog: CatalogSnapshot): Relation[] {
  const reached = new Set(named);
  for (const relation of reached) {
    for (const oid of [...relation.parents, ...relation.children]) {
      const relative = catalog.relations.get(oid);
      if (relative !== undefined) reached.add(relative);
    }
    for (const use of readBy(relation) ?? []) for (const base of candidatesFor(use, catalog, null)) reached.add(base);
    for (const oid of relation.rules.flatMap((rule) => (rule.event === 'select' ? rule.relations : []))) {
      const base = catalog.relations.get(oid);
      if (base !== undefined) reached.add(base);
    }
  }
  return [...reached];
}

/** A definition never changes within a snapshot. */
const definitions = new WeakMap<Relation, readonly RelationName[] | null>();

/** The relations a view's text names; null when it could not be read or parsed. */
function readBy(relation: Relation): readonly RelationName[] | null {
  if (relation.definition === null) return [];
  const known = definitions.get(relation);
  if (known !== undefined) return known;
  let uses: readonly RelationName[] | null = null;
  try {
    if (relation.definition !== '') uses = parseStatements(relation.definition).flatMap(({ node }) => relationsOf(node));
  } catch {
    // A newer server's text: what it names is not known.
  }
  definitions.set(relation, uses);
  return uses;
}

function display(use: RelationName, relation: Relation | undefined): string {
  if (relation !== undefined) return dotted(relation);
  return use.schema === null ? use.name : `${use.schema}.${use.name}`;
}

function dotted(relation: Relation): string {
  return `${relation.schema}.${relation.name}`;
}

/** By name alone: a column counts for every relation of the statement that has one of that name, a star for all of them. */
function columnsOf(root: SqlNode, relations: readonly Relation[], meant: (use: RelationName) => readonly Relation[]): string[] {
  const mentioned = new Set<string>();
  let star = false;
  walk(root, (node) => {
    if (node.tag === 'A_Star') star = true;
    if (node.tag === 'ColumnRef') for (const name of names(list(node, 'fields')).slice(-1)) mentioned.add(name);
    if (node.tag === 'ResTarget' || node.tag === 'IndexElem' || node.tag === 'ColumnDef' || node.tag === 'AlterTableCmd') {
      const name = node.name ?? node.colname;
      if (typeof name === 'string') mentioned.add(name);
    }
    if (node.tag === 'CopyStmt') {
      const columns = names(list(node, 'attlist'));
      if (columns.length === 0) star = true;
      for (const name of columns) mentioned.add(name);
    }
    for (const name of insertedColumns(node, meant)) mentioned.add(name);
    if (node.tag === 'JoinExpr') for (const name of names(list(node, 'usingClause'))) mentioned.add(name);
  });
  return relations.flatMap((relation) =>
    relation.columns
      .filter((column) => star || mentioned.has(column.name) || mentioned.has(relation.name))
      .map((column) => `${dotted(relation)}.${column.name}`),
  );
}
