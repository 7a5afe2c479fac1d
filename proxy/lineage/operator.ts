import type { CatalogSnapshot, DefinedObject } from '../catalog/types';
import { qualifiedName } from '../sql/session';
import { list, type SqlNode } from '../sql/tree';
import type { Analysis } from './analysis';
import { isVisible } from './signature';

const operators = new WeakMap<CatalogSnapshot['operators'], ReadonlyMap<string, readonly DefinedObject[]>>();

function operatorsOf(catalog: CatalogSnapshot): ReadonlyMap<string, readonly DefinedObject[]> {
  const known = operators.get(catalog.operators);
  if (known !== undefined) return known;
  const byName = new Map<string, DefinedObject[]>();
  for (const operator of catalog.operators) byName.set(operator.name, [...(byName.get(operator.name) ?? []), operator]);
  operators.set(catalog.operators, byName);
  return byName;
}

/** An operator that is not PostgreSQL's own runs a function of which no more is known here. */
export function noteOperator({ catalog, searchPath, opaque }: Analysis, written: readonly SqlNode[]): void {
  if (catalog.operators.length === 0) return;
  const { schema, name } = qualifiedName(written);
  for (const operator of operatorsOf(catalog).get(name) ?? [])
    if (isVisible(operator.schema, schema, searchPath)) opaque.add(`operator ${operator.schema}.${name}`);
}

/** A cast that is not PostgreSQL's own runs a function too. */
export function noteCast({ catalog, opaque }: Analysis, type: SqlNode | null): void {
  if (catalog.casts.length === 0) return;
  const { name } = qualifiedName(list(type, 'names'));
  if (catalog.casts.some((cast) => cast.target === name)) opaque.add(`the cast to ${name}`);
}
