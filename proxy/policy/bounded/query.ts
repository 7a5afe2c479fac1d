import type { CatalogSnapshot } from '../../catalog/types';
import { child, childrenOf, flag, list, names, type SqlNode, text } from '../../sql/tree';
import { changeSource } from './change';
import { columnOf, type Level, levelOf, sourceNamed } from './level';
import { conditionsOf, integerOf, isWhole, MAX_WRITTEN_OUT, type Pins, pinnedColumn, pinsOf } from './pins';
import { type Place, renamed, type Source, step, type Types, UNKNOWN, unknownSource } from './source';
import { candidatesOf, isDetermined, isSteady, typesOf } from './values';

/** A query as a source of rows: its columns, what identifies its rows, and whether they are few. Each query of a write is read once. */
export function querySource(query: SqlNode, place: Place): Source {
  const before = place.work.sources.get(query);
  if (before !== undefined) return before;
  step(place);
  const source = query.tag === 'SelectStmt' ? selectSource(query, withNames(query, place)) : changeSource(query, place);
  place.work.sources.set(query, source);
  return source;
}

/** A query of a WITH, and the place where it stands: without RECURSIVE it sees the names before it. */
export interface CtePlace {
  query: SqlNode;
  place: Place;
}

/** The place inside a statement with a WITH clause. Names of a recursive WITH that stand for themselves are unknown. */
export function withNames(node: SqlNode, place: Place): Place {
  return readWith(node, place).inside;
}

/** The queries of a statement's WITH clause, and the place behind it. */
export function readWith(node: SqlNode, place: Place): { ctes: readonly CtePlace[]; inside: Place } {
  const withClause = child(node, 'withClause');
  if (withClause === null) return { ctes: [], inside: place };
  const known = new Map(place.ctes);
  const items = list(withClause, 'ctes');
  if (flag(withClause, 'recursive')) for (const item of items) known.set(text(item, 'ctename') ?? '', unknownSource(text(item, 'ctename')));
  const ctes: CtePlace[] = [];
  for (const item of items) {
    const name = text(item, 'ctename') ?? '';
    const query = child(item, 'ctequery');
    const at: Place = { ...place, ctes: new Map(known) };
    if (query !== null) ctes.push({ query, place: at });
    const source = query === null ? unknownSource(name) : querySource(query, at);
    // PostgreSQL runs what is volatile or locks rows once, whatever the plan.
    known.set(name, renamed({ ...source, stable: true }, name, names(list(item, 'aliascolnames'))));
  }
  return { ctes, inside: { ...place, ctes: known } };
}

function selectSource(query: SqlNode, place: Place): Source {
  const rows = list(query, 'valuesLists');
  const limited = isLimited(query);
  const stable = isRepeatable(query, place.catalog);
  if (rows.length > 0) return valuesSource(rows, place);
  const [larg, rarg] = [child(query, 'larg'), child(query, 'rarg')];
  if (larg !== null && rarg !== null) return combined(query, querySource(larg, place), querySource(rarg, place), limited);
  const level = levelOf(list(query, 'fromClause'), place);
  const pins = pinsOf(level, [...level.conditions, ...conditionsOf(child(query, 'whereClause'))]);
  const outputs = outputsOf(list(query, 'targetList'), level, pins);
  const grouped = list(query, 'groupClause').length > 0;
  const aggregated =
    !grouped && (child(query, 'havingClause') !== null || list(query, 'targetList').some((item) => aggregates(item, place)));
  const makesRows = list(query, 'targetList').some((item) => returnsRows(item, level));
  const fewRows = level.sources.every((_, i) => isWhole(i, pins));
  return {
    ...{ name: null, schema: null, physical: false },
    ...columnsOf(outputs, level, grouped || aggregated || makesRows),
    few: limited || (!makesRows && (aggregated || fewRows)),
    stable: stable && level.sources.every((source) => source.stable),
  };
}

function valuesSource(rows: readonly SqlNode[], place: Place): Source {
  const level = levelOf([], place);
  const width = list(rows[0] ?? null, 'items').length;
  const columns = Array.from({ length: width }, (_, i) => {
    const types = rows.flatMap((row) => [...typesOf(list(row, 'items')[i] ?? null, level)]);
    return { name: `column${i + 1}`, types: [...new Set(types)] };
  });
  return { ...unknownSource(null), columns, few: true, stable: rows.every((row) => isSteady(row, place.catalog)) };
}

function combined(query: SqlNode, left: Source, right: Source, limited: boolean): Source {
  const columns =
    left.columns?.map((column, i) => ({ name: column.name, types: [...column.types, ...(right.columns?.[i]?.types ?? [UNKNOWN])] })) ??
    null;
  return {
    ...unknownSource(null),
    columns,
    few: limited || fewOfBoth(text(query, 'op'), left.few, right.few),
    stable: left.stable && right.stable,
  };
}

function fewOfBoth(operation: string | null, left: boolean, right: boolean): boolean {
  switch (operation) {
    case 'SETOP_UNION':
      return left && right;
    case 'SETOP_INTERSECT':
      return left || right;
    case 'SETOP_EXCEPT':
      return left;
    default:
      return false;
  }
}

/** LIMIT a constant; a parameter may be any number, and WITH TIES gives more. */
function isLimited(query: SqlNode): boolean {
  const limit = integerOf(child(query, 'limitCount'));
  return limit !== null && limit <= MAX_WRITTEN_OUT && text(query, 'limitOption') === 'LIMIT_OPTION_COUNT';
}

/** Read again within one statement it gives the same rows: a lock that skips rows and a function that is volatile could give others. */
function isRepeatable(query: SqlNode, catalog: CatalogSnapshot): boolean {
  return list(query, 'lockingClause').length === 0 && isSteady(query, catalog);
}

export interface Output {
  name: string;
  types: Types;
  pinned: boolean;
  /** The column it shows, of the one source there is; null when it is computed, or there are several. */
  column: string | null;
}

/** What a SELECT list or RETURNING gives; null when a star stands for columns that are not known. */
export function outputsOf(items: readonly SqlNode[], level: Level, pins: Pins): readonly Output[] | null {
  const outputs: Output[] = [];
  for (const item of items) {
    const value = child(item, 'val');
    if (value === null) return null;
    const star = list(value, 'fields').some((field) => field.tag === 'A_Star');
    if (value.tag === 'ColumnRef' && star) {
      const expanded = expand(value, level, pins);
      if (expanded === null) return null;
      outputs.push(...expanded);
      continue;
    }
    const column = columnOf(value, level);
    outputs.push({
      name: text(item, 'name') ?? nameOf(value),
      types: typesOf(value, level),
      pinned: column === null ? isDetermined(value, level, pins) : pinnedColumn(value, level, pins),
      column: level.sources.length === 1 ? (column?.name ?? null) : null,
    });
  }
  return outputs;
}

function expand(node: SqlNode, level: Level, pins: Pins): Output[] | null {
  const qualifier = names(list(node, 'fields'));
  const only = qualifier.length === 0 ? null : sourceNamed(level.sources, qualifier);
  if (qualifier.length > 0 && only === null) return null;
  const chosen = level.sources.flatMap((source, i) => (only === null || only === i ? [{ source, i }] : []));
  if (chosen.some(({ source }) => source.columns === null)) return null;
  // A join by USING shows its columns once; which they are then is not followed.
  if (level.conditions.some((condition) => condition.kind === 'equal')) return null;
  return chosen.flatMap(({ source, i }) =>
    (source.columns ?? []).map(({ name, types }) => {
      const pinned = pins.has(`${i}`) || pins.has(`${i}.${name}`);
      return { name, types, pinned, column: level.sources.length === 1 ? name : null };
    }),
  );
}

/** The name PostgreSQL gives an output without AS, as far as it is needed (FigureColname). */
function nameOf(value: SqlNode): string {
  if (value.tag === 'ColumnRef') return names(list(value, 'fields')).at(-1) ?? '';
  if (value.tag === 'FuncCall') return names(list(value, 'funcname')).at(-1) ?? '';
  const inner = value.tag === 'TypeCast' ? child(value, 'arg') : null;
  if (inner !== null && (inner.tag === 'ColumnRef' || inner.tag === 'FuncCall' || inner.tag === 'TypeCast')) return nameOf(inner);
  return value.tag === 'TypeCast' ? (names(list(child(value, 'typeName'), 'names')).at(-1) ?? '') : '?column?';
}

/** The columns of a query, and the keys that its one source hands on through them. */
export function columnsOf(
  outputs: readonly Output[] | null,
  level: Level,
  regrouped: boolean,
): Pick<Source, 'columns' | 'parts' | 'indexed' | 'pinned'> {
  if (outputs === null) return { columns: null, parts: [[]], indexed: [], pinned: [] };
  const [source] = level.sources;
  const shown = (column: string) => outputs.find((output) => output.column === column)?.name;
  const through = (columns: readonly string[]): string[] | null => {
    const found = columns.map(shown);
    return found.every((name) => name !== undefined) ? found : null;
  };
  const handed = level.sources.length === 1 && source !== undefined && !regrouped;
  return {
    columns: outputs.map(({ name, types }) => ({ name, types })),
    parts: handed ? source.parts.map((keys) => keys.flatMap((key) => (through(key) === null ? [] : [through(key) ?? []]))) : [[]],
    indexed: handed ? source.indexed.flatMap((column) => shown(column) ?? []) : [],
    pinned: outputs.filter((output) => output.pinned).map((output) => output.name),
  };
}

/** An aggregate of this level, not one of a sub-select or a window. */
function aggregates(node: SqlNode, place: Place): boolean {
  if (node.tag === 'SelectStmt') return false;
  if (node.tag === 'FuncCall' && child(node, 'over') === null) {
    const candidates = candidatesOf(node, place.catalog);
    if (candidates.length > 0 && candidates.every((item) => item.kind === 'aggregate')) return true;
  }
  return childrenOf(node).some((item) => aggregates(item, place));
}

/** A function that gives several rows for one, or may; `row.f` and `(row).f` may call one. */
function returnsRows(node: SqlNode, level: Level): boolean {
  if (node.tag === 'SelectStmt') return false;
  if (node.tag === 'FuncCall') {
    const candidates = candidatesOf(node, level.place.catalog);
    if (candidates.length === 0 || candidates.some((item) => item.returnsSet)) return true;
  }
  if (node.tag === 'A_Indirection' && list(node, 'indirection').some((item) => item.tag === 'String')) return true;
  if (node.tag === 'ColumnRef') {
    const path = names(list(node, 'fields'));
    return path.length > 1 && path.length === list(node, 'fields').length && columnOf(node, level) === null;
  }
  return childrenOf(node).some((item) => returnsRows(item, level));
}
