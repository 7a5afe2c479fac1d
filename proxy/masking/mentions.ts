import type { CatalogSnapshot } from '../catalog/types';
import { SqlTooComplexError } from '../sql/parse';
import { child, childrenOf, flag, list, names, type SqlNode, text, walk } from '../sql/tree';
import { COMPOSITE_FUNCTIONS } from './composite';

/** Tainted columns by bare relation name, then column name. The value is whatever the caller keeps about the column. */
export type TaintedNames<T> = ReadonlyMap<string, ReadonlyMap<string, T>>;

export type MentionKind = 'column' | 'star' | 'whole row' | 'column alias list' | 'NATURAL join' | 'USING' | 'COPY';

/** One place where a statement may read a tainted column. */
export interface Mention {
  node: SqlNode;
  kind: MentionKind;
  /** The column's name; `*` where all columns are meant. */
  name: string;
}

const SYSTEM_COLUMNS: ReadonlySet<string> = new Set(['tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid']);

const CARRIERS: ReadonlySet<string> = new Set(['CommonTableExpr', 'RangeSubselect', 'RangeFunction', 'RangeTableFunc', 'JsonTable']);

/** A name that FROM, WITH or a DML target puts in scope. Without columns their names are not known. */
interface Binding {
  tainted: boolean;
  columns: ReadonlySet<string> | null;
}

/**
 * Finds every place where a statement may read a tainted column. Works by name alone, whatever the search_path: a relation counts when
 * its bare name is that of a tainted relation in any schema, so a name that is shadowed gives a needless mention and never a missed
 * one. The outputs of sub-selects and CTEs that carry a mention become tainted names in turn, until nothing changes.
 */
export function findMentions<T>(
  root: SqlNode,
  taints: TaintedNames<T>,
  catalog: Pick<CatalogSnapshot, 'relationsByName' | 'functions'>,
): Mention[] {
  const relations = rangeVars(root).filter((name) => taints.has(name));
  if (relations.length === 0) return [];
  const search = new MentionSearch(root, new Set(relations), taints, catalog);
  return search.run();
}

/** Bare names of every relation a tree names, CTE references included. */
export function rangeVars(root: SqlNode): string[] {
  const found: string[] = [];
  walk(root, (node) => {
    if (node.tag === 'RangeVar') found.push(text(node, 'relname') ?? '');
  });
  return found;
}

/** About a second of work. A text made to be slow is refused, not waited for. */
const MAX_STEPS = 3_000_000;

class MentionSearch<T> {
  private steps = 0;
  private readonly taintedColumns = new Set<string>();
  /** Sub-selects, CTEs, joins and functions in FROM whose rows carry a mention. */
  private readonly carriers = new Set<SqlNode>();
  private readonly carrierCtes = new Set<string>();
  private readonly familiar = new Set<string>();
  private readonly ctes = new Map<string, SqlNode[]>();
  private readonly columns = new Map<SqlNode, ReadonlySet<string> | null>();
  private bindings = new Map<string, Binding[]>();
  private mentions = new Map<SqlNode, Mention>();

  constructor(
    private readonly root: SqlNode,
    private readonly relations: ReadonlySet<string>,
    taints: TaintedNames<T>,
    private readonly catalog: Pick<CatalogSnapshot, 'relationsByName' | 'functions'>,
  ) {
    for (const relation of relations) for (const column of taints.get(relation)?.keys() ?? []) this.taintedColumns.add(column);
    walk(root, (node) => {
      if (node.tag === 'CommonTableExpr') push(this.ctes, text(node, 'ctename') ?? '', node);
      for (const name of this.namesGivenBy(node)) this.familiar.add(name);
    });
  }

  /** The column names that a node puts into the statement: those of a relation, of an output, of an alias. */
  private namesGivenBy(node: SqlNode): readonly string[] {
    switch (node.tag) {
      case 'RangeVar':
        return (this.catalog.relationsByName.get(text(node, 'relname') ?? '') ?? []).flatMap((relation) =>
          relation.columns.map(({ name }) => name),
        );
      case 'ResTarget':
        return [text(node, 'name') ?? (child(node, 'val')?.tag === 'ColumnRef' ? '' : (outputName(child(node, 'val')) ?? ''))];
      case 'Alias':
        return names(list(node, 'colnames'));
      case 'CommonTableExpr':
        return names(list(node, 'aliascolnames'));
      case 'ColumnDef':
      case 'RangeTableFuncCol':
        return [text(node, 'colname') ?? ''];
      case 'JsonTableColumn':
        return [text(node, 'name') ?? ''];
      default:
        return [];
    }
  }

  run(): Mention[] {
    for (let size = -1; size !== this.size(); ) {
      size = this.size();
      this.bindings = new Map();
      this.mentions = new Map();
      walk(this.root, (node) => this.bind(node));
      this.visit(this.root, []);
      this.carries(this.root);
    }
    return [...this.mentions.values()];
  }

  private step(): void {
    this.steps += 1;
    if (this.steps > MAX_STEPS) throw new SqlTooComplexError();
  }

  private size(): number {
    return this.taintedColumns.size + this.carriers.size + this.carrierCtes.size + this.mentions.size;
  }

  private isTaintedRelation(node: SqlNode): boolean {
    const name = text(node, 'relname') ?? '';
    return this.relations.has(name) || (text(node, 'schemaname') === null && this.carrierCtes.has(name));
  }

  /** Whether a FROM item, or anything inside it, can carry a tainted column. */
  private isTaintedItem(node: SqlNode): boolean {
    this.step();
    if (node.tag === 'RangeVar') return this.isTaintedRelation(node);
    if (node.tag === 'RangeSubselect' || node.tag === 'RangeFunction' || node.tag === 'CommonTableExpr') return this.carriers.has(node);
    if (node.tag === 'JoinExpr')
      return [child(node, 'larg'), child(node, 'rarg')].some((side) => side !== null && this.isTaintedItem(side));
    if (node.tag === 'RangeTableSample') return childrenOf(node).some((item) => item.tag === 'RangeVar' && this.isTaintedItem(item));
    return this.carriers.has(node);
  }

  /** Marks what carries a mention, and the output names under which a mentioned column travels on. */
  private carries(node: SqlNode): boolean {
    this.step();
    let carries = this.mentions.has(node);
    for (const item of childrenOf(node)) carries = this.carries(item) || carries;
    if (carries && CARRIERS.has(node.tag)) this.carriers.add(node);
    if (carries && node.tag === 'CommonTableExpr') this.carrierCtes.add(text(node, 'ctename') ?? '');
    const name = node.tag === 'ResTarget' ? text(node, 'name') : null;
    const value = child(node, 'val');
    if (name !== null && value !== null && this.mentions.has(value)) this.taintedColumns.add(name);
    return carries;
  }

  private bind(node: SqlNode): void {
    const alias = text(child(node, 'alias'), 'aliasname');
    switch (node.tag) {
      case 'RangeVar': {
        const name = text(node, 'relname') ?? '';
        const tainted = this.isTaintedRelation(node);
        push(this.bindings, alias ?? name, { tainted, columns: this.columnsOf(node) });
        return;
      }
      case 'RangeSubselect':
      case 'RangeFunction':
      case 'RangeTableFunc':
      case 'JsonTable':
      case 'JoinExpr':
        if (alias !== null) push(this.bindings, alias, { tainted: this.isTaintedItem(node), columns: this.columnsOf(node) });
        for (const name of [text(child(node, 'join_using_alias'), 'aliasname')])
          if (name !== null) push(this.bindings, name, { tainted: this.isTaintedItem(node), columns: null });
        if (node.tag === 'RangeFunction' && alias === null) {
          for (const call of childrenOf(node).flatMap((item) => list(item, 'items')))
            if (call.tag === 'FuncCall')
              push(this.bindings, names(list(call, 'funcname')).at(-1) ?? '', { tainted: this.isTaintedItem(node), columns: null });
        }
        return;
      default:
    }
  }

  /** Output column names of a FROM item; null when they are not known, as for a CTE that reads itself. */
  private columnsOf(node: SqlNode): ReadonlySet<string> | null {
    const known = this.columns.get(node);
    if (known !== undefined) return known;
    this.columns.set(node, null);
    const columns = this.findColumns(node);
    this.columns.set(node, columns);
    return columns;
  }

  private findColumns(node: SqlNode): ReadonlySet<string> | null {
    this.step();
    if (list(child(node, 'alias'), 'colnames').length > 0) return null;
    switch (node.tag) {
      case 'RangeVar': {
        const name = text(node, 'relname') ?? '';
        const ctes = text(node, 'schemaname') === null ? (this.ctes.get(name) ?? []) : [];
        const known = [
          ...ctes.map((cte) => (list(cte, 'aliascolnames').length > 0 ? null : this.outputsOf(child(cte, 'ctequery')))),
          ...(this.catalog.relationsByName.get(name) ?? []).map((relation) => new Set(relation.columns.map((column) => column.name))),
        ];
        return intersection(known);
      }
      case 'RangeSubselect':
        return this.outputsOf(child(node, 'subquery'));
      case 'JoinExpr':
        return union([child(node, 'larg'), child(node, 'rarg')].map((side) => (side === null ? null : this.columnsOf(side))));
      default:
        return null;
    }
  }

  private outputsOf(query: SqlNode | null): ReadonlySet<string> | null {
    if (query === null || query.tag !== 'SelectStmt') return null;
    const left = child(query, 'larg');
    if (left !== null) return this.outputsOf(left);
    const outputs: (ReadonlySet<string> | null)[] = [];
    for (const target of list(query, 'targetList')) {
      const name = text(target, 'name') ?? outputName(child(target, 'val'));
      if (name === '*') outputs.push(...list(query, 'fromClause').map((item) => this.columnsOf(item)));
      else if (name === null) outputs.push(null);
      else outputs.push(new Set([name]));
    }
    return union(outputs);
  }

  /** `blocks` are the SELECTs around a node, innermost last. */
  private visit(node: SqlNode, blocks: readonly SqlNode[]): void {
    this.step();
    switch (node.tag) {
      case 'ColumnRef':
        this.visitColumn(node, blocks, null);
        return;
      case 'LockingClause':
        return;
      case 'SelectStmt':
      case 'InsertStmt':
      case 'UpdateStmt':
      case 'DeleteStmt':
      case 'MergeStmt':
        this.visitBlock(node, blocks);
        return;
      case 'JoinExpr':
        if (flag(node, 'isNatural') && this.isTaintedItem(node)) this.add(node, 'NATURAL join', '*');
        for (const column of list(node, 'usingClause')) {
          const name = text(column, 'sval') ?? '';
          if (this.taintedColumns.has(name) && this.isTaintedItem(node)) this.add(column, 'USING', name);
        }
        break;
      case 'CopyStmt': {
        const relation = child(node, 'relation');
        const columns = names(list(node, 'attlist'));
        const named = columns.length === 0 || columns.some((column) => this.taintedColumns.has(column) || this.isStrange(column));
        if (!flag(node, 'is_from') && relation !== null && this.isTaintedRelation(relation) && named)
          this.add(node, 'COPY', columns.join(', ') || '*');
        break;
      }
      case 'A_Indirection':
        for (const field of list(node, 'indirection'))
          if (field.tag === 'String' && this.taintedColumns.has(text(field, 'sval') ?? ''))
            this.add(node, 'column', text(field, 'sval') ?? '');
        break;
      case 'CommonTableExpr':
        if (list(node, 'aliascolnames').length > 0 && this.carriers.has(node)) this.add(node, 'column alias list', '*');
        break;
      default:
    }
    const alias = child(node, 'alias');
    if (alias !== null && list(alias, 'colnames').length > 0 && node.tag !== 'InsertStmt' && this.isTaintedItem(node))
      this.add(alias, 'column alias list', '*');
    for (const item of childrenOf(node)) this.visit(item, blocks);
  }

  /** In an output list a bare `*` means the statement's own FROM items, nothing further out. */
  private visitBlock(node: SqlNode, blocks: readonly SqlNode[]): void {
    const inner = [...blocks, node];
    const outputs = new Set([
      ...(node.tag === 'SelectStmt' ? list(node, 'targetList') : []),
      ...list(child(node, 'returningClause'), 'exprs'),
    ]);
    for (const target of outputs) {
      const value = child(target, 'val');
      if (value?.tag === 'ColumnRef') this.visitColumn(value, inner, node);
      else this.visit(target, inner);
    }
    for (const item of childrenOf(node)) {
      if (outputs.has(item)) continue;
      if (item.tag === 'ReturningClause') for (const option of list(item, 'options')) this.visit(option, inner);
      else this.visit(item, inner);
    }
  }

  private visitColumn(node: SqlNode, blocks: readonly SqlNode[], starOf: SqlNode | null): void {
    const fields = list(node, 'fields');
    const path = names(fields);
    if (fields.at(-1)?.tag === 'A_Star') {
      const qualifier = path.at(-1);
      const tainted =
        qualifier === undefined
          ? starOf === null || sourcesOf(starOf).some((item) => this.isTaintedItem(item))
          : this.mayBeTainted(qualifier);
      if (tainted) this.add(node, 'star', '*');
      return;
    }
    const name = path.at(-1) ?? '';
    const qualifier = path.at(-2);
    if (qualifier === undefined) {
      if (this.isOutOfReach(blocks)) return;
      if (this.taintedColumns.has(name)) this.add(node, 'column', name);
      else if (this.isTaintedName(name)) this.add(node, 'whole row', name);
      else if (this.isStrange(name)) this.add(node, 'column', name);
      return;
    }
    if (!this.bindings.has(qualifier) && this.isTaintedName(name)) {
      this.add(node, 'whole row', name);
      return;
    }
    if (!this.mayBeTainted(qualifier)) return;
    if (this.taintedColumns.has(name)) this.add(node, 'column', name);
    else if (this.isFunctionNotation(qualifier, name)) this.add(node, 'whole row', `${qualifier}.${name}`);
    else if (this.isStrange(name)) this.add(node, 'column', name);
  }

  /** A name that nothing in the statement has, as far as the catalog knows: it may be a masked column that was renamed a moment ago. */
  private isStrange(name: string): boolean {
    return !this.familiar.has(name) && !this.bindings.has(name) && !SYSTEM_COLUMNS.has(name);
  }

  /** An unknown qualifier may be anything: a schema, OLD, EXCLUDED. */
  private mayBeTainted(qualifier: string): boolean {
    return this.bindings.get(qualifier)?.some((binding) => binding.tainted) ?? true;
  }

  private isTaintedName(name: string): boolean {
    return this.bindings.get(name)?.some((binding) => binding.tainted) ?? false;
  }

  /** `c.whole` calls whole(c) when c has no such column: any function that takes a row sees all of it. */
  private isFunctionNotation(qualifier: string, name: string): boolean {
    if (SYSTEM_COLUMNS.has(name)) return false;
    const functions = this.catalog.functions.get(name) ?? [];
    const takesRows = COMPOSITE_FUNCTIONS.has(name) || functions.some((item) => item.schema !== 'pg_catalog');
    if (!takesRows) return false;
    const bindings = this.bindings.get(qualifier) ?? [];
    return bindings.some((binding) => binding.tainted && !(binding.columns?.has(name) ?? false));
  }

  /** An unqualified name is a column of a SELECT around it. Which one is not asked: temporary tables may shadow what the catalog shows. */
  private isOutOfReach(blocks: readonly SqlNode[]): boolean {
    return blocks.length > 0 && !blocks.some((block) => sourcesOf(block).some((item) => this.isTaintedItem(item)));
  }

  private add(node: SqlNode, kind: MentionKind, name: string): void {
    if (!this.mentions.has(node)) this.mentions.set(node, { node, kind, name });
  }
}

/** The FROM items of a SELECT, or the relations an INSERT, UPDATE, DELETE or MERGE has in scope. */
export function sourcesOf(block: SqlNode): readonly SqlNode[] {
  const one = [child(block, 'relation'), child(block, 'sourceRelation')].filter((item) => item !== null);
  return [...one, ...list(block, 'fromClause'), ...list(block, 'usingClause')];
}

/** The name PostgreSQL gives an output column without AS; `*` for a star; null where it is not worth knowing. */
export function outputName(value: SqlNode | null): string | null {
  if (value?.tag === 'FuncCall') return names(list(value, 'funcname')).at(-1) ?? null;
  if (value?.tag !== 'ColumnRef') return null;
  const last = list(value, 'fields').at(-1);
  return last?.tag === 'A_Star' ? '*' : text(last ?? null, 'sval');
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, [value]);
  else values.push(value);
}

function union(sets: readonly (ReadonlySet<string> | null)[]): ReadonlySet<string> | null {
  const all = new Set<string>();
  for (const set of sets) for (const name of set ?? []) all.add(name);
  return sets.length === 0 ? null : all;
}

function intersection(sets: readonly (ReadonlySet<string> | null)[]): ReadonlySet<string> | null {
  const [first, ...rest] = sets;
  if (first === undefined || first === null) return null;
  return new Set([...first].filter((name) => rest.every((set) => set?.has(name) ?? false)));
}
