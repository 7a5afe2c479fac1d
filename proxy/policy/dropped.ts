import type { CatalogSnapshot, Relation } from '../catalog/types';
import { objectOf } from '../sql/objects';
import { qualifiedName } from '../sql/session';
import { list, names, type SqlNode, text, walk } from '../sql/tree';
import type { Unseen } from './unseen';

/**
 * The relations that DROP … CASCADE takes besides those it names: what a schema, an extension's type or a table has depending on it. Views
 * depend on what they read, tables on what they inherit from, columns on their types. More than goes, never less.
 */
export function cascadedDrops(root: SqlNode, named: readonly Relation[], catalog: CatalogSnapshot): Unseen {
  const reached = new Set<Relation>();
  const opaque: string[] = [];
  walk(root, (node) => {
    if (text(node, 'behavior') !== 'DROP_CASCADE') return;
    if (node.tag === 'DropOwnedStmt') opaque.push('what DROP OWNED takes is not known');
    if (node.tag === 'DropStmt') {
      const relations = dropped(node, named, catalog);
      if (relations === null) opaque.push(`what DROP ${objectOf(node, 'removeType')} … CASCADE takes is not known`);
      for (const relation of relations ?? []) reached.add(relation);
    }
    if (node.tag === 'AlterTableCmd') for (const relation of named) reached.add(relation);
  });
  for (const relation of reached) for (const dependent of dependents(relation, catalog)) reached.add(dependent);
  return { relations: [...reached].map((relation) => ({ relation, access: 'write', columns: null })), opaque, functions: [] };
}

/** Null when it may be anything: what depends on an extension, a server, a language or an operator is not kept. */
function dropped(node: SqlNode, named: readonly Relation[], catalog: CatalogSnapshot): readonly Relation[] | null {
  const all = [...catalog.relations.values()].filter((relation) => !isSystem(relation));
  switch (text(node, 'removeType')) {
    case 'OBJECT_TABLE':
    case 'OBJECT_VIEW':
    case 'OBJECT_MATVIEW':
    case 'OBJECT_FOREIGN_TABLE':
    case 'OBJECT_SEQUENCE':
    case 'OBJECT_INDEX':
      return named;
    case 'OBJECT_SCHEMA': {
      const schemas = list(node, 'objects').flatMap((item) => text(item, 'sval') ?? []);
      return all.filter((relation) => schemas.includes(relation.schema));
    }
    case 'OBJECT_TYPE':
    case 'OBJECT_DOMAIN': {
      const types = new Set(list(node, 'objects').map((item) => qualifiedName(list(item, 'names')).name));
      return all.filter((relation) => relation.columns.some((column) => hasType(column.typeOid, types, catalog)));
    }
    case 'OBJECT_FUNCTION':
    case 'OBJECT_PROCEDURE':
    case 'OBJECT_ROUTINE':
    case 'OBJECT_AGGREGATE': {
      const functions = new Set(
        list(node, 'objects')
          .flatMap((item) => catalog.functions.get(names(list(item, 'objname')).at(-1) ?? '') ?? [])
          .map((item) => item.oid),
      );
      return all.filter((relation) => usesFunction(relation, functions));
    }
    default:
      return PARTS.has(text(node, 'removeType') ?? '') ? named : null;
  }
}

/** Parts of one relation. */
const PARTS: ReadonlySet<string> = new Set(['OBJECT_TRIGGER', 'OBJECT_RULE', 'OBJECT_POLICY', 'OBJECT_COLUMN', 'OBJECT_TABCONSTRAINT']);

function isSystem(relation: Relation): boolean {
  return relation.schema === 'pg_catalog' || relation.schema === 'information_schema';
}

function hasType(typeOid: number, types: ReadonlySet<string>, catalog: CatalogSnapshot): boolean {
  const type = catalog.types.get(typeOid);
  if (type === undefined) return false;
  return types.has(type.name) || [type.baseOid, type.elementOid].some((oid) => oid !== 0 && hasType(oid, types, catalog));
}

function usesFunction(relation: Relation, functions: ReadonlySet<number>): boolean {
  const used = [...relation.rules, ...relation.implicit].flatMap((use) => use.functions);
  return [...used, ...relation.triggers.map((trigger) => trigger.functionOid)].some((oid) => functions.has(oid));
}

function dependents(relation: Relation, catalog: CatalogSnapshot): Relation[] {
  const views = [...catalog.relations.values()].filter((view) => view.rules.some((rule) => rule.relations.includes(relation.oid)));
  return [...views, ...relation.children.flatMap((oid) => catalog.relations.get(oid) ?? [])];
}
