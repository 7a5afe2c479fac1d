import type { CatalogSnapshot } from '../../catalog/types';
import { isTrustedOperator } from '../builtins';

/** By bare name: operators, and targets and sources of casts, that somebody has defined. */
export interface Redefined {
  operators: ReadonlySet<string>;
  casts: ReadonlySet<string>;
  castsFrom: ReadonlySet<string>;
}

const known = new WeakMap<CatalogSnapshot, Redefined>();

/** What may mean something else than PostgreSQL says; once per snapshot. */
export function redefined(catalog: CatalogSnapshot): Redefined {
  const before = known.get(catalog);
  if (before !== undefined) return before;
  const casts = catalog.casts.filter((item) => !isTrustedOperator(item.extension));
  const found = {
    operators: new Set(catalog.operators.filter((item) => !isTrustedOperator(item.extension)).map((item) => item.name)),
    casts: new Set(casts.map((item) => item.target)),
    castsFrom: new Set(casts.map((item) => item.source)),
  };
  known.set(catalog, found);
  return found;
}
