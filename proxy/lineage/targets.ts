import { SqlTooComplexError } from '../sql/parse';
import { child, list, names, type SqlNode, text } from '../sql/tree';
import type { At } from './analysis';
import { resultColumns } from './call';
import { fieldsOf, indirection, itemAt } from './column';
import { expression, subquery } from './expression';
import { figureName, firstTarget } from './outputName';
import { expand, type ScopeColumn } from './scope';

/** The columns of an output list: stars expanded, names as PostgreSQL gives them. */
export function targets(at: At, items: readonly SqlNode[]): ScopeColumn[] {
  const outputs: ScopeColumn[] = [];
  for (const item of items) {
    const node = child(item, 'val');
    if (node === null) continue;
    const more = starColumns(at, node) ?? [{ name: text(item, 'name') ?? nameOf(at, node), value: expression(at, node) }];
    if (outputs.length + more.length > MAX_TARGETS) throw new SqlTooComplexError('target lists can have at most 1664 entries');
    outputs.push(...more);
  }
  return outputs;
}

/** PostgreSQL's MaxTupleAttributeNumber. */
const MAX_TARGETS = 1_664;

/** Of a sub-select the name is that of its column, which a star alone does not say. */
function nameOf(at: At, node: SqlNode): string {
  const target = node.tag === 'SubLink' && text(node, 'subLinkType') === 'EXPR_SUBLINK' ? firstTarget(node) : null;
  const starred = target?.tag === 'ColumnRef' && list(target, 'fields').at(-1)?.tag === 'A_Star';
  return starred ? (subquery(at, node)[0]?.name ?? figureName(node)) : figureName(node);
}

/** What `*`, `t.*` and `(row).*` stand for in an output list; null when the node is none of them. */
export function starColumns(at: At, node: SqlNode): readonly ScopeColumn[] | null {
  if (node.tag === 'ColumnRef') {
    const fields = list(node, 'fields');
    if (fields.at(-1)?.tag !== 'A_Star') return null;
    const path = names(fields);
    if (path.length > 0) return expand(itemAt(at, path, node));
    return at.scope.items.filter((item) => item.open).flatMap((item) => expand(item));
  }
  if (node.tag !== 'A_Indirection' || list(node, 'indirection').at(-1)?.tag !== 'A_Star') return null;
  const steps = list(node, 'indirection').slice(0, -1);
  const called = child(node, 'arg');
  if (called?.tag === 'FuncCall' && steps.length === 0) {
    const columns = resultColumns(at, called);
    if (columns !== null) return columns;
  }
  const whole = indirection(at, node, steps);
  return fieldsOf(at, whole, node).map(([name, value]) => ({ name, value }));
}
