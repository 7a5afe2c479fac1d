import { child, list, names, type SqlNode, some, text } from '../sql/tree';
import type { At } from './analysis';
import { expression, subquery } from './expression';
import { either, isCopy, type Value } from './value';

/** More constants than these in one IN list are not a comparison but a search. */
const MAX_LIST = 100;

/**
 * Follows a condition and notes how it uses each column: `col = constant`, `col IN (constants)`, equality of two columns and IS NULL are
 * told apart from everything else, because they are what an inference mode may let through.
 * @param whole every use counts as `other`, whatever its form
 */
export function predicate(at: At, node: SqlNode | null, clause: string, whole = false): void {
  if (node === null) return;
  at.analysis.step();
  if (node.tag === 'BoolExpr') {
    for (const item of list(node, 'args')) predicate(at, item, clause, whole);
    return;
  }
  if (!whole && node.tag === 'NullTest') {
    const argument = child(node, 'arg');
    const value = argument === null ? null : expression(at, argument);
    if (value !== null && isCopy(value)) return at.analysis.use(node, value, 'null test', 'IS NULL');
  }
  if (!whole && node.tag === 'A_Expr' && comparison(at, node)) return;
  if (!whole && node.tag === 'SubLink' && membership(at, node)) return;
  at.analysis.use(node, expression(at, node), 'other', construct(node) ?? clause);
}

function isEquals(path: readonly string[]): boolean {
  return path.at(-1) === '=' && (path.length === 1 || path[0] === 'pg_catalog');
}

/** True when it was an equality of a form that is told apart. */
function comparison(at: At, node: SqlNode): boolean {
  if (!isEquals(names(list(node, 'name')))) return false;
  const left = child(node, 'lexpr');
  const right = child(node, 'rexpr');
  if (left === null || right === null) return false;
  const kind = text(node, 'kind');
  if (kind === 'AEXPR_IN' || kind === 'AEXPR_OP_ANY') {
    const items = right.tag === 'List' ? list(right, 'items') : right.tag === 'A_ArrayExpr' ? list(right, 'elements') : null;
    if (items === null || items.length > MAX_LIST || !items.every((item) => isConstant(item) && expression(at, item).sources.size === 0))
      return false;
    const value = expression(at, left);
    if (!isCopy(value)) return false;
    at.analysis.use(node, value, 'equality', 'IN', { constants: items.length });
    return true;
  }
  if (kind !== 'AEXPR_OP') return false;
  const pairs = left.tag === 'RowExpr' && right.tag === 'RowExpr' ? rowPairs(left, right) : [[left, right] as const];
  if (pairs === null) return false;
  const values = pairs.map(([a, b]) => ({ a, b, left: expression(at, a), right: expression(at, b) }));
  if (!values.every((pair) => isCopy(pair.left) && isCopy(pair.right))) return false;
  for (const pair of values) equality(at, pair);
  return true;
}

function equality(at: At, pair: { a: SqlNode; b: SqlNode; left: Value; right: Value }): void {
  if (isConstant(pair.b) && pair.right.sources.size === 0)
    return at.analysis.use(pair.a, pair.left, 'equality', 'operator =', { constants: 1 });
  if (isConstant(pair.a) && pair.left.sources.size === 0)
    return at.analysis.use(pair.b, pair.right, 'equality', 'operator =', { constants: 1 });
  const sides = [pair.left, pair.right];
  at.analysis.use(pair.a, either(sides), sides.every(({ sources }) => sources.size > 0) ? 'join' : 'other', 'operator =', { sides });
}

function rowPairs(left: SqlNode, right: SqlNode): (readonly [SqlNode, SqlNode])[] | null {
  const [a, b] = [list(left, 'args'), list(right, 'args')];
  if (a.length !== b.length) return null;
  return a.flatMap((item, index) => (b[index] === undefined ? [] : [[item, b[index]] as const]));
}

/** `col IN (SELECT col …)`: a join that keeps one side. True when it was one. */
function membership(at: At, node: SqlNode): boolean {
  const test = child(node, 'testexpr');
  if (text(node, 'subLinkType') !== 'ANY_SUBLINK' || test === null || test.tag === 'RowExpr') return false;
  const operator = names(list(node, 'operName'));
  if (operator.length > 0 && !isEquals(operator)) return false;
  const left = expression(at, test);
  const right = subquery(at, node);
  const [column] = right;
  if (column === undefined || right.length !== 1 || !isCopy(left) || !isCopy(column.value)) return false;
  if (left.sources.size === 0 && column.value.sources.size === 0) return true;
  const sides = [left, column.value];
  at.analysis.use(test, either(sides), sides.every(({ sources }) => sources.size > 0) ? 'join' : 'other', 'IN (SELECT …)', { sides });
  return true;
}

/** The same for every row: no column, no sub-select. A guess at a value, one at a time. */
function isConstant(node: SqlNode): boolean {
  return !some(node, (item) => item.tag === 'ColumnRef' || item.tag === 'SubLink' || item.tag === 'CurrentOfExpr');
}

/** PARTITION BY and ORDER BY of a window decide which rows belong together and in what order. */
export function windowUses(at: At, window: SqlNode | null): void {
  if (window === null) return;
  const parts = [...list(window, 'partitionClause'), ...list(window, 'orderClause')];
  for (const item of parts) at.analysis.use(item, expression(at, child(item, 'node') ?? item), 'other', 'a window');
  for (const field of ['startOffset', 'endOffset']) {
    const offset = child(window, field);
    if (offset !== null) at.analysis.use(offset, expression(at, offset), 'other', 'a window');
  }
}

/** What a person would call the node. */
function construct(node: SqlNode): string | null {
  switch (node.tag) {
    case 'A_Expr': {
      const kind = text(node, 'kind') ?? '';
      const words: Readonly<Record<string, string>> = {
        AEXPR_LIKE: 'LIKE',
        AEXPR_ILIKE: 'ILIKE',
        AEXPR_SIMILAR: 'SIMILAR TO',
        AEXPR_BETWEEN: 'BETWEEN',
        AEXPR_NOT_BETWEEN: 'NOT BETWEEN',
        AEXPR_IN: 'IN',
        AEXPR_DISTINCT: 'IS DISTINCT FROM',
        AEXPR_NOT_DISTINCT: 'IS NOT DISTINCT FROM',
        AEXPR_OP_ANY: `operator ${names(list(node, 'name')).at(-1) ?? ''} ANY`,
        AEXPR_OP_ALL: `operator ${names(list(node, 'name')).at(-1) ?? ''} ALL`,
      };
      const word = words[kind] ?? `operator ${names(list(node, 'name')).at(-1) ?? ''}`;
      const call = [child(node, 'lexpr'), child(node, 'rexpr')].find((side) => side?.tag === 'FuncCall') ?? null;
      return call === null ? word : `function ${names(list(call, 'funcname')).at(-1) ?? ''}()`;
    }
    case 'FuncCall':
      return `function ${names(list(node, 'funcname')).at(-1) ?? ''}()`;
    case 'SubLink':
      return 'a sub-select';
    case 'CaseExpr':
      return 'CASE';
    case 'BooleanTest':
      return 'a boolean test';
    default:
      return null;
  }
}
