import type { Inference } from '../../db/schema/shapes';
import { constantText } from '../sql/session';
import { child, childrenOf, flag, list, names, type SqlNode, some, text, walk } from '../sql/tree';
import type { Mention } from './mentions';

const MAX_LIST = 100;

/** What the surroundings of a mention are judged by. */
export interface PermitScope {
  mentions: ReadonlyMap<SqlNode, Mention>;
  /** The narrowest inference mode among the columns a mention may mean. */
  inferenceOf(mention: Mention): Inference;
  /** EXPLAIN shows row estimates and folded values, so its predicates may not read masked columns at all. */
  predicates: boolean;
}

/**
 * The mentions that stand where a masked value can only leave as a plain output column, so that RowDescription names its origin, and
 * those that a predicate may make under the column's inference mode. Everything that is not returned is not permitted.
 */
export function permittedMentions(root: SqlNode, scope: PermitScope): ReadonlySet<SqlNode> {
  const permitted = new Set<SqlNode>();
  new Permits(scope, permitted).statement(root);
  return permitted;
}

class Permits {
  /** Sub-selects are met again from the clauses around them: once is enough, or nesting would double the work at each level. */
  private readonly visited = { outputs: new Set<SqlNode>(), values: new Set<SqlNode>() };

  constructor(
    private readonly scope: PermitScope,
    private readonly permitted: Set<SqlNode>,
  ) {}

  statement(node: SqlNode): void {
    switch (node.tag) {
      case 'SelectStmt':
        return this.select(node, true);
      case 'InsertStmt':
      case 'UpdateStmt':
      case 'DeleteStmt':
      case 'MergeStmt':
        return this.change(node);
      case 'PrepareStmt':
        return this.inner(node, this.scope);
      case 'ExplainStmt':
        return this.inner(node, { ...this.scope, predicates: false });
      default:
    }
  }

  private inner(node: SqlNode, scope: PermitScope): void {
    const query = child(node, 'query');
    if (query !== null) new Permits(scope, this.permitted).statement(query);
  }

  /** `outputs`: whether this SELECT's columns leave by name alone, in the result or through another such SELECT. */
  private select(node: SqlNode, outputs: boolean): void {
    const visited = outputs ? this.visited.outputs : this.visited.values;
    if (visited.has(node)) return;
    visited.add(node);
    const sides = [child(node, 'larg'), child(node, 'rarg')].filter((side) => side !== null);
    this.common(node, outputs && sides.length === 0);
    for (const side of sides) this.select(side, false);
    if (sides.length > 0) return;
    const comparesRows = list(node, 'distinctClause').some((item) => item.tag === 'Null');
    if (outputs && !comparesRows && child(node, 'intoClause') === null) this.outputs(node, list(node, 'targetList'));
    this.predicate(child(node, 'whereClause'));
    this.open(child(node, 'havingClause'));
    for (const item of list(node, 'sortClause')) this.open(item);
    for (const item of list(node, 'fromClause')) this.source(item, outputs);
    for (const part of childrenOf(node)) if (part !== child(node, 'whereClause')) this.subselects(part);
  }

  private change(node: SqlNode): void {
    this.common(node, true);
    this.outputs(node, list(child(node, 'returningClause'), 'exprs'));
    this.predicate(child(node, 'whereClause'));
    this.predicate(child(node, 'joinCondition'));
    for (const item of [...list(node, 'fromClause'), ...list(node, 'usingClause')]) this.source(item, false);
    const rows = child(node, 'selectStmt');
    if (rows !== null) this.select(rows, false);
    for (const part of childrenOf(node)) if (part !== rows) this.subselects(part);
  }

  private common(node: SqlNode, outputs: boolean): void {
    const withClause = child(node, 'withClause');
    for (const cte of list(withClause, 'ctes')) {
      const query = child(cte, 'ctequery');
      if (query?.tag === 'SelectStmt') this.select(query, outputs && !flag(withClause, 'recursive'));
      else if (query !== null) this.change(query);
    }
  }

  private outputs(block: SqlNode, targets: readonly SqlNode[]): void {
    const ordered = ordinals(block);
    const firstStar = targets.findIndex((target) => isStar(child(target, 'val')));
    targets.forEach((target, index) => {
      const value = child(target, 'val');
      const mention = value === null ? undefined : this.scope.mentions.get(value);
      if (value === null || mention === undefined || (mention.kind !== 'column' && mention.kind !== 'star')) return;
      if (value.tag !== 'ColumnRef' || namesOldOrNew(value, block)) return;
      const position = index + 1;
      const usedByOrdinal = [...ordered].some((ordinal) => ordinal === position || (firstStar >= 0 && ordinal > firstStar));
      if (usedByOrdinal && this.scope.inferenceOf(mention) !== 'open') return;
      this.permitted.add(value);
    });
  }

  private source(item: SqlNode, outputs: boolean): void {
    if (item.tag === 'JoinExpr') {
      for (const side of [child(item, 'larg'), child(item, 'rarg')]) if (side !== null) this.source(side, outputs);
      this.predicate(child(item, 'quals'));
      return;
    }
    const query = item.tag === 'RangeSubselect' ? child(item, 'subquery') : null;
    if (query !== null) this.select(query, outputs);
  }

  /** Sub-selects inside expressions: their outputs are values of an expression, except under EXISTS, which ignores them. */
  private subselects(node: SqlNode): void {
    if (node.tag === 'RangeSubselect' || node.tag === 'WithClause') return;
    if (node.tag === 'SubLink') {
      const query = child(node, 'subselect');
      if (query !== null) this.select(query, text(node, 'subLinkType') === 'EXISTS_SUBLINK');
      return;
    }
    for (const item of childrenOf(node)) this.subselects(item);
  }

  private predicate(node: SqlNode | null): void {
    if (node === null) return;
    this.open(node);
    if (node.tag === 'BoolExpr') {
      for (const item of list(node, 'args')) this.predicate(item);
      return;
    }
    this.guarded(node);
    this.subselects(node);
  }

  /** Every mention below a node whose column may be tested in any way. */
  private open(node: SqlNode | null): void {
    if (node === null || !this.scope.predicates) return;
    walk(node, (item) => {
      const mention = this.scope.mentions.get(item);
      if (mention?.kind === 'column' && this.scope.inferenceOf(mention) === 'open') this.permitted.add(item);
    });
  }

  /** `col = constant`, `col IN (up to 100 constants)`, `col IS [NOT] NULL`, and equality of two masked columns. */
  private guarded(node: SqlNode): void {
    if (node.tag === 'NullTest') this.permit([child(node, 'arg')]);
    if (node.tag !== 'A_Expr') return;
    const operator = names(list(node, 'name'));
    if (operator.at(-1) !== '=' || (operator.length > 1 && operator[0] !== 'pg_catalog')) return;
    const left = child(node, 'lexpr');
    const right = child(node, 'rexpr');
    if (left === null || right === null) return;
    if (text(node, 'kind') === 'AEXPR_IN') {
      const items = list(right, 'items');
      if (items.length <= MAX_LIST && items.every(isConstant)) this.permit([left]);
      return;
    }
    if (text(node, 'kind') !== 'AEXPR_OP') return;
    if (isConstant(right)) this.permit([left]);
    else if (isConstant(left)) this.permit([right]);
    else if (this.isGuardable(left) && this.isGuardable(right)) this.permit([left, right]);
  }

  private permit(nodes: readonly (SqlNode | null)[]): void {
    for (const node of nodes) if (node !== null && this.isGuardable(node)) this.permitted.add(node);
  }

  private isGuardable(node: SqlNode): boolean {
    const mention = this.scope.mentions.get(node);
    if (mention?.kind !== 'column' || node.tag !== 'ColumnRef' || !this.scope.predicates) return false;
    const inference = this.scope.inferenceOf(mention);
    return inference === 'guarded' || inference === 'open';
  }
}

/** A constant or a parameter, through casts. */
function isConstant(node: SqlNode): boolean {
  if (node.tag === 'ParamRef') return true;
  if (node.tag === 'TypeCast')
    return !some(node, (item) => item.tag === 'ColumnRef' || item.tag === 'FuncCall' || item.tag === 'SubLink') && isConstantArgument(node);
  return constantText(node) !== null || (node.tag === 'A_Const' && flag(node, 'isnull'));
}

function isConstantArgument(cast: SqlNode): boolean {
  const argument = child(cast, 'arg');
  return argument !== null && isConstant(argument);
}

function isStar(value: SqlNode | null): boolean {
  return value?.tag === 'ColumnRef' && list(value, 'fields').at(-1)?.tag === 'A_Star';
}

/** RETURNING old.x, new.x and their renamings read past the origin that RowDescription is trusted for. */
function namesOldOrNew(value: SqlNode, block: SqlNode): boolean {
  const renamed = list(child(block, 'returningClause'), 'options').map((option) => text(option, 'value') ?? '');
  const qualifier = names(list(value, 'fields')).at(isStar(value) ? -1 : -2) ?? '';
  return child(block, 'returningClause') !== null && ['old', 'new', 'excluded', ...renamed].includes(qualifier);
}

/** Positions of the output list that ORDER BY, GROUP BY and DISTINCT ON name by number. */
function ordinals(block: SqlNode): Set<number> {
  const found = new Set<number>();
  const collect = (item: SqlNode): void => {
    if (item.tag === 'SortBy') return childrenOf(item).forEach(collect);
    if (item.tag === 'GroupingSet') return list(item, 'content').forEach(collect);
    if (item.tag === 'List' || item.tag === 'RowExpr') return childrenOf(item).forEach(collect);
    const position = item.tag === 'A_Const' ? child(item, 'ival')?.ival : undefined;
    if (typeof position === 'number') found.add(position);
  };
  for (const field of ['sortClause', 'groupClause', 'distinctClause']) list(block, field).forEach(collect);
  return found;
}
