import { child, list, names, type SqlNode, some, text } from '../sql/tree';
import type { At } from './analysis';
import { expression, subquery } from './expression';
import { noteOperator } from './operator';
import { derived, either, isCopy, type Value } from './value';

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
  const value = whole ? expression(at, node) : compared(at, node);
  if (value !== null) at.analysis.use(node, value, 'other', construct(node) ?? clause);
}

/** The value of a condition; null when it was one of the forms that are told apart, and noted as such. */
function compared(at: At, node: SqlNode): Value | null {
  if (node.tag === 'A_Expr' && isEquals(names(list(node, 'name')))) return comparison(at, node);
  if (node.tag === 'SubLink') return membership(at, node);
  return expression(at, node);
}

function isEquals(path: readonly string[]): boolean {
  return path.at(-1) === '=' && (path.length === 1 || path[0] === 'pg_catalog');
}

function comparison(at: At, node: SqlNode): Value | null {
  noteOperator(at.analysis, list(node, 'name'));
  const left = child(node, 'lexpr');
  const right = child(node, 'rexpr');
  const kind = text(node, 'kind');
  if (left !== null && right !== null && (kind === 'AEXPR_IN' || kind === 'AEXPR_OP_ANY')) {
    const items = right.tag === 'List' ? list(right, 'items') : right.tag === 'A_ArrayExpr' ? list(right, 'elements') : null;
    if (items === null || items.length > MAX_LIST || !items.every((item) => isConstant(at, item))) return expression(at, node);
    const value = expression(at, left);
    const others = items.map((item) => expression(at, item));
    if (!isCopy(value) || others.some(({ sources }) => sources.size > 0)) return derived([value, ...others]);
    at.analysis.use(node, value, 'equality', 'IN', { constants: items.length });
    return null;
  }
  const pairs = left === null || right === null || kind !== 'AEXPR_OP' ? null : pairsOf(left, right);
  if (pairs === null) return expression(at, node);
  const values = pairs.map(([a, b]) => ({ a, b, left: expression(at, a), right: expression(at, b) }));
  if (!values.every((pair) => isCopy(pair.left) && isCopy(pair.right))) return derived(values.flatMap((pair) => [pair.left, pair.right]));
  for (const pair of values) equality(at, pair);
  return null;
}

function pairsOf(left: SqlNode, right: SqlNode): (readonly [SqlNode, SqlNode])[] | null {
  return left.tag === 'RowExpr' && right.tag === 'RowExpr' ? rowPairs(left, right) : [[left, right]];
}

function equality(at: At, pair: { a: SqlNode; b: SqlNode; left: Value; right: Value }): void {
  if (isConstant(at, pair.b) && pair.right.sources.size === 0)
    return at.analysis.use(pair.a, pair.left, 'equality', 'operator =', { constants: 1 });
  if (isConstant(at, pair.a) && pair.left.sources.size === 0)
    return at.analysis.use(pair.b, pair.right, 'equality', 'operator =', { constants: 1 });
  const sides = [pair.left, pair.right];
  at.analysis.use(pair.a, either(sides), sides.every(({ sources }) => sources.size > 0) ? 'join' : 'other', 'operator =', { sides });
}

function rowPairs(left: SqlNode, right: SqlNode): (readonly [SqlNode, SqlNode])[] | null {
  const [a, b] = [list(left, 'args'), list(right, 'args')];
  if (a.length !== b.length) return null;
  return a.flatMap((item, index) => (b[index] === undefined ? [] : [[item, b[index]] as const]));
}

/** `col IN (SELECT col …)`: a join that keeps one side. Null when it was one and is noted as such. */
function membership(at: At, node: SqlNode): Value | null {
  const test = child(node, 'testexpr');
  const operator = names(list(node, 'operName'));
  const equal = operator.length === 0 || isEquals(operator);
  if (text(node, 'subLinkType') !== 'ANY_SUBLINK' || test === null || !equal) return expression(at, node);
  const tests = test.tag === 'RowExpr' ? list(test, 'args') : [test];
  noteOperator(at.analysis, list(node, 'operName'));
  const left = tests.map((item) => expression(at, item));
  const right = subquery(at, node).map((column) => column.value);
  const all = [...left, ...right];
  if (left.length !== right.length || !all.every(isCopy)) return derived(all);
  for (const [index, item] of tests.entries()) {
    const sides = [left[index], right[index]].flatMap((side) => side ?? []);
    at.analysis.use(item, either(sides), sides.every(({ sources }) => sources.size > 0) ? 'join' : 'other', 'IN (SELECT …)', { sides });
  }
  return null;
}

/** The same for every row: no column but an argument of the function that this is the body of, no sub-select. A guess at a value, one at a time. */
function isConstant(at: At, node: SqlNode): boolean {
  return !some(
    node,
    (item) =>
      item.tag === 'SubLink' || item.tag === 'CurrentOfExpr' || (item.tag === 'ColumnRef' && !at.analysis.isArgument(expression(at, item))),
  );
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

const CONDITIONAL: ReadonlySet<string> = new Set(['SubLink', 'CaseExpr', 'BoolExpr', 'FuncCall']);

/** `col IS NULL`, `col = constant` and what AND, OR and NOT make of them. */
export function isPlainTest(at: At, node: SqlNode): boolean {
  if (node.tag === 'BoolExpr') return list(node, 'args').every((item) => isPlainTest(at, item));
  if (node.tag === 'NullTest') return true;
  const [left, right] = [child(node, 'lexpr'), child(node, 'rexpr')];
  if (node.tag !== 'A_Expr' || text(node, 'kind') !== 'AEXPR_OP' || !isEquals(names(list(node, 'name')))) return false;
  if (left === null || right === null) return false;
  const other = isConstant(at, right) ? left : isConstant(at, left) ? right : null;
  // What holds conditions itself has been followed already: again at every level would double the work with each.
  return other !== null && !some(other, (item) => CONDITIONAL.has(item.tag)) && isCopy(expression(at, other));
}
