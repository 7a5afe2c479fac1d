import { child, childrenOf, flag, list, names, type SqlNode, text } from '../../sql/tree';

/** One place where a statement names a relation. */
export interface Reference {
  /** The RangeVar. */
  node: SqlNode;
  /** Why no sub-select can stand in its place; null when one can. */
  obstacle: string | null;
}

/** A column as it is written: `a`, `t.a`, `s.t.a`. */
export interface ColumnReference {
  node: SqlNode;
  names: readonly string[];
}

export interface References {
  relations: readonly Reference[];
  columns: readonly ColumnReference[];
}

/** What holds for the place a node stands in. */
interface Place {
  /** Whether a name of a WITH is in scope. */
  isCte(name: string): boolean;
  /** Set where a sub-select cannot stand, or must not be rewritten. */
  obstacle: string | null;
}

const TARGETS: Readonly<Record<string, string>> = {
  InsertStmt: 'it is the target of INSERT',
  UpdateStmt: 'it is the target of UPDATE',
  DeleteStmt: 'it is the target of DELETE',
  MergeStmt: 'it is the target of MERGE',
  CopyStmt: 'COPY names it as a table; use COPY (SELECT …)',
};
/** Definitions are other people's too. */
const DEFINITIONS: ReadonlySet<string> = new Set(['ViewStmt', 'RuleStmt', 'CreateFunctionStmt', 'CreatePolicyStmt', 'CreateStatsStmt']);
/** Fields of a statement whose relations are read as those of FROM. */
const SOURCES: readonly string[] = ['fromClause', 'usingClause', 'sourceRelation'];

/** Every relation a statement names that is no name of a WITH, and every column as it is written. Pure. */
export function referencesOf(root: SqlNode): References {
  const relations: Reference[] = [];
  const columns: ColumnReference[] = [];

  const visit = (node: SqlNode, place: Place): void => {
    switch (node.tag) {
      case 'RangeVar':
        relations.push({ node, obstacle: place.obstacle ?? 'it stands where no sub-select can' });
        return;
      case 'ColumnRef':
        columns.push({ node, names: names(list(node, 'fields')) });
        break;
      case 'LockingClause':
        // What it names are aliases.
        return;
      case 'SelectStmt':
      case 'InsertStmt':
      case 'UpdateStmt':
      case 'DeleteStmt':
      case 'MergeStmt':
        return statement(node, place);
      case 'CopyStmt':
        return rest(node, { ...place, obstacle: TARGETS.CopyStmt ?? null }, ['query'], place);
      case 'CreateTableAsStmt': {
        const kept =
          text(node, 'objtype') === 'OBJECT_TABLE' ? place : { ...place, obstacle: 'the query would be kept as it is rewritten' };
        return rest(node, kept, ['into']);
      }
      default:
        if (DEFINITIONS.has(node.tag))
          return rest(node, { ...place, obstacle: 'the definition would be kept as it is rewritten' }, ['view', 'relation', 'table']);
    }
    for (const item of childrenOf(node)) visit(item, place);
  };

  /** Visits all but some fields, and those by another place when one is given. */
  const rest = (node: SqlNode, place: Place, fields: readonly string[], fieldPlace: Place | null = null): void => {
    const special = new Set(fields.flatMap((field) => [child(node, field) ?? [], list(node, field)].flat()));
    for (const item of childrenOf(node)) if (!special.has(item)) visit(item, place);
    if (fieldPlace !== null) for (const item of special) visit(item, fieldPlace);
  };

  const statement = (node: SqlNode, outer: Place): void => {
    const withClause = child(node, 'withClause');
    const place = { ...outer, isCte: withClause === null ? outer.isCte : declare(withClause, outer) };
    const target = child(node, 'relation');
    if (target !== null) relations.push({ node: target, obstacle: TARGETS[node.tag] ?? null });
    for (const field of SOURCES)
      for (const item of [child(node, field) ?? [], list(node, field)].flat()) source(item, place, locks(node, place.obstacle));
    rest(node, place, ['withClause', 'relation', 'intoClause', 'lockingClause', ...SOURCES]);
    for (const item of list(node, 'lockingClause')) visit(item, place);
  };

  /** A name is in scope of what follows it; of WITH RECURSIVE in all of it. */
  const declare = (withClause: SqlNode, outer: Place): Place['isCte'] => {
    const ctes = list(withClause, 'ctes');
    const order = new Map(ctes.map((cte, index) => [text(cte, 'ctename') ?? '', index]));
    const all = (name: string) => order.has(name) || outer.isCte(name);
    for (const [index, cte] of ctes.entries()) {
      const earlier = (name: string) => (order.get(name) ?? index) < index || outer.isCte(name);
      visit(cte, { ...outer, isCte: flag(withClause, 'recursive') ? all : earlier });
    }
    return all;
  };

  /** An item of FROM. `obstacle` says of an alias what stands in the way of it; of null, of all. */
  const source = (node: SqlNode, place: Place, obstacle: (alias: string | null) => string | null): void => {
    switch (node.tag) {
      case 'RangeVar': {
        const name = text(node, 'relname') ?? '';
        if (text(node, 'schemaname') === null && place.isCte(name)) return;
        const database = text(node, 'catalogname') === null ? null : 'it is named with its database';
        relations.push({ node, obstacle: obstacle(aliasOf(node) ?? name) ?? database });
        return;
      }
      case 'JoinExpr': {
        const alias = aliasOf(node);
        const inner = alias === null ? obstacle : () => obstacle(alias);
        for (const field of ['larg', 'rarg']) {
          const side = child(node, field);
          if (side !== null) source(side, place, inner);
        }
        return rest(node, place, ['larg', 'rarg']);
      }
      case 'RangeSubselect':
        // A lock on a sub-select is one on what it reads.
        return rest(node, { ...place, obstacle: obstacle(aliasOf(node)) ?? place.obstacle }, []);
      case 'RangeTableSample': {
        const sampled = child(node, 'relation');
        if (sampled !== null) source(sampled, place, () => 'TABLESAMPLE takes no sub-select');
        return rest(node, place, ['relation']);
      }
      default:
        return visit(node, place);
    }
  };

  visit(root, { isCte: () => false, obstacle: null });
  return { relations, columns };
}

export const aliasOf = (node: SqlNode): string | null => text(child(node, 'alias'), 'aliasname');

/** Row locks of a SELECT, by the alias they name; without names they take all. */
function locks(node: SqlNode, outer: string | null): (alias: string | null) => string | null {
  const clauses = list(node, 'lockingClause').map((clause) => new Set(list(clause, 'lockedRels').map((item) => text(item, 'relname'))));
  return (alias) => {
    const locked = clauses.some((named) => named.size === 0 || named.has(alias));
    return locked ? 'its rows are locked (FOR UPDATE or FOR SHARE)' : outer;
  };
}
