import type { CatalogSnapshot } from '../catalog/types';
import { matchesGlob } from '../policy/glob';
import type { MaskingRule } from '../policy/types';
import { isMaskable } from './columns';
import { maskProblem } from './transforms/problem';

export interface UnfitColumn {
  /** `schema.table.column` */
  column: string;
  /** What does not fit and what would, to follow the column's name. */
  problem: string;
}

/** The columns a masking rule names whose types its mask does not fit; at run time they are NULL. */
export function unfitColumns(rule: Pick<MaskingRule, 'columns' | 'mask'>, catalog: CatalogSnapshot): UnfitColumn[] {
  const unfit: UnfitColumn[] = [];
  const problems = new Map<number, string | null>();
  for (const relation of catalog.relations.values()) {
    if (!isMaskable(relation)) continue;
    for (const column of relation.columns) {
      if (!rule.columns.some((glob) => matchesGlob(glob, [relation.schema, relation.name, column.name]))) continue;
      const known = problems.get(column.typeOid);
      const problem = known === undefined ? maskProblem(rule.mask, column.typeOid, catalog.types) : known;
      problems.set(column.typeOid, problem);
      if (problem !== null) unfit.push({ column: `${relation.schema}.${relation.name}.${column.name}`, problem });
    }
  }
  return unfit;
}
