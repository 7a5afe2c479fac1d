import { child, list, type SqlNode } from '../sql/tree';
import type { At } from './analysis';
import { expression } from './expression';
import { predicate, windowUses } from './predicate';
import type { Value } from './value';

/**
 * ORDER BY and FILTER inside an aggregate, and its window: they decide about rows, as those of a query do.
 * @param within ORDER BY gives the values themselves
 */
export function aggregateUses(at: At, node: SqlNode | null, within = false): void {
  if (!within)
    for (const item of list(node, 'agg_order'))
      at.analysis.use(item, expression(at, child(item, 'node') ?? item), 'other', 'ORDER BY in an aggregate');
  predicate(at, child(node, 'agg_filter'), 'FILTER');
  windowUses(at, child(node, 'over'));
}

export const orderedValues = (at: At, node: SqlNode): Value[] =>
  list(node, 'agg_order').map((item) => expression(at, child(item, 'node') ?? item));
