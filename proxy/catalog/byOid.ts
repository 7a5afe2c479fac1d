import type { CatalogSnapshot, ForeignKey, FunctionInfo, Relation } from './types';

interface Index {
  functions: ReadonlyMap<number, FunctionInfo>;
  referring: ReadonlyMap<number, readonly Reference[]>;
}

/** A foreign key seen from the relation it refers to. */
export interface Reference {
  relation: Relation;
  key: ForeignKey;
}

const indexes = new WeakMap<CatalogSnapshot, Index>();

export function functionByOid(catalog: CatalogSnapshot, oid: number): FunctionInfo | undefined {
  return indexOf(catalog).functions.get(oid);
}

/** The foreign keys that refer to a relation. */
export function referencesTo(catalog: CatalogSnapshot, oid: number): readonly Reference[] {
  return indexOf(catalog).referring.get(oid) ?? [];
}

function indexOf(catalog: CatalogSnapshot): Index {
  const known = indexes.get(catalog);
  if (known !== undefined) return known;
  const referring = new Map<number, Reference[]>();
  for (const relation of catalog.relations.values())
    for (const key of relation.foreignKeys) {
      const references = referring.get(key.referencedOid) ?? [];
      referring.set(key.referencedOid, references);
      references.push({ relation, key });
    }
  const index = { functions: new Map([...catalog.functions.values()].flat().map((item) => [item.oid, item])), referring };
  indexes.set(catalog, index);
  return index;
}
