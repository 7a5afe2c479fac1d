import type { Relation } from '../../catalog/types';
import { child, flag, list, type SqlNode, text } from '../../sql/tree';
import { candidatesFor } from '../resolve';
import { type Condition, type Level, levelOf, relationSource } from './level';
import { conditionsOf, isWhole, type Pins, pinsOf } from './pins';
import { columnsOf, outputsOf, querySource, withNames } from './query';
import { type Place, renamed, type Source, unknownSource } from './source';

/** A write with its target at place 0 of the level, its other sources behind it. */
export interface Change {
  level: Level;
  pins: Pins;
}

/** The relations a target may be; PostgreSQL never takes the name of a WITH there. */
export function targetsOf(node: SqlNode, place: Place): readonly Relation[] {
  const target = child(node, 'relation');
  const name = text(target, 'relname') ?? '';
  return candidatesFor({ schema: text(target, 'schemaname'), name, access: 'write' }, place.catalog, place.searchPath);
}

export function targetSource(node: SqlNode, relation: Relation | null, place: Place): Source {
  const target = child(node, 'relation');
  const alias = text(child(target, 'alias'), 'aliasname');
  const source = relation === null ? unknownSource(text(target, 'relname')) : relationSource(relation, flag(target, 'inh'), place);
  return renamed(source, alias, []);
}

/** UPDATE, DELETE and the ON of MERGE: what their conditions pin. */
export function changeOf(node: SqlNode, relation: Relation | null, place: Place, more: readonly Condition[] = []): Change {
  const source = child(node, 'sourceRelation');
  const from = [...list(node, 'fromClause'), ...list(node, 'usingClause'), ...(source === null ? [] : [source])];
  const level = levelOf(from, place, [targetSource(node, relation, place)]);
  const own = [...conditionsOf(child(node, 'whereClause')), ...conditionsOf(child(node, 'joinCondition')), ...more];
  return { level, pins: pinsOf(level, [...level.conditions, ...own]) };
}

/** A write in a WITH as the rows that its RETURNING gives. */
export function changeSource(node: SqlNode, outer: Place): Source {
  const place = withNames(node, outer);
  const returning = list(child(node, 'returningClause'), 'exprs');
  const [relation, ...others] = targetsOf(node, place);
  if (relation === undefined || others.length > 0) return unknownSource(null);
  switch (node.tag) {
    case 'UpdateStmt':
    case 'DeleteStmt': {
      const { level, pins } = changeOf(node, relation, place);
      const few = level.sources.every((_, i) => isWhole(i, pins));
      return { ...unknownSource(null), ...columnsOf(outputsOf(returning, level, pins), level, true), few, stable: true };
    }
    case 'InsertStmt': {
      const level = levelOf([], place, [targetSource(node, relation, place)]);
      const few = insertsFew(node, place);
      return { ...unknownSource(null), ...columnsOf(outputsOf(returning, level, new Set()), level, true), few, stable: true };
    }
    default:
      return unknownSource(null);
  }
}

export function insertsFew(node: SqlNode, place: Place): boolean {
  const query = child(node, 'selectStmt');
  return query === null || querySource(query, place).few;
}
