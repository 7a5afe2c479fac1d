import { and, gte, lt, sql } from 'drizzle-orm';
import { statements } from '../../db/schema/audit';
import type { StoreHandle } from '../../db/store';
import { ServiceError } from '../errors';
import type { Actor, Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { ownStatements } from '../identity/scope';
import { parseInput } from '../input';
import { type AuditTerm, parseAuditQuery } from './query';
import { auditHistogramSchema, type Bucket } from './shape';
import { whereOf } from './where';

const DAY_MS = 86_400_000;
const MOST_BUCKETS = 60;
/** Widths that people read: 1, 5, 15, 30 s, 1, 5, 15, 30 min, 1, 3, 6, 12 h, 1, 7, 30 d. */
const WIDTHS_MS = [1, 5, 15, 30, 60, 300, 900, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 604_800, 2_592_000].map(
  (seconds) => seconds * 1_000,
);

/** Statements over time by verdict, over the last 24 hours unless told otherwise. Empty buckets are there too. */
export async function statementHistogram({ store, actor }: Call, input: unknown): Promise<Bucket[]> {
  demand(actor, 'audit:own');
  const { q, from, to } = parseInput(auditHistogramSchema, input ?? {});
  const end = to ?? new Date();
  const start = from ?? new Date(end.getTime() - DAY_MS);
  if (start >= end) throw new ServiceError('INVALID', 'from: must be before to');
  const widthMs = WIDTHS_MS.find((width) => (end.getTime() - start.getTime()) / width <= MOST_BUCKETS) ?? WIDTHS_MS.at(-1) ?? DAY_MS;
  return readHistogram(store, actor, parseAuditQuery(q).terms, start, end, widthMs);
}

export async function readHistogram(
  store: StoreHandle,
  actor: Actor,
  terms: readonly AuditTerm[],
  start: Date,
  end: Date,
  widthMs: number,
): Promise<Bucket[]> {
  const slot = sql<number>`floor(extract(epoch from ${statements.at}) * 1000 / ${widthMs}::float8)::float8`;
  const rows = await store
    .select({ slot: slot.as('slot'), verdict: statements.verdict, count: sql<number>`count(*)::int` })
    .from(statements)
    .where(and(ownStatements(actor), whereOf(terms), gte(statements.at, start), lt(statements.at, end)))
    .groupBy(sql`1`, statements.verdict);
  const buckets: Bucket[] = [];
  const bySlot = new Map<number, Bucket>();
  for (let index = Math.floor(start.getTime() / widthMs); index * widthMs < end.getTime() && buckets.length < 5_000; index++) {
    const bucket = { at: new Date(index * widthMs), allow: 0, hold: 0, deny: 0 };
    buckets.push(bucket);
    bySlot.set(index, bucket);
  }
  for (const row of rows) {
    const bucket = bySlot.get(row.slot);
    if (bucket !== undefined) bucket[row.verdict] += row.count;
  }
  return buckets;
}
