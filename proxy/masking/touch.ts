import type { Inference } from '../../db/schema/shapes';
import type { CatalogSnapshot } from '../catalog/types';
import type { ParsedStatement } from '../sql/parse';
import { child, childrenOf, flag, list, names, type SqlNode, text } from '../sql/tree';
import type { StatementFacts } from '../sql/types';
import type { MaskIndex } from './columns';
import { findMentions, type Mention } from './mentions';
import { permittedMentions } from './permitted';
import { SENSITIVE_CATALOGS } from './sensitive';
import { strictestInference } from './strictest';
import type { ColumnMask, Touch } from './types';

/** Statements that read through SELECT and friends: what they do with a tainted column is decided mention by mention. */
const READS: ReadonlySet<string> = new Set([
  'SelectStmt',
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'MergeStmt',
  'ExplainStmt',
  'PrepareStmt',
  'CopyStmt',
]);
/** Statements that store a query or its result: a mention in them would carry values to where no mask is. */
const STORES: ReadonlySet<string> = new Set(['CreateTableAsStmt', 'ViewStmt', 'DeclareCursorStmt', 'CreateFunctionStmt']);
/** Statements about a tainted relation that move no values and leave every mask in place; their messages may still quote rows. */
const HARMLESS: ReadonlySet<string> = new Set([
  ...['DropStmt', 'TruncateStmt', 'LockStmt', 'VacuumStmt', 'ClusterStmt', 'ReindexStmt', 'RefreshMatViewStmt', 'GrantStmt'],
  ...['CommentStmt', 'AlterOwnerStmt', 'AlterSeqStmt', 'SecLabelStmt', 'ConstraintsSetStmt', 'TransactionStmt'],
]);

/**
 * How a statement meets masked columns. `clean` is proved by names alone. `resolved` means that every
 * mention is a plain output column or a predicate that the column's inference mode lets through, so RowDescription names each masked
 * value's origin; statements that write a tainted relation are resolved too, because errors and RETURNING may quote its rows.
 * Everything else is `unresolved`, with the column and the construct.
 */
export function touchOf(parsed: ParsedStatement, facts: StatementFacts, masks: MaskIndex, catalog: CatalogSnapshot): Touch {
  if (masks.empty) return { state: 'clean' };
  const sensitive = facts.relations.find(
    (relation) =>
      (SENSITIVE_CATALOGS.has(relation.name) && isSystemName(relation.schema)) ||
      relation.schema === 'pg_toast' ||
      relation.name.startsWith('pg_toast_'),
  );
  if (sensitive !== undefined) {
    return { state: 'unresolved', reason: `${sensitive.name} can show values of masked columns`, columns: [] };
  }
  const touched = facts.relations.filter((relation) => masks.taintedRelations.has(relation.name));
  const mentions = findMentions(parsed.node, masks.taintedRelations, catalog);
  const columns = columnNames(mentions, facts, masks);
  const tag = parsed.node.tag;
  const explained = tag === 'ExplainStmt' ? child(parsed.node, 'query') : null;
  const storing = explained !== null && STORES.has(explained.tag) ? explained : parsed.node;
  if (STORES.has(storing.tag))
    return storesTouch(
      storing,
      mentions,
      touched.some((relation) => relation.access === 'write'),
      columns,
    );
  if (!READS.has(tag)) {
    if (touched.length === 0 && mentions.length === 0) return { state: 'clean' };
    if (HARMLESS.has(tag)) return { state: 'resolved', columns: [] };
    return { state: 'unresolved', reason: `${facts.kind} on a relation with masked columns could move them past their mask`, columns };
  }
  return readsTouch(
    parsed.node,
    mentions,
    touched.some((relation) => relation.access === 'write'),
    columns,
    facts,
    masks,
  );
}

function storesTouch(root: SqlNode, mentions: readonly Mention[], writes: boolean, columns: readonly string[]): Touch {
  if (child(root, 'query')?.tag === 'ExecuteStmt') {
    return { state: 'unresolved', reason: 'what a prepared statement reads would be stored where no mask covers it', columns };
  }
  const [first] = mentions;
  if (first !== undefined) return { state: 'unresolved', reason: describe(first, root, columns), columns };
  return writes ? { state: 'unresolved', reason: 'it replaces a relation with masked columns', columns } : { state: 'clean' };
}

function readsTouch(
  root: SqlNode,
  mentions: readonly Mention[],
  writes: boolean,
  columns: readonly string[],
  facts: StatementFacts,
  masks: MaskIndex,
): Touch {
  if (writes && replacesRows(root)) {
    return { state: 'unresolved', reason: 'ON CONFLICT DO UPDATE on a relation with masked columns reads the row that is there', columns };
  }
  if (writes && root.tag === 'CopyStmt' && !flag(root, 'is_from')) {
    return { state: 'unresolved', reason: 'COPY of rows that a change of a relation with masked columns returns', columns };
  }
  if (mentions.length === 0) return writes ? { state: 'resolved', columns: [] } : { state: 'clean' };
  const byNode = new Map(mentions.map((mention) => [mention.node, mention]));
  const permitted = permittedMentions(root, {
    mentions: byNode,
    inferenceOf: (mention) => inferenceOf(mention, facts, masks),
    predicates: true,
  });
  const refused = mentions.find((mention) => !permitted.has(mention.node));
  if (refused !== undefined) return { state: 'unresolved', reason: describe(refused, root, columns), columns };
  return { state: 'resolved', columns };
}

function isSystemName(schema: string | null): boolean {
  return schema === null || schema === 'pg_catalog' || schema === 'information_schema' || schema === 'public';
}

function replacesRows(root: SqlNode): boolean {
  if (root.tag === 'InsertStmt' && text(child(root, 'onConflictClause'), 'action') === 'ONCONFLICT_UPDATE') return true;
  return childrenOf(root).some(replacesRows);
}

function masksBehind(mention: Mention, facts: StatementFacts, masks: MaskIndex): ColumnMask[] {
  const relations = facts.relations.flatMap((relation) => {
    const columns = masks.taintedRelations.get(relation.name);
    return columns === undefined ? [] : [columns];
  });
  const named = relations.flatMap((columns) => columns.get(mention.name) ?? []);
  return named.length > 0 ? named : relations.flatMap((columns) => [...columns.values()]);
}

function inferenceOf(mention: Mention, facts: StatementFacts, masks: MaskIndex): Inference {
  return masksBehind(mention, facts, masks).reduce<Inference>((narrowest, mask) => strictestInference(narrowest, mask.inference), 'open');
}

function columnNames(mentions: readonly Mention[], facts: StatementFacts, masks: MaskIndex): string[] {
  return [...new Set(mentions.flatMap((mention) => masksBehind(mention, facts, masks).map((mask) => mask.column)))].sort();
}

/** One sentence: which column, used how. */
function describe(mention: Mention, root: SqlNode, columns: readonly string[]): string {
  const what =
    mention.kind === 'column'
      ? (columns.find((column) => column.endsWith(`.${mention.name}`)) ?? mention.name)
      : columns.slice(0, 3).join(', ');
  return `masked ${columns.length > 1 && mention.kind !== 'column' ? 'columns' : 'column'} ${what || mention.name} would leave through ${construct(mention, root)}`;
}

function construct(mention: Mention, root: SqlNode): string {
  if (mention.kind === 'whole row') return 'a whole-row reference';
  if (mention.kind === 'column alias list') return 'a column alias list';
  if (mention.kind === 'NATURAL join' || mention.kind === 'USING') return `a ${mention.kind === 'USING' ? 'USING join' : mention.kind}`;
  if (mention.kind === 'COPY') return 'COPY';
  for (const node of pathTo(root, mention.node).reverse()) {
    const name = constructName(node);
    if (name !== null) return name;
  }
  return 'an expression';
}

function constructName(node: SqlNode): string | null {
  switch (node.tag) {
    case 'FuncCall':
      return `function ${names(list(node, 'funcname')).at(-1) ?? ''}()`;
    case 'A_Expr':
      return `operator ${names(list(node, 'name')).at(-1) ?? ''}`;
    case 'TypeCast':
      return 'a cast';
    case 'SubLink':
      return 'a sub-select';
    case 'CaseExpr':
      return 'CASE';
    case 'CoalesceExpr':
      return 'COALESCE';
    case 'RowExpr':
      return 'a row value';
    case 'A_ArrayExpr':
      return 'an array';
    case 'A_Indirection':
      return 'a field or subscript';
    case 'SortBy':
      return 'ORDER BY';
    case 'WindowDef':
      return 'a window';
    case 'CommonTableExpr':
      return 'a common table expression';
    case 'CopyStmt':
      return 'COPY';
    case 'CreateTableAsStmt':
    case 'IntoClause':
      return 'a new table';
    case 'ViewStmt':
      return 'a new view';
    case 'DeclareCursorStmt':
      return 'a cursor';
    case 'ExplainStmt':
      return 'EXPLAIN';
    case 'UpdateStmt':
      return 'UPDATE';
    case 'InsertStmt':
      return 'INSERT';
    case 'MergeStmt':
      return 'MERGE';
    case 'SelectStmt':
      if (text(node, 'op') !== 'SETOP_NONE') return 'a set operation';
      if (list(node, 'groupClause').length > 0) return 'GROUP BY';
      return list(node, 'distinctClause').length > 0 ? 'DISTINCT' : null;
    default:
      return node.tag.startsWith('Json') || node.tag.startsWith('Xml') ? 'a document constructor' : null;
  }
}

function pathTo(root: SqlNode, node: SqlNode): SqlNode[] {
  if (root === node) return [];
  for (const item of childrenOf(root)) {
    if (item === node) return [root];
    const path = pathTo(item, node);
    if (path.length > 0) return [root, ...path];
  }
  return [];
}
