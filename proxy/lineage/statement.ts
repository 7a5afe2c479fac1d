import type { CatalogSnapshot } from '../catalog/types';
import { child, flag, list, names, type SqlNode } from '../sql/tree';
import { Analysis, type Hazard, type Use, type Write } from './analysis';
import { changeColumns } from './change';
import { predicate } from './predicate';
import { queryColumns } from './query';
import { columnsOfRelation, relationItem, relationNamed } from './relation';
import { newScope, type ScopeColumn, UnresolvedError } from './scope';
import type { Value } from './value';

/** Where everything that one statement gives, compares and stores comes from. */
export interface StatementLineage {
  /** Its output columns in order; empty when it returns no rows. */
  columns: readonly ScopeColumn[];
  uses: readonly Use[];
  writes: readonly Write[];
  hazards: readonly Hazard[];
  /** Its output is stored under a name and not returned: a new table, a view. */
  stored: readonly Value[];
  /** User-defined code that it calls and that is not followed, in words: functions, operators. What that reads is not in any of the above. */
  opaque: readonly string[];
}

/**
 * Works out the lineage of one statement. Pure.
 * @param searchPath the schemas that unqualified names are looked up in, null when they are not known
 * @throws UnresolvedError when it cannot be told, SqlTooComplexError when it would take too long
 */
export function lineageOf(root: SqlNode, catalog: CatalogSnapshot, searchPath: readonly string[] | null): StatementLineage {
  const analysis = new Analysis(catalog, searchPath);
  const { columns, stored } = statement(analysis, root);
  const { writes, hazards, opaque } = analysis;
  return { columns, stored, uses: analysis.uses(), writes, hazards, opaque: [...opaque] };
}

const TOP = { scope: null, ctes: null };

function statement(analysis: Analysis, node: SqlNode): Pick<StatementLineage, 'columns' | 'stored'> {
  switch (node.tag) {
    case 'SelectStmt': {
      const columns = queryColumns(analysis, node, TOP);
      return intoOf(node) === null ? { columns, stored: [] } : { columns: [], stored: columns.map((column) => column.value) };
    }
    case 'InsertStmt':
    case 'UpdateStmt':
    case 'DeleteStmt':
    case 'MergeStmt':
      return { columns: changeColumns(analysis, node, TOP), stored: [] };
    case 'ExplainStmt': {
      const inner = statement(analysis, query(node));
      // A plan: one column of text that shows no values, as long as no masked column is compared with anything.
      return { columns: [], stored: inner.stored };
    }
    case 'PrepareStmt':
    case 'DeclareCursorStmt':
      return statement(analysis, query(node));
    case 'CreateTableAsStmt':
    case 'ViewStmt': {
      const inner = statement(analysis, query(node));
      return { columns: [], stored: [...inner.stored, ...inner.columns.map((column) => column.value)] };
    }
    case 'CopyStmt':
      return copy(analysis, node);
    default:
      throw new UnresolvedError(`${node.tag} is not followed`, node);
  }
}

function query(node: SqlNode): SqlNode {
  const inner = child(node, 'query');
  if (inner === null) throw new UnresolvedError(`${node.tag} without a query`, node);
  return inner;
}

/** Of a set operation the leftmost SELECT has it. */
function intoOf(node: SqlNode): SqlNode | null {
  for (let at: SqlNode | null = node; at !== null; at = child(at, 'larg')) {
    const into = child(at, 'intoClause');
    if (into !== null) return into;
  }
  return null;
}

function copy(analysis: Analysis, node: SqlNode): Pick<StatementLineage, 'columns' | 'stored'> {
  const inner = child(node, 'query');
  if (inner !== null) return statement(analysis, inner);
  const target = child(node, 'relation');
  if (target === null) throw new UnresolvedError('COPY of nothing', node);
  const relation = relationNamed(analysis, target);
  if (flag(node, 'is_from')) {
    const scope = newScope(null, [relationItem(analysis, target, relation, null)]);
    predicate({ analysis, scope, ctes: null }, child(node, 'whereClause'), 'WHERE');
    return { columns: [], stored: [] };
  }
  if (relation === null) throw new UnresolvedError('COPY of a relation that is not in the catalog', node);
  const columns = columnsOfRelation(analysis, relation).filter((_, index) => relation.columns[index]?.generated === null);
  const listed = names(list(node, 'attlist'));
  if (listed.length === 0) return { columns, stored: [] };
  const all = columnsOfRelation(analysis, relation);
  return {
    columns: listed.map((name) => {
      const found = all.find((column) => column.name === name);
      if (found === undefined) throw new UnresolvedError(`column ${name} is not known`, node);
      return found;
    }),
    stored: [],
  };
}
