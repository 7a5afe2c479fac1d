import { and, desc, sql } from 'drizzle-orm';
import { statementHours, statements } from '../../db/schema/audit';
import type { Action } from '../../db/schema/shapes';
import type { StoreHandle } from '../../db/store';
import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { coarseOfHours, coarseOfStatements, HOUR_MS, hoursIn, inRange, type Range, splitByHour } from './hours';
import { anyWay } from './keys';
import { type AuditTerm, parseAuditQuery } from './query';
import { type Resolved, resolveTerms } from './resolve';
import { auditHistogramSchema, type Bucket } from './shape';
import { createValueReader } from './values';
import { withinValues } from './withinValues';

const DAY_MS = 86_400_000;
const MOST_BUCKETS = 60;
/** Widths that people read: 1, 5, 15, 30 s, 1, 5, 15, 30 min, 1, 3, 6, 12 h, 1, 7, 30 d. */
const WIDTHS_MS = [1, 5, 15, 30, 60, 300, 900, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 604_800, 2_592_000].map(
  (seconds) => seconds * 1_000,
);
/** Statements that are counted one by one: more than these are counted by the hour. */
const MOST_COUNTED = 200_000;

/** Statements over time by verdict, over the last 24 hours unless told otherwise. Empty buckets are there too. */
export async function statementHistogram(call: Call, input: unknown): Promise<Bucket[]> {
  demand(call.actor, 'audit:own');
  const { q, from, to } = parseInput(auditHistogramSchema, input ?? {});
  const end = to ?? new Date();
  const start = from ?? new Date(end.getTime() - DAY_MS);
  if (start >= end) throw new ServiceError('INVALID', 'from: must be before to');
  return readHistogram(call, parseAuditQuery(q).terms, start, end, widthFor(start, end));
}

function widthFor(start: Date, end: Date): number {
  return WIDTHS_MS.find((width) => (end.getTime() - start.getTime()) / width <= MOST_BUCKETS) ?? WIDTHS_MS.at(-1) ?? DAY_MS;
}

export async function readHistogram(call: Call, terms: readonly AuditTerm[], start: Date, end: Date, widthMs: number): Promise<Bucket[]> {
  const { store } = call;
  const resolved = await resolveTerms(call, terms);
  const range = { from: start, to: end };
  const byHour = resolved.exact.length === 0 && resolved.texts.length === 0;
  const width = byHour && widthMs < HOUR_MS && (await countByHours(store, resolved, range)) > MOST_COUNTED ? HOUR_MS : widthMs;
  const { buckets, add } = emptyBuckets(start, end, width);
  if (resolved.nothing) return buckets;
  if (byHour && width >= HOUR_MS) {
    const { whole, edges } = splitByHour(range);
    for (const { at, verdict, count } of await hoursByVerdict(store, resolved, whole)) add(at, verdict, count);
    for (const edge of edges)
      for (const row of await oneByOne(store, coarseOfStatements(resolved), edge, width)) add(row.at, row.verdict, row.count);
    return buckets;
  }
  const found = await withinValues(store, createValueReader(call), resolved, range);
  for (const { at, verdict, count } of await oneByOne(store, anyWay(resolved, found), range, width)) add(at, verdict, count);
  return buckets;
}

function emptyBuckets(start: Date, end: Date, widthMs: number) {
  const buckets: Bucket[] = [];
  const bySlot = new Map<number, Bucket>();
  for (let index = Math.floor(start.getTime() / widthMs); index * widthMs < end.getTime() && buckets.length < 5_000; index++) {
    const bucket = { at: new Date(index * widthMs), allow: 0, hold: 0, deny: 0 };
    buckets.push(bucket);
    bySlot.set(index, bucket);
  }
  const add = (atMs: number, verdict: Action, count: number) => {
    const bucket = bySlot.get(Math.floor(atMs / widthMs));
    if (bucket !== undefined) bucket[verdict] += count;
  };
  return { buckets, add };
}

async function countByHours(store: StoreHandle, resolved: Resolved, range: Range): Promise<number> {
  const [row] = await store
    .select({ count: sql<number>`coalesce(sum(${statementHours.statements}), 0)::float8` })
    .from(statementHours)
    .where(and(coarseOfHours(resolved), hoursIn(range)));
  return row?.count ?? 0;
}

interface Slot {
  at: number;
  verdict: Action;
  count: number;
}

const epochMs = (column: unknown) => sql<number>`(extract(epoch from ${column}) * 1000)::float8`;

function hoursByVerdict(store: StoreHandle, resolved: Resolved, range: Range): Promise<Slot[]> {
  return store
    .select({
      at: epochMs(statementHours.hour),
      verdict: statementHours.verdict,
      count: sql<number>`sum(${statementHours.statements})::float8`,
    })
    .from(statementHours)
    .where(and(coarseOfHours(resolved), hoursIn(range)))
    .groupBy(statementHours.hour, statementHours.verdict);
}

/** The newest of them, up to what can be counted while somebody waits. */
async function oneByOne(store: StoreHandle, where: ReturnType<typeof and>, range: Range, widthMs: number): Promise<Slot[]> {
  const newest = store
    .select({ at: statements.at, verdict: statements.verdict })
    .from(statements)
    .where(and(where, inRange(range)))
    .orderBy(desc(statements.at))
    .limit(MOST_COUNTED)
    .as('newest');
  const slot = sql`date_bin(${`${widthMs} milliseconds`}::interval, ${newest.at}, '1970-01-01T00:00:00Z'::timestamptz)`;
  return store
    .select({ at: epochMs(slot), verdict: newest.verdict, count: sql<number>`count(*)::int` })
    .from(newest)
    .groupBy(sql`1`, newest.verdict);
}
