import { and, asc, desc, gte, lt, type SQL, sql } from 'drizzle-orm';
import { statements } from '../../db/schema/audit';
import type { StoreHandle } from '../../db/store';
import { ServiceError } from '../errors';
import { anyOf } from './globs';
import { coarseOfHours, coarseOfStatements, countedHours, HOUR_MS, inRange, type Range } from './hours';
import type { Resolved, TextSearch } from './resolve';
import type { AuditSort } from './shape';

/** Where a statement is: enough to read it, and to go on behind it. */
export interface StatementKey {
  id: string;
  at: Date;
  /** What it is sorted by, where that is not its time; -1: not known. */
  measure: number;
}

/** One way to the statements of a search. All ways together find them all; some may be found twice. */
export interface Way {
  where: SQL | undefined;
  /** The hours know all that `where` asks: they say where to look. */
  coarse: SQL | undefined | null;
}

/**
 * The ways a search goes, each of them served by an index: texts are found in forms, or among words.
 *
 * @param found statements whose values were looked through and hold every text
 */
export function waysOf(resolved: Resolved, found: readonly string[]): Way[] {
  const { exact, texts } = resolved;
  if (texts.length === 0) {
    return [{ where: and(coarseOfStatements(resolved), ...exact), coarse: hoursOf(resolved) }];
  }
  const ways: Way[] = [];
  const inAll = texts.reduce<number[] | null>((forms, text) => intersection(forms, text.forms), resolved.forms);
  if (inAll !== null && inAll.length > 0) {
    const narrowed = { ...resolved, forms: inAll };
    ways.push({ where: and(coarseOfStatements(narrowed), ...exact), coarse: hoursOf(narrowed) });
  }
  const coarse = coarseOfStatements(resolved);
  for (const text of texts) {
    const others = texts.filter((other) => other !== text).map(holds);
    ways.push({ where: and(coarse, ...exact, text.words, ...others), coarse: null });
  }
  if (found.length > 0) ways.push({ where: anyOf(statements.id, found, 'text'), coarse: null });
  return ways;
}

/**
 * Hours are asked where sources or forms are: for what is only judged, statements have an index that is in order by itself. Null: they are
 * not asked, or cannot tell.
 */
const hoursOf = (resolved: Resolved): SQL | undefined | null =>
  resolved.exact.length > 0 || (resolved.sources === null && resolved.forms === null) ? null : coarseOfHours(resolved);

/** All ways as one condition, for counting over them. */
export function anyWay(resolved: Resolved, found: readonly string[]): SQL | undefined {
  const each = and(coarseOfStatements(resolved), ...resolved.exact, ...resolved.texts.map(holds));
  return found.length === 0 ? each : sql`(${each} or ${anyOf(statements.id, found, 'text')})`;
}

const holds = ({ forms, words }: TextSearch): SQL =>
  forms.length === 0 ? words : sql`(${anyOf(statements.formId, forms, 'bigint')} or ${words})`;

function intersection(some: number[] | null, others: number[]): number[] {
  if (some === null) return others;
  const known = new Set(some);
  return others.filter((id) => known.has(id));
}

/** Statements of all ways, in order, from behind `cursor` on; `limit` at most. */
export async function readKeys(
  store: StoreHandle,
  ways: readonly Way[],
  request: { range: Range; sort: AuditSort; cursor: string | null | undefined; limit: number },
): Promise<StatementKey[]> {
  const found = new Map<string, StatementKey>();
  for (const way of ways) for (const key of await keysOfWay(store, way, request)) found.set(key.id, key);
  const sorted = [...found.values()].sort((one, other) => compareKeys(request.sort, one, other));
  return sorted.slice(0, request.limit);
}

function compareKeys(sort: AuditSort, one: StatementKey, other: StatementKey): number {
  const first = sort === 'newest' || sort === 'oldest' ? one.at.getTime() - other.at.getTime() : one.measure - other.measure;
  const ascending = first !== 0 ? first : one.id < other.id ? -1 : one.id > other.id ? 1 : 0;
  return sort === 'oldest' ? ascending : -ascending;
}

type Request = Parameters<typeof readKeys>[2];

function keysOfWay(store: StoreHandle, way: Way, request: Request): Promise<StatementKey[]> {
  switch (request.sort) {
    case 'newest':
      return keysByTime(store, way, request, false);
    case 'oldest':
      return keysByTime(store, way, request, true);
    case 'slowest':
    case 'largest':
      return keysByMeasure(store, way, request);
    default:
      return request.sort satisfies never;
  }
}

/** Neighbouring hours in one piece; more pieces than this are not worth a visit each. */
const MOST_PIECES = 60;

async function keysByTime(store: StoreHandle, { where, coarse }: Way, request: Request, ascending: boolean): Promise<StatementKey[]> {
  const { limit } = request;
  const cursor = readCursor(request.cursor);
  const range = cursor === null ? request.range : beyond(request.range, cursor.at, ascending);
  const all = and(where, inRange(range), cursor === null ? undefined : behind(cursor, ascending));
  const order = ascending ? [asc(statements.at), asc(statements.id)] : [desc(statements.at), desc(statements.id)];
  const select = { id: statements.id, at: statements.at, measure: sql<number>`-1::float8` };
  const plain = (bounds: SQL | undefined) =>
    store
      .select(select)
      .from(statements)
      .where(and(all, bounds))
      .orderBy(...order)
      .limit(limit);
  if (coarse === null) return plain(undefined);
  const { hours, complete } = await countedHours(store, coarse, wholeHours(range), ascending);
  const chosen: number[] = [];
  let sure = 0;
  for (const { hour, statements: count } of hours) {
    if (sure >= limit) break;
    chosen.push(hour.getTime());
    // Of an hour that the range or the cursor cuts, nobody knows how many are left.
    if (!isCut(hour.getTime(), range, cursor?.at ?? null)) sure += count;
  }
  if (chosen.length === 0) return [];
  if (sure < limit && !complete) return plain(undefined);
  const pieces = piecesOf(chosen);
  const first = pieces.reduce((least, piece) => Math.min(least, piece.from), Number.POSITIVE_INFINITY);
  const last = pieces.reduce((most, piece) => Math.max(most, piece.to), 0);
  const bounds = and(gte(statements.at, new Date(first)), lt(statements.at, new Date(last)));
  if (pieces.length === 1 || pieces.length > MOST_PIECES) return plain(bounds);
  const starts = sql.param(pieces.map((piece) => new Date(piece.from).toISOString()));
  const ends = sql.param(pieces.map((piece) => new Date(piece.to).toISOString()));
  const inPiece = store
    .select(select)
    .from(statements)
    .where(and(all, bounds, sql`${statements.at} >= piece.from_at and ${statements.at} < piece.to_at`))
    .orderBy(...order)
    .limit(limit);
  const direction = sql.raw(ascending ? 'asc' : 'desc');
  const { rows } = await store.execute<{ id: string; at: string }>(sql`
    select found.id, found.at from unnest(${starts}::timestamptz[], ${ends}::timestamptz[]) as piece(from_at, to_at)
    cross join lateral ${inPiece} found order by found.at ${direction}, found.id ${direction} limit ${limit}`);
  return rows.map(({ id, at }) => ({ id, at: new Date(at), measure: -1 }));
}

interface Cursor {
  at: Date;
  id: string;
}

function readCursor(text: string | null | undefined): Cursor | null {
  if (text == null) return null;
  const [key = '', id] = text.split('~', 2);
  if (id === undefined || !key.includes('T') || Number.isNaN(Date.parse(key))) throw new ServiceError('INVALID', 'cursor: not one of ours');
  return { at: new Date(key), id };
}

const behind = ({ at, id }: Cursor, ascending: boolean): SQL =>
  ascending
    ? sql`(${statements.at}, ${statements.id}) > (${at.toISOString()}::timestamptz, ${id})`
    : sql`(${statements.at}, ${statements.id}) < (${at.toISOString()}::timestamptz, ${id})`;

/** What lies before the cursor need not be looked at. */
function beyond({ from, to }: Range, at: Date, ascending: boolean): Range {
  const next = new Date(at.getTime() + 1);
  return ascending ? { from: from === null || at > from ? at : from, to } : { from, to: to === null || next < to ? next : to };
}

const wholeHours = ({ from, to }: Range): Range => ({
  from: from === null ? null : new Date(Math.floor(from.getTime() / HOUR_MS) * HOUR_MS),
  to,
});

function isCut(hour: number, { from, to }: Range, cursor: Date | null): boolean {
  const within = (time: Date | null) => time !== null && time.getTime() > hour && time.getTime() < hour + HOUR_MS;
  return within(from) || within(to) || (cursor !== null && cursor.getTime() >= hour && cursor.getTime() < hour + HOUR_MS);
}

function piecesOf(hours: readonly number[]): { from: number; to: number }[] {
  const pieces: { from: number; to: number }[] = [];
  for (const hour of [...hours].sort((one, other) => one - other)) {
    const last = pieces.at(-1);
    if (last !== undefined && last.to === hour) last.to = hour + HOUR_MS;
    else pieces.push({ from: hour, to: hour + HOUR_MS });
  }
  return pieces;
}

/** Measures from here on are indexed (db/schema/audit.ts): the largest are found there, whatever else is asked. */
const INDEXED_FROM = 100;

async function keysByMeasure(store: StoreHandle, { where }: Way, { range, sort, cursor, limit }: Request): Promise<StatementKey[]> {
  const column = sort === 'slowest' ? statements.durationMs : statements.rows;
  const known = sql<number>`coalesce(${column}, -1)::float8`;
  const [key = '', id] = cursor == null ? [] : cursor.split('~', 2);
  if (cursor != null && (id === undefined || !/^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(key)))
    throw new ServiceError('INVALID', 'cursor: not one of ours');
  const last = cursor == null ? null : Number(key);
  const read = (indexed: boolean) =>
    store
      .select({ id: statements.id, at: statements.at, measure: indexed ? sql<number>`${column}::float8` : known })
      .from(statements)
      .where(
        and(
          where,
          inRange(range),
          indexed ? gte(column, INDEXED_FROM) : undefined,
          last === null ? undefined : sql`(${indexed ? column : known}, ${statements.id}) < (${last}, ${id ?? ''})`,
        ),
      )
      .orderBy(desc(indexed ? column : known), desc(statements.id))
      .limit(limit);
  if (last === null || last > INDEXED_FROM) {
    const keys = await read(true);
    if (keys.length === limit) return keys;
  }
  return read(false);
}

/** Where a page ended. */
export function cursorOf(sort: AuditSort, last: StatementKey): string {
  return sort === 'newest' || sort === 'oldest' ? `${last.at.toISOString()}~${last.id}` : `${last.measure}~${last.id}`;
}
