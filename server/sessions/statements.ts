import { and, asc, desc, eq, gte, lte, type SQL, sql } from 'drizzle-orm';
import { statements } from '../../db/schema/audit';
import type { StoreHandle } from '../../db/store';
import { readRows } from '../audit/rows';
import { createValueReader } from '../audit/values';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { ownSession, type SessionSpan, statementsOf } from './own';
import { type Bearing, cursorText, type Place, readCursor } from './place';
import { type SessionWindow, sessionStatementsSchema } from './shape';

/**
 * A window of a session's statements in the order they ran: from its first one, from a given statement or time on, or next to another
 * window on either side. However many there are, it reads one index and what it shows.
 */
export async function sessionStatements(call: Call, input: unknown): Promise<SessionWindow> {
  demand(call.actor, 'sessions:own');
  const { store } = call;
  const { id, start, cursor, limit } = parseInput(sessionStatementsSchema, input);
  const session = await ownSession(call, id);
  const bearing = cursor != null ? readCursor(cursor) : await beginAt(store, session, start);
  const found = await placesAt(store, session, bearing, limit + 1);
  const places = found.slice(0, limit);
  const backward = bearing.way === 'before';
  if (backward) places.reverse();
  const further = found.length > limit;
  const first = !backward ? bearing.before : further ? Math.max(0, bearing.before - places.length) : 0;
  const next = first + places.length;
  const [head, last] = [places[0], places.at(-1)];
  const before: Bearing = { way: 'before', place: head ?? bearing.place, before: first };
  const after: Bearing = last === undefined ? { ...bearing, way: 'from' } : { way: 'after', place: last, before: next };
  return {
    items: await readRows(store, createValueReader(call), places),
    first,
    before: (backward ? further : first > 0) ? cursorText(before) : null,
    after: backward || further ? cursorText(after) : null,
  };
}

type Start = { statement: string } | { time: Date };

/** Where a window begins that has no other beside it. @throws ServiceError NOT_FOUND where the session has no such statement */
async function beginAt(store: StoreHandle, session: SessionSpan, start: Start | null | undefined): Promise<Bearing> {
  if (start == null) return { way: 'from', place: { at: new Date(0), id: '' }, before: 0 };
  const place = 'time' in start ? { at: start.time, id: '' } : await placeOf(store, session, start.statement);
  return { way: 'from', place, before: await countBefore(store, session, place) };
}

async function placeOf(store: StoreHandle, session: SessionSpan, statement: string): Promise<Place> {
  const [place] = await store
    .select({ at: statements.at, id: statements.id })
    .from(statements)
    .where(and(statementsOf(session), eq(statements.id, statement)))
    .limit(1);
  if (place === undefined) throw notFound('statement', statement);
  return place;
}

function placesAt(store: StoreHandle, session: SessionSpan, { way, place }: Bearing, limit: number): Promise<Place[]> {
  const backward = way === 'before';
  const order = backward ? [desc(statements.at), desc(statements.id)] : [asc(statements.at), asc(statements.id)];
  return store
    .select({ at: statements.at, id: statements.id })
    .from(statements)
    .where(and(statementsOf(session), beyond(way, place)))
    .orderBy(...order)
    .limit(limit);
}

/** The bound on the time alone is what the index is read by. */
function beyond(way: Bearing['way'], { at, id }: Place): SQL | undefined {
  const here = sql`(${at.toISOString()}::timestamptz, ${id})`;
  const key = sql`(${statements.at}, ${statements.id})`;
  switch (way) {
    case 'from':
      return and(gte(statements.at, at), sql`${key} >= ${here}`);
    case 'after':
      return and(gte(statements.at, at), sql`${key} > ${here}`);
    case 'before':
      return and(lte(statements.at, at), sql`${key} < ${here}`);
    default:
      return way satisfies never;
  }
}

/** How many stand before a place. Those of an earlier instant are counted in the index alone. */
async function countBefore(store: StoreHandle, session: SessionSpan, { at, id }: Place): Promise<number> {
  const time = sql`${at.toISOString()}::timestamptz`;
  const count = (where: SQL) =>
    store
      .select({ value: sql`count(*)` })
      .from(statements)
      .where(and(statementsOf(session), where));
  const earlier = count(sql`${statements.at} < ${time}`);
  const beside = count(sql`${statements.at} = ${time} and ${statements.id} < ${id}`);
  const { rows } = await store.execute<{ value: number }>(sql`select ((${earlier}) + (${beside}))::float8 as value`);
  return rows[0]?.value ?? 0;
}
