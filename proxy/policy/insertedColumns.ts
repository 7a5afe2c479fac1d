import type { Relation } from '../catalog/types';
import { child, list, type SqlNode, text } from '../sql/tree';
import type { RelationName } from '../sql/types';

/**
 * The columns that an INSERT, or one of MERGE, stores into without naming them: those of its table from the first on, as many as there are
 * values. The server fills generated ones itself.
 */
export function insertedColumns(node: SqlNode, candidates: (use: RelationName) => readonly Relation[]): string[] {
  if (node.tag === 'InsertStmt' && list(node, 'cols').length === 0) {
    const query = child(node, 'selectStmt');
    return query === null ? [] : first(width(query), child(node, 'relation'), candidates);
  }
  if (node.tag !== 'MergeStmt') return [];
  const inserts = list(node, 'mergeWhenClauses').filter(
    (clause) => text(clause, 'commandType') === 'CMD_INSERT' && list(clause, 'targetList').length === 0,
  );
  return inserts.flatMap((clause) => first(list(clause, 'values').length, child(node, 'relation'), candidates));
}

function first(count: number, relation: SqlNode | null, candidates: (use: RelationName) => readonly Relation[]): string[] {
  const name = text(relation, 'relname');
  if (name === null) return [];
  return candidates({ schema: text(relation, 'schemaname'), name, access: 'write' }).flatMap(({ columns }) =>
    columns
      .slice(0, count)
      .filter(({ generated }) => generated === null)
      .map((column) => column.name),
  );
}

/** How many columns a query gives. A star counts as one: where there is one, every column counts as named. */
function width(query: SqlNode): number {
  const left = child(query, 'larg');
  if (left !== null) return width(left);
  const [row] = list(query, 'valuesLists');
  return row === undefined ? list(query, 'targetList').length : list(row, 'items').length;
}
