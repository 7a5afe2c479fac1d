import type { CatalogSnapshot } from '../catalog/types';
import { calledBodies } from '../lineage/called';
import { UnresolvedError } from '../lineage/scope';
import { lineageOf, type StatementLineage } from '../lineage/statement';
import type { ParsedStatement } from '../sql/parse';
import { child, flag, type SqlNode } from '../sql/tree';
import type { TextFacts } from '../sql/types';
import type { MaskIndex } from './columns';
import { copyOptionsOf } from './copy/options';
import { copyProblem } from './copyPlan';
import { outputMask, type Problem, problemOfHazards, problemOfUses, problemOfWrites } from './exposure';
import { findMentions, type Mention } from './mentions';
import { SENSITIVE_CATALOGS } from './sensitive';
import type { ExpectedOutput, Touch } from './types';

/** Statements whose lineage is followed. */
const FOLLOWED: ReadonlySet<string> = new Set([
  ...['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt', 'ExplainStmt', 'PrepareStmt', 'CopyStmt'],
  ...['CreateTableAsStmt', 'ViewStmt', 'DeclareCursorStmt'],
]);
/** Statements about a tainted relation that move no values and leave every mask in place; their messages may still quote rows. */
const HARMLESS: ReadonlySet<string> = new Set([
  ...['DropStmt', 'TruncateStmt', 'LockStmt', 'VacuumStmt', 'ClusterStmt', 'ReindexStmt', 'RefreshMatViewStmt', 'GrantStmt'],
  ...['CommentStmt', 'AlterOwnerStmt', 'AlterSeqStmt', 'SecLabelStmt', 'ConstraintsSetStmt', 'TransactionStmt'],
]);

/**
 * How a statement meets masked columns. `clean` is proved by names alone, whatever the search_path. What touches is followed: `resolved` when
 * the lineage of every output is known and nothing masked decides or is stored where its rule forbids; else `unresolved`, with the column
 * and the construct.
 * @param searchPath the schemas unqualified names are looked up in; null when they are not known
 * @param follow what names would clear is followed too
 */
export function touchOf(
  parsed: ParsedStatement,
  facts: TextFacts,
  masks: MaskIndex,
  catalog: CatalogSnapshot,
  searchPath: readonly string[] | null,
  follow = false,
): Touch {
  if (masks.empty) return { state: 'clean' };
  const sensitive = facts.relations.find(
    (relation) =>
      (SENSITIVE_CATALOGS.has(relation.name) && isSystemName(relation.schema)) ||
      relation.schema === 'pg_toast' ||
      relation.name.startsWith('pg_toast_'),
  );
  if (sensitive !== undefined) {
    const reason = `${sensitive.name} can show values of masked columns`;
    return { state: 'unresolved', reason, columns: [], cause: { kind: 'system relation' } };
  }
  const { node } = parsed;
  const trees = [node, ...calledBodies(node, catalog)];
  const mentions = trees.flatMap((tree) => findMentions(tree, masks.taintedRelations, catalog));
  const writes = facts.relations.some((relation) => relation.access === 'write' && masks.taintedRelations.has(relation.name));
  const named = facts.relations.some((relation) => masks.taintedRelations.has(relation.name));
  const columns = columnNames(mentions, facts, masks);
  if (!FOLLOWED.has(node.tag)) {
    if (!named && mentions.length === 0) return { state: 'clean' };
    if (HARMLESS.has(node.tag)) return { state: 'resolved', columns: [], outputs: [], copy: null };
    return { state: 'unresolved', reason: `${facts.kind} on a relation with masked columns could move them past their mask`, columns };
  }
  const stores = storing(node);
  if (stores !== null && child(stores, 'query')?.tag === 'ExecuteStmt')
    return { state: 'unresolved', reason: 'what a prepared statement reads would be stored where no mask covers it', columns };
  if (stores !== null && writes) return { state: 'unresolved', reason: 'it replaces a relation with masked columns', columns };
  if (!follow && mentions.length === 0 && !writes) return { state: 'clean' };
  const past = facts.relations.find(({ name }) => masks.taintedRelations.has(name) && !catalog.relationsByName.has(name));
  if (past !== undefined)
    return {
      state: 'unresolved',
      reason: `${past.name} was the name of a relation with masked columns, and is none now`,
      columns,
      unfollowed: true,
    };
  return followed(node, masks, { catalog, searchPath, columns });
}

/** The CREATE TABLE AS or CREATE VIEW that a statement is or explains. */
function storing(node: SqlNode): SqlNode | null {
  const inner = node.tag === 'ExplainStmt' ? child(node, 'query') : node;
  return inner?.tag === 'CreateTableAsStmt' || inner?.tag === 'ViewStmt' ? inner : null;
}

interface Followed {
  catalog: CatalogSnapshot;
  searchPath: readonly string[] | null;
  columns: readonly string[];
}

function followed(node: SqlNode, masks: MaskIndex, { catalog, searchPath, columns }: Followed): Touch {
  let lineage: StatementLineage;
  try {
    lineage = lineageOf(node, catalog, searchPath);
  } catch (error) {
    if (!(error instanceof UnresolvedError)) throw error;
    const what = columns.length === 0 ? 'it changes a relation with masked columns' : `it may read masked ${listed(columns)}`;
    return {
      state: 'unresolved',
      reason: `${what}, and ${error.reason}`,
      columns,
      unfollowed: true,
      cause: { kind: 'untraced', why: error.reason },
    };
  }
  const explained = node.tag === 'ExplainStmt';
  const problem: Problem | null =
    problemOfUses(lineage.uses, masks.byOrigin, explained) ??
    problemOfWrites(lineage.writes, lineage.stored, masks.byOrigin) ??
    problemOfHazards(lineage.hazards, masks.byOrigin);
  if (problem !== null) return { state: 'unresolved', ...problem };
  const outputs = lineage.columns.map(({ name, value }): ExpectedOutput => {
    return { name, typeOid: value.typeOid, mask: outputMask(value, masks.byOrigin), origins: new Set(value.sources.keys()) };
  });
  const masked = [...new Set(outputs.flatMap((output) => output.mask?.columns ?? []))].sort();
  const copy = node.tag === 'CopyStmt' && !flag(node, 'is_from') ? copyOptionsOf(node) : null;
  const unmaskable = copy === null ? null : copy.state === 'unknown' ? copy.problem : copyProblem(copy.options, outputs);
  if (unmaskable !== null && masked.length > 0)
    return { state: 'unresolved', reason: `masked ${listed(masked)} would leave through COPY. ${unmaskable}`, columns: masked };
  return { state: 'resolved', columns: masked, outputs: explained ? null : outputs, copy: copy?.state === 'known' ? copy.options : null };
}

const listed = (columns: readonly string[]) => `column${columns.length > 1 ? 's' : ''} ${columns.slice(0, 3).join(', ')}`;

function isSystemName(schema: string | null): boolean {
  return schema === null || schema === 'pg_catalog' || schema === 'information_schema' || schema === 'public';
}

/** What the mentions may mean, for words and for the record. */
function columnNames(mentions: readonly Mention[], facts: TextFacts, masks: MaskIndex): string[] {
  const relations = facts.relations.flatMap((relation) => masks.taintedRelations.get(relation.name) ?? []);
  const found = mentions.flatMap((mention) => {
    const named = relations.flatMap((columns) => columns.get(mention.name) ?? []);
    return named.length > 0 ? named : relations.flatMap((columns) => [...columns.values()]);
  });
  return [...new Set(found.map((mask) => mask.column))].sort();
}
