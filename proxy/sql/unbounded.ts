import { isPlainExplain } from './commands';
import { child, childrenOf, list, names, number, type SqlNode, some, text } from './tree';

const MAX_BETWEEN = 1000;
/** Conditions longer than this are not followed: they count as unbounded. */
const MAX_CONJUNCTS = 1000;

/**
 * Whether an UPDATE, DELETE, MERGE or upsert anywhere in the tree may reach any number of rows: no conjunct of its condition pins a
 * column of the target to constants or parameters, directly or through a source column that is itself pinned; every branch of an OR
 * must. Proving that a condition is always true is undecidable, so the question is turned around: what is not plainly pinned is
 * unbounded.
 */
export function isUnbounded(root: SqlNode): boolean {
  if (isPlainExplain(root)) return false;
  switch (root.tag) {
    case 'UpdateStmt':
      if (!isPinned(root, list(root, 'fromClause'), child(root, 'whereClause'))) return true;
      break;
    case 'DeleteStmt':
      if (!isPinned(root, list(root, 'usingClause'), child(root, 'whereClause'))) return true;
      break;
    case 'MergeStmt':
      if (isUnboundedMerge(root)) return true;
      break;
    case 'InsertStmt':
      if (isUnboundedUpsert(root)) return true;
      break;
    default:
  }
  return childrenOf(root).some(isUnbounded);
}

function isUnboundedMerge(node: SqlNode): boolean {
  const clauses = list(node, 'mergeWhenClauses');
  if (clauses.some((clause) => text(clause, 'matchKind') === 'MERGE_WHEN_NOT_MATCHED_BY_SOURCE')) return true;
  const source = child(node, 'sourceRelation');
  return !isPinned(node, source === null ? [] : [source], child(node, 'joinCondition'));
}

function isUnboundedUpsert(node: SqlNode): boolean {
  if (text(child(node, 'onConflictClause'), 'action') !== 'ONCONFLICT_UPDATE') return false;
  const source = child(node, 'selectStmt');
  return source !== null && list(source, 'valuesLists').length === 0 && list(source, 'fromClause').length > 0;
}

interface Target {
  names: readonly string[];
  relation: string | null;
  /** With other relations in scope an unqualified column may be theirs. */
  alone: boolean;
}

function isPinned(statement: SqlNode, sources: readonly SqlNode[], condition: SqlNode | null): boolean {
  if (condition === null) return false;
  const relation = child(statement, 'relation');
  const relationName = text(relation, 'relname');
  const alias = text(child(relation, 'alias'), 'aliasname') ?? relationName;
  const target: Target = { names: alias === null ? [] : [alias], relation: relationName, alone: sources.length === 0 };
  const bounded = new Set(sources.filter(isConstantSource).map((source) => text(child(source, 'alias'), 'aliasname') ?? ''));
  return pins(condition, [], target, bounded);
}

/** FROM (VALUES of constants) AS v and FROM (SELECT constants) AS v: as many rows as the text writes out. */
function isConstantSource(source: SqlNode): boolean {
  const query = source.tag === 'RangeSubselect' ? child(source, 'subquery') : null;
  if (query === null || child(query, 'withClause') !== null || list(query, 'fromClause').length > 0) return false;
  const rows = list(query, 'valuesLists');
  const cells = rows.length > 0 ? rows : list(query, 'targetList');
  return cells.length > 0 && cells.every(isRowIndependent) && text(query, 'op') === 'SETOP_NONE';
}

/** `outer` holds the conjuncts that surround an OR: they hold in each of its branches. */
function pins(condition: SqlNode, outer: readonly SqlNode[], target: Target, bounded: ReadonlySet<string>): boolean {
  const conjuncts = [...outer, ...conjunctsOf(condition)];
  if (conjuncts.length > MAX_CONJUNCTS) return false;
  if (pinsTogether(conjuncts, target, bounded)) return true;
  return conjunctsOf(condition).some(
    (item) =>
      item.tag === 'BoolExpr' &&
      text(item, 'boolop') === 'OR_EXPR' &&
      list(item, 'args').every((branch) =>
        pins(
          branch,
          conjuncts.filter((other) => other !== item),
          target,
          bounded,
        ),
      ),
  );
}

function conjunctsOf(condition: SqlNode): readonly SqlNode[] {
  if (condition.tag === 'BoolExpr' && text(condition, 'boolop') === 'AND_EXPR') return list(condition, 'args').flatMap(conjunctsOf);
  return [condition];
}

/** Follows equalities from constants through source columns until one reaches a column of the target, or nothing more is pinned. */
function pinsTogether(conjuncts: readonly SqlNode[], target: Target, bounded: ReadonlySet<string>): boolean {
  const pinned = new Set<string>();
  const isTarget = (column: readonly string[]) =>
    column.length === 1 ? target.alone : target.names.includes(column.at(-2) ?? '') || (target.alone && column.length > 1);
  const isKnown = (column: readonly string[]) => pinned.has(column.join('.')) || (column.length > 1 && bounded.has(column.at(-2) ?? ''));
  for (let grew = true; grew; ) {
    grew = false;
    for (const item of conjuncts) {
      for (const column of pinnedBy(item, isKnown, target)) {
        if (isTarget(column)) return true;
        if (pinned.has(column.join('.'))) continue;
        pinned.add(column.join('.'));
        grew = true;
      }
    }
  }
  return false;
}

/** The columns one conjunct pins: `col = constant`, `col IN (constants)`, `col = ANY ($1)`, a short BETWEEN, `col = pinned column`. */
function pinnedBy(item: SqlNode, isKnown: (column: readonly string[]) => boolean, target: Target): string[][] {
  if (item.tag !== 'A_Expr') return [];
  const left = child(item, 'lexpr');
  const right = child(item, 'rexpr');
  if (left === null || right === null) return [];
  const kind = text(item, 'kind');
  const operator = names(list(item, 'name')).at(-1);
  const column = columnPath(left);
  if (kind === 'AEXPR_BETWEEN') return column !== null && isShortRange(right) ? [column] : [];
  if (operator !== '=') return [];
  if (kind === 'AEXPR_IN' || kind === 'AEXPR_OP_ANY') return column !== null && isRowIndependent(right) ? [column] : [];
  if (kind !== 'AEXPR_OP') return [];
  const other = columnPath(right);
  const pinned: string[][] = [];
  if (column !== null && (isSingleValue(right, target) || (other !== null && isKnown(other)))) pinned.push(column);
  if (other !== null && (isSingleValue(left, target) || (column !== null && isKnown(column)))) pinned.push(other);
  return pinned;
}

function columnPath(node: SqlNode): string[] | null {
  if (node.tag !== 'ColumnRef') return null;
  const fields = list(node, 'fields');
  return fields.every((field) => field.tag === 'String') ? names(fields) : null;
}

/** Reads no row: constants, parameters and what is computed from them. */
function isRowIndependent(node: SqlNode): boolean {
  return !some(node, (item) => item.tag === 'ColumnRef' || item.tag === 'SubLink' || item.tag === 'CurrentOfExpr');
}

function isShortRange(bounds: SqlNode): boolean {
  const [low, high] = list(bounds, 'items').map((bound) => (bound.tag === 'A_Const' ? number(child(bound, 'ival'), 'ival') : null));
  return typeof low === 'number' && typeof high === 'number' && high - low <= MAX_BETWEEN;
}

/** A constant, a parameter, or a scalar sub-select that cannot depend on the row being changed. */
function isSingleValue(node: SqlNode, target: Target): boolean {
  if (node.tag === 'SubLink' && text(node, 'subLinkType') === 'EXPR_SUBLINK') return isUncorrelated(child(node, 'subselect'), target);
  return isRowIndependent(node);
}

/**
 * Without a catalog an unqualified column in a sub-select may be the target's. It cannot be when the sub-select reads the target's own
 * relation; otherwise every column must be qualified by something the sub-select itself names.
 */
function isUncorrelated(query: SqlNode | null, target: Target): boolean {
  const from = query === null ? [] : list(query, 'fromClause');
  if (query === null || from.length !== 1 || from[0]?.tag !== 'RangeVar') return false;
  const own = text(child(from[0], 'alias'), 'aliasname') ?? text(from[0], 'relname') ?? '';
  const sameRelation =
    target.relation !== null && text(from[0], 'relname') === target.relation && list(child(from[0], 'alias'), 'colnames').length === 0;
  return !some(query, (item) => {
    if (item.tag === 'SubLink') return true;
    if (item.tag !== 'ColumnRef') return false;
    const path = names(list(item, 'fields'));
    return path.length === 1 ? !sameRelation : path.at(-2) !== own;
  });
}
