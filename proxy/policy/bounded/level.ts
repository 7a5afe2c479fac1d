import type { Relation } from '../../catalog/types';
import { child, flag, list, names, type SqlNode, text } from '../../sql/tree';
import { candidatesFor } from '../resolve';
import { functionSource } from './functionSource';
import { conditionsOf } from './pins';
import { querySource } from './query';
import { type Place, renamed, type Source, step, type Types, UNKNOWN, unknownSource } from './source';
import { viewSource } from './view';

/** A condition that holds for the rows of a level. `only`: the sources it restricts; of an outer join, those whose rows may be missing. */
export type Condition = { only: readonly number[] | null } & (
  | { kind: 'expression'; node: SqlNode }
  | { kind: 'equal'; left: ColumnAt; right: ColumnAt }
);

/** A column by the place of its source among those of the level. */
export interface ColumnAt {
  source: number;
  name: string;
  types: Types;
}

/** One query level: its sources, and what their joins demand. */
export interface Level {
  place: Place;
  sources: readonly Source[];
  conditions: readonly Condition[];
}

/** The level that FROM makes, with the target of a write in front where there is one. */
export function levelOf(from: readonly SqlNode[], place: Place, first: readonly Source[] = []): Level {
  const sources = [...first];
  const conditions: Condition[] = [];
  for (const item of from) add(item, { place, sources, conditions }, null);
  return { place, sources, conditions };
}

interface Growing {
  place: Place;
  sources: Source[];
  conditions: Condition[];
}

/** `only` is what an outer join around it leaves of the conditions inside. */
function add(node: SqlNode, into: Growing, only: readonly number[] | null): void {
  step(into.place);
  if (node.tag !== 'JoinExpr') {
    into.sources.push(fromSource(node, into.place));
    return;
  }
  const [leftNode, rightNode] = [child(node, 'larg'), child(node, 'rarg')];
  if (child(node, 'alias') !== null || leftNode === null || rightNode === null) {
    into.sources.push(unknownSource(text(child(node, 'alias'), 'aliasname')));
    return;
  }
  const left = range(into, () => add(leftNode, into, only));
  const right = range(into, () => add(rightNode, into, only));
  const demanded = restricted(text(node, 'jointype'), left, right, only);
  into.conditions.push(...conditionsOf(child(node, 'quals'), demanded));
  for (const name of names(list(node, 'usingClause'))) {
    const sides = [left, right].map((side) => side.flatMap((source) => ofSource(into.sources, source, name)));
    const [a, b] = sides.map((side) => (side.length === 1 ? side[0] : undefined));
    if (a !== undefined && b !== undefined) into.conditions.push({ kind: 'equal', left: a, right: b, only: demanded });
  }
}

function range(into: Growing, grow: () => void): number[] {
  const from = into.sources.length;
  grow();
  return into.sources.slice(from).map((_, i) => from + i);
}

/** An outer join keeps the rows of one side whatever its condition says: only the other side's rows are those that meet it. */
function restricted(type: string | null, left: number[], right: number[], only: readonly number[] | null): readonly number[] | null {
  switch (type) {
    case 'JOIN_INNER':
      return only;
    case 'JOIN_LEFT':
      return right;
    case 'JOIN_RIGHT':
      return left;
    default:
      return [];
  }
}

function fromSource(node: SqlNode, place: Place): Source {
  const alias = text(child(node, 'alias'), 'aliasname');
  const given = names(list(child(node, 'alias'), 'colnames'));
  switch (node.tag) {
    case 'RangeVar':
      return renamed(namedSource(node, place), alias, given);
    case 'RangeSubselect': {
      const query = child(node, 'subquery');
      if (query === null || flag(node, 'lateral')) return renamed(unknownSource(null), alias, given);
      const source = querySource(query, place);
      // Read again for each row of another source, it may give other rows.
      return renamed({ ...source, few: source.few && source.stable }, alias, given);
    }
    case 'RangeFunction':
      return functionSource(node, place);
    default:
      return unknownSource(alias);
  }
}

function namedSource(node: SqlNode, place: Place): Source {
  const name = text(node, 'relname') ?? '';
  const schema = text(node, 'schemaname');
  const cte = schema === null ? place.ctes.get(name) : undefined;
  if (cte !== undefined) return { ...cte, name, schema: null };
  const [relation, ...others] = candidatesFor({ schema, name, access: 'read' }, place.catalog, place.searchPath);
  return relation === undefined || others.length > 0 ? unknownSource(name) : relationSource(relation, flag(node, 'inh'), place);
}

/** `inherited`: with the tables that inherit from it; without ONLY. */
export function relationSource(relation: Relation, inherited: boolean, place: Place): Source {
  const { schema, name } = relation;
  if (relation.kind === 'v') return { ...viewSource(relation, place), schema, name };
  const below = inherited ? descendants(relation, place) : [];
  // Rows of a partitioned table are those of its partitions, which have its keys and perhaps more. Those who let tables inherit from one with
  // a key mean the key to identify all of its rows, though PostgreSQL keeps it in each table alone (5.11.1): to want ONLY would hold ordinary
  // updates of one row.
  const tables = relation.kind === 'p' && below.length > 0 ? below.filter((item) => item.kind !== 'p') : [relation];
  const physical = relation.kind === 'r' || relation.kind === 'm';
  const namesOf = (item: Relation, numbers: readonly number[]) =>
    numbers.flatMap((number) => item.columns.find((column) => column.number === number)?.name ?? []);
  const keys = (item: Relation) => [
    ...item.keys.map((key) => namesOf(item, key)).filter((key) => key.length > 0),
    ...(physical && below.length === 0 ? [['ctid']] : []),
  ];
  return {
    ...{ name, schema, physical, few: false, stable: true, pinned: [] },
    columns: relation.kind === 'S' ? null : relation.columns.map((column) => ({ name: column.name, types: [column.typeOid] })),
    parts: distinct(tables.map(keys)),
    indexed: namesOf(relation, relation.indexed),
  };
}

/** Tables that inherit and partitions, at any depth. */
export function descendants(relation: Relation, place: Place): readonly Relation[] {
  const found = new Set<Relation>();
  const add_ = (item: Relation) => {
    for (const oid of item.children) {
      const below = place.catalog.relations.get(oid);
      if (below === undefined || found.has(below)) continue;
      found.add(below);
      add_(below);
    }
  };
  add_(relation);
  return [...found];
}

/** Partitions are many and alike. */
function distinct(parts: readonly (readonly string[][])[]): readonly (readonly string[][])[] {
  return [...new Map(parts.map((keys) => [JSON.stringify(keys), keys])).values()];
}

const CTID = { name: 'ctid', types: [27] };

function ofSource(sources: readonly Source[], index: number, name: string): ColumnAt[] {
  const source = sources[index];
  const column = source?.columns?.find((item) => item.name === name) ?? (name === 'ctid' && source?.physical ? CTID : undefined);
  return column === undefined ? [] : [{ source: index, ...column }];
}

/** The column that a ColumnRef means at this level; null when it means none, or it cannot be told. */
export function columnOf(node: SqlNode, { sources }: Level): ColumnAt | null {
  const fields = list(node, 'fields');
  const path = names(fields);
  const name = path.at(-1);
  if (node.tag !== 'ColumnRef' || path.length !== fields.length || name === undefined) return null;
  if (path.length === 1) {
    const found = sources.flatMap((_, index) => ofSource(sources, index, name));
    return found.length === 1 ? (found[0] ?? null) : null;
  }
  const index = sourceNamed(sources, path.slice(0, -1));
  if (index === null) return null;
  const source = sources[index];
  if (source?.columns === null) return { source: index, name, types: [UNKNOWN] };
  return ofSource(sources, index, name)[0] ?? null;
}

/** The place of the source that a qualifier means: `t`, `schema.t`, `database.schema.t`. */
export function sourceNamed(sources: readonly Source[], qualifier: readonly string[]): number | null {
  const [name, schema] = [...qualifier].reverse();
  const found = sources.flatMap((source, index) =>
    source.name === name && (schema === undefined || source.schema === schema) ? [index] : [],
  );
  return found.length === 1 ? (found[0] ?? null) : null;
}
