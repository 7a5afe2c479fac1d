import type { CatalogSnapshot, Relation, WriteEvent } from '../../catalog/types';
import { isPlainExplain } from '../../sql/commands';
import { child, childrenOf, flag, list, type SqlNode, text, walk } from '../../sql/tree';
import type { UnboundedWrite } from '../../sql/types';
import { candidatesFor } from '../resolve';
import { changeOf, insertsFew, targetSource, targetsOf } from './change';
import { descendants, type Level, levelOf } from './level';
import { conditionsOf, isPinned, isWhole, type Pins, pinsOf } from './pins';
import { readWith } from './query';
import { type Place, type Source, TooMuchWork, unknownSource } from './source';
import { adviceFor, dotted, indexAdviceFor } from './words';

/**
 * Every UPDATE, DELETE, MERGE, upsert and TRUNCATE of a statement that may reach any number of rows, with what would bound it. A write is bounded
 * when its conditions pin a unique key of its target to what the text and the parameters write out, directly or through sources that are
 * pinned themselves. That a condition always holds cannot be decided, so the question is turned round: what is not plainly pinned is
 * unbounded. `searchPath` null: not known. Pure.
 */
export function unboundedWrites(root: SqlNode, catalog: CatalogSnapshot, searchPath: readonly string[] | null): readonly UnboundedWrite[] {
  const found: UnboundedWrite[] = [];
  if (!hasWrites(root)) return found;
  visit(root, { catalog, searchPath, ctes: new Map(), work: { steps: 0, sources: new Map() } }, found);
  return found;
}

function visit(node: SqlNode, outer: Place, found: UnboundedWrite[]): void {
  if (isPlainExplain(node)) return;
  try {
    const { ctes, inside } = readWith(node, outer);
    found.push(...writesOf(node, inside));
    for (const { query, place } of ctes) visit(query, place, found);
    for (const item of childrenOf(node)) if (item.tag !== 'WithClause') visit(item, inside, found);
  } catch (error) {
    if (!(error instanceof TooMuchWork)) throw error;
    found.push(tooLong(COMMANDS[node.tag] ?? 'UPDATE', node));
  }
}

const COMMANDS: Readonly<Record<string, UnboundedWrite['command']>> = {
  UpdateStmt: 'UPDATE',
  DeleteStmt: 'DELETE',
  MergeStmt: 'MERGE',
  InsertStmt: 'INSERT',
  TruncateStmt: 'TRUNCATE',
};

function writesOf(node: SqlNode, place: Place): UnboundedWrite[] {
  switch (node.tag) {
    case 'UpdateStmt':
    case 'DeleteStmt':
      return ofTargets(node, place, [node.tag === 'UpdateStmt' ? 'update' : 'delete'], (relation) => {
        const { level, pins } = changeOf(node, relation, place);
        return isWhole(0, pins) ? null : { level, pins };
      });
    case 'MergeStmt':
      return ofTargets(node, place, mergeEvents(node), (relation) => unboundedMerge(node, relation, place));
    case 'InsertStmt':
      return isUpsert(node) ? ofTargets(node, place, ['insert', 'update'], (relation) => unboundedUpsert(node, relation, place)) : [];
    case 'TruncateStmt':
      return list(node, 'relations').map((target): UnboundedWrite => {
        const use = { schema: text(target, 'schemaname'), name: text(target, 'relname') ?? '', access: 'write' as const };
        const relation = dotted(candidatesFor(use, place.catalog, place.searchPath)[0] ?? use);
        return { command: 'TRUNCATE', relation, advice: `TRUNCATE empties ${relation}`, indexAdvice: `TRUNCATE empties ${relation}` };
      });
    default:
      return [];
  }
}

interface Unpinned {
  level: Level;
  pins: Pins;
}

/** Null when every relation that the target may be is bounded. */
function ofTargets(
  node: SqlNode,
  place: Place,
  events: readonly WriteEvent[],
  test: (relation: Relation | null) => Unpinned | null,
): UnboundedWrite[] {
  const command = COMMANDS[node.tag] ?? 'UPDATE';
  const target = child(node, 'relation');
  const named = { schema: text(target, 'schemaname'), name: text(target, 'relname') ?? '' };
  const relations = targetsOf(node, place);
  if (relations.length === 0) {
    const why = `${dotted(named)} is not in the catalog, so that no key of it is known`;
    return [{ command, relation: dotted(named), advice: why, indexAdvice: why }];
  }
  for (const relation of relations) {
    const rewritten = relation.rules.find((rule) => events.some((event) => event === rule.event));
    if (rewritten !== undefined) {
      const why = `a rule of ${dotted(relation)} makes other statements of it`;
      return [{ command, relation: dotted(relation), advice: why, indexAdvice: why }];
    }
    const unpinned = test(relation);
    if (unpinned === null) continue;
    const inherited = flag(target, 'inh');
    const source = unpinned.level.sources[0] ?? unknownSource(named.name);
    const about = { command, relation, source, pins: unpinned.pins, below: inherited ? descendants(relation, place) : [] };
    return [
      {
        command,
        relation: dotted(relation),
        advice: adviceFor(node, about),
        indexAdvice: byIndex(source, unpinned.pins) ? null : indexAdviceFor(about),
      },
    ];
  }
  return [];
}

function byIndex(source: Source, pins: Pins): boolean {
  return source.indexed.some((column) => isPinned(0, column, pins));
}

function mergeEvents(node: SqlNode): WriteEvent[] {
  const events = new Set<WriteEvent>();
  for (const clause of list(node, 'mergeWhenClauses')) {
    const command = text(clause, 'commandType');
    if (command === 'CMD_INSERT') events.add('insert');
    if (command === 'CMD_UPDATE') events.add('update');
    if (command === 'CMD_DELETE') events.add('delete');
  }
  return [...events];
}

/** Each WHEN by itself: ON holds for what is matched, not for what no source row matches; what is inserted comes from the source. */
function unboundedMerge(node: SqlNode, relation: Relation | null, place: Place): Unpinned | null {
  for (const clause of list(node, 'mergeWhenClauses')) {
    const command = text(clause, 'commandType');
    if (command === 'CMD_NOTHING') continue;
    const bySource = text(clause, 'matchKind') === 'MERGE_WHEN_NOT_MATCHED_BY_SOURCE';
    const more = conditionsOf(child(clause, 'condition'));
    const joined = bySource ? { ...node, joinCondition: undefined, sourceRelation: undefined } : node;
    const { level, pins } = changeOf(joined, relation, place, command === 'CMD_INSERT' ? [] : more);
    if (command === 'CMD_INSERT') {
      const source = child(node, 'sourceRelation');
      const alone = source === null ? null : levelOf([source], place);
      const fewRows = alone?.sources.every((_, i) => isWhole(i, pinsOf(alone, [...alone.conditions, ...more])));
      if (fewRows !== true) return { level, pins };
    } else if (!isWhole(0, pins)) return { level, pins };
  }
  return null;
}

function isUpsert(node: SqlNode): boolean {
  return text(child(node, 'onConflictClause'), 'action') === 'ONCONFLICT_UPDATE';
}

/** It changes no more rows than it would have inserted, and of these those that its WHERE leaves. */
function unboundedUpsert(node: SqlNode, relation: Relation | null, place: Place): Unpinned | null {
  if (insertsFew(node, place)) return null;
  const target = targetSource(node, relation, place);
  const level = levelOf([], place, [target, { ...unknownSource('excluded'), columns: target.columns }]);
  const pins = pinsOf(level, conditionsOf(child(child(node, 'onConflictClause'), 'whereClause')));
  return isWhole(0, pins) ? null : { level, pins };
}

function tooLong(command: UnboundedWrite['command'], node: SqlNode | null): UnboundedWrite {
  const target = child(node, 'relation');
  const relation = dotted({ schema: text(target, 'schemaname'), name: text(target, 'relname') ?? '?' });
  const why = 'its condition is too long to be followed';
  return { command, relation, advice: why, indexAdvice: why };
}

/** Most statements only read, and need no names looked up. */
function hasWrites(root: SqlNode): boolean {
  let writes = false;
  walk(root, (node) => {
    if (COMMANDS[node.tag] !== undefined) writes = true;
    return !writes;
  });
  return writes;
}
