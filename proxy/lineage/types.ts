import type { CatalogSnapshot, Relation, TypeInfo } from '../catalog/types';
import { qualifiedName } from '../sql/session';
import { list, type SqlNode } from '../sql/tree';
import type { SearchPath } from './analysis';
import { derived, type Value } from './value';

interface TypeIndex {
  byName: ReadonlyMap<string, readonly TypeInfo[]>;
  /** The array type of an element type. */
  arrays: ReadonlyMap<number, number>;
  /** The row type of a relation. */
  rows: ReadonlyMap<number, number>;
}

const indexes = new WeakMap<CatalogSnapshot['types'], TypeIndex>();

/** Once per snapshot: it has hundreds of types, and a statement asks for several. */
function indexOf(catalog: CatalogSnapshot): TypeIndex {
  const known = indexes.get(catalog.types);
  if (known !== undefined) return known;
  const byName = new Map<string, TypeInfo[]>();
  const arrays = new Map<number, number>();
  const rows = new Map<number, number>();
  for (const type of catalog.types.values()) {
    byName.set(type.name, [...(byName.get(type.name) ?? []), type]);
    if (type.elementOid !== 0) arrays.set(type.elementOid, type.oid);
    else if (type.relationOid !== 0) rows.set(type.relationOid, type.oid);
  }
  const index = { byName, arrays, rows };
  indexes.set(catalog.types, index);
  return index;
}

/** 0 when it is not known. */
export const rowTypeOf = (catalog: CatalogSnapshot, relation: Relation): number => indexOf(catalog).rows.get(relation.oid) ?? 0;

/** The array type with such elements; 0 when it is not known. */
export const arrayOf = (catalog: CatalogSnapshot, elementOid: number): number => indexOf(catalog).arrays.get(elementOid) ?? 0;

/** The type a TypeName means; 0 when it is not known, or may be one of several. */
export function typeNamed(catalog: CatalogSnapshot, path: SearchPath, node: SqlNode | null): number {
  const { schema, name } = qualifiedName(list(node, 'names'));
  const named = indexOf(catalog).byName.get(name) ?? [];
  const schemas = schema === null ? (path === null || path.includes('pg_catalog') ? path : ['pg_catalog', ...path]) : [schema];
  const found = schemas === null ? named : schemas.flatMap((at) => named.find((type) => type.schema === at) ?? []).slice(0, 1);
  if (found.length !== 1) return 0;
  const oid = found[0]?.oid ?? 0;
  return list(node, 'arrayBounds').length === 0 ? oid : arrayOf(catalog, oid);
}

/** text and character varying: between them nothing changes. */
const TEXTS: ReadonlySet<number> = new Set([25, 1043]);

/** A value as one of that type; 0 for a type that is not known. */
export function converted(value: Value, typeOid: number): Value {
  const same = typeOid !== 0 && (typeOid === value.typeOid || (TEXTS.has(typeOid) && TEXTS.has(value.typeOid)));
  return same ? { ...value, typeOid } : { ...derived([value]), typeOid };
}
