import { child, childrenOf, flag, list, names, type SqlNode, text } from '../../sql/tree';
import { columnOf, type Level, levelOf, sourceNamed } from './level';
import { readWith } from './query';
import { type Place, step } from './source';

/** Whether every name in a sub-select is one of its own: it does not depend on the rows around it, and means one thing for all of them. */
export function isClosed(query: SqlNode, place: Place): boolean {
  return isClosedQuery(query, place, []);
}

/** Clauses in which a bare name may be that of an output column. */
const BY_OUTPUT: ReadonlySet<string> = new Set(['sortClause', 'groupClause', 'distinctClause']);

function isClosedQuery(query: SqlNode, outer: Place, around: readonly Level[]): boolean {
  if (query.tag !== 'SelectStmt') return false;
  step(outer);
  const { ctes, inside: place } = readWith(query, outer);
  if (!ctes.every((cte) => isClosedQuery(cte.query, cte.place, around))) return false;
  const [larg, rarg] = [child(query, 'larg'), child(query, 'rarg')];
  if (larg !== null && rarg !== null) {
    const sorted = list(query, 'sortClause').every((item) => child(item, 'node')?.tag !== 'SubLink');
    return sorted && isClosedQuery(larg, place, around) && isClosedQuery(rarg, place, around);
  }
  const from = list(query, 'fromClause');
  const level = levelOf(from, place);
  const inside = [level, ...around];
  if (!from.every((item) => isClosedFrom(item, place, inside, around))) return false;
  const outputs = new Set(list(query, 'targetList').flatMap((item) => text(item, 'name') ?? []));
  return Object.keys(query).every((field) => {
    if (field === 'fromClause' || field === 'withClause') return true;
    const own = BY_OUTPUT.has(field) ? outputs : NONE;
    return [child(query, field), ...list(query, field)].every((item) => item === null || isClosedNode(item, place, inside, own));
  });
}

const NONE: ReadonlySet<string> = new Set();

/** Only LATERAL and functions see what stands beside them. */
function isClosedFrom(node: SqlNode, place: Place, inside: readonly Level[], around: readonly Level[]): boolean {
  switch (node.tag) {
    case 'RangeVar':
      return true;
    case 'RangeSubselect': {
      const query = child(node, 'subquery');
      return query !== null && isClosedQuery(query, place, flag(node, 'lateral') ? inside : around);
    }
    case 'JoinExpr': {
      const [left, right, quals] = [child(node, 'larg'), child(node, 'rarg'), child(node, 'quals')];
      if (left === null || right === null || child(node, 'alias') !== null) return false;
      const sides = [left, right].every((side) => isClosedFrom(side, place, inside, around));
      return sides && (quals === null || isClosedNode(quals, place, inside, NONE));
    }
    case 'RangeFunction':
      return isClosedNode(node, place, inside, NONE);
    default:
      return false;
  }
}

function isClosedNode(node: SqlNode, place: Place, inside: readonly Level[], outputs: ReadonlySet<string>): boolean {
  step(place);
  if (node.tag === 'SelectStmt') return isClosedQuery(node, place, inside);
  if (node.tag === 'ColumnRef') return isOwn(node, inside, outputs);
  return childrenOf(node).every((item) => isClosedNode(item, place, inside, outputs));
}

function isOwn(node: SqlNode, inside: readonly Level[], outputs: ReadonlySet<string>): boolean {
  const fields = list(node, 'fields');
  const path = names(fields);
  const star = path.length !== fields.length;
  if (star && path.length === 0) return true;
  if (!star && path.length === 1 && outputs.has(path[0] ?? '')) return true;
  return inside.some((level) => {
    if (!star && columnOf(node, level) !== null) return true;
    // A whole row, or `t.*`.
    return (star || path.length === 1) && sourceNamed(level.sources, path) !== null;
  });
}
