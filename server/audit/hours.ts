import { and, asc, desc, eq, gt, gte, lt, type SQL, sql } from 'drizzle-orm';
import { statementHours, statements } from '../../db/schema/audit';
import type { StoreHandle } from '../../db/store';
import { anyOf } from './globs';
import type { Resolved } from './resolve';

/** The hours' sums over all forms. */
export const EVERY_FORM = 0;
export const HOUR_MS = 3_600_000;

/** Half-open; null: no bound. */
export interface Range {
  from: Date | null;
  to: Date | null;
}

/** What the hours know of a search's statements: everything, unless it asks for what only statements have. */
export const coarseOfHours = ({ sources, forms, hoursJudged }: Resolved, summed = true): SQL | undefined =>
  and(
    sources === null ? undefined : anyOf(statementHours.sourceId, sources, 'bigint'),
    forms === null ? (summed ? eq(statementHours.formId, EVERY_FORM) : undefined) : anyOf(statementHours.formId, forms, 'bigint'),
    hoursJudged,
  );

/** The same, asked of the statements themselves. */
export const coarseOfStatements = ({ sources, forms, statementsJudged }: Resolved): SQL | undefined =>
  and(
    sources === null ? undefined : anyOf(statements.sourceId, sources, 'bigint'),
    forms === null ? undefined : anyOf(statements.formId, forms, 'bigint'),
    statementsJudged,
  );

export const inRange = ({ from, to }: Range): SQL | undefined =>
  and(from === null ? undefined : gte(statements.at, from), to === null ? undefined : lt(statements.at, to));

/** The whole hours of a range, and what is left of it at its ends: less than an hour each. */
export function splitByHour({ from, to }: Range): { whole: Range; edges: Range[] } {
  const begin = from === null ? null : Math.ceil(from.getTime() / HOUR_MS) * HOUR_MS;
  const end = to === null ? null : Math.floor(to.getTime() / HOUR_MS) * HOUR_MS;
  // Within one hour there is no whole one.
  if (begin !== null && end !== null && begin > end) return { whole: { from: new Date(0), to: new Date(0) }, edges: [{ from, to }] };
  const edges: Range[] = [];
  if (from !== null && begin !== null && from.getTime() < begin) edges.push({ from, to: new Date(begin) });
  if (to !== null && end !== null && to.getTime() > end) edges.push({ from: new Date(end), to });
  return { whole: { from: begin === null ? null : new Date(begin), to: end === null ? null : new Date(end) }, edges };
}

export const hoursIn = ({ from, to }: Range): SQL | undefined =>
  and(from === null ? undefined : gte(statementHours.hour, from), to === null ? undefined : lt(statementHours.hour, to));

/** Rows of the hours' counts that are looked at for one page: as many statements at least. */
const MOST_COUNTS = 3_000;

export interface HourCount {
  hour: Date;
  statements: number;
}

/** Hours that have such statements, newest first unless `ascending`; as many as hold {@link MOST_COUNTS} statements, or all there are. */
export async function countedHours(
  store: StoreHandle,
  coarse: SQL | undefined,
  range: Range,
  ascending = false,
): Promise<{ hours: HourCount[]; complete: boolean }> {
  const order = ascending ? asc : desc;
  const newest = store
    .select({ hour: statementHours.hour, statements: statementHours.statements })
    .from(statementHours)
    .where(and(coarse, hoursIn(range), gt(statementHours.statements, 0)))
    .orderBy(order(statementHours.hour))
    .limit(MOST_COUNTS)
    .as('newest');
  const rows = await store
    .select({ hour: newest.hour, statements: sql<number>`sum(${newest.statements})::float8`, counts: sql<number>`count(*)::int` })
    .from(newest)
    .groupBy(newest.hour)
    .orderBy(order(newest.hour));
  const counts = rows.reduce((sum, row) => sum + row.counts, 0);
  return { hours: rows, complete: counts < MOST_COUNTS };
}
