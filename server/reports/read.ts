import { and, eq, gt, gte, lt, type SQL, sql } from 'drizzle-orm';
import { statementForms, statementHours, statementMasks, statementSources, statements } from '../../db/schema/audit';
import type { StoreHandle } from '../../db/store';
import type { Actor } from '../identity/actor';
import { ownSources } from '../identity/scope';
import type { Holds, PrincipalDay, ReportHour } from './shape';
import type { Habit } from './unusual';

/** Habits are of this many days before. */
const HABIT_DAYS = 30;

const inside = (actor: Actor, from: Date, to: Date): SQL | undefined =>
  and(ownSources(actor), gte(statements.at, from), lt(statements.at, to));

/** The two midnights around a day on the clocks of a time zone. */
export async function dayBounds(store: StoreHandle, day: string | null, timeZone: string): Promise<{ day: string; from: Date; to: Date }> {
  const { rows } = await store.execute<{ day: string; from: string; to: string }>(sql`
    with d as (select coalesce(${day}::date, (now() at time zone ${timeZone})::date) as day)
    select to_char(day, 'YYYY-MM-DD') as day,
      extract(epoch from day::timestamp at time zone ${timeZone})::text as "from",
      extract(epoch from (day + 1)::timestamp at time zone ${timeZone})::text as "to" from d`);
  const [row] = rows;
  if (row === undefined) throw new Error('the store has no clock');
  return { day: row.day, from: new Date(Number(row.from) * 1000), to: new Date(Number(row.to) * 1000) };
}

/** The hours between two midnights, 23 or 25 of them where the clocks change. */
export function emptyHours(from: Date, to: Date, timeZone: string): ReportHour[] {
  const clock = new Intl.DateTimeFormat('en', { timeZone, hour: 'numeric', hourCycle: 'h23' });
  const count = Math.round((to.getTime() - from.getTime()) / 3_600_000);
  return Array.from({ length: count }, (_, slot) => {
    const at = new Date(from.getTime() + slot * 3_600_000);
    return { at, hour: Number(clock.format(at)), allow: 0, hold: 0, deny: 0 };
  });
}

const APPROVED = sql`${statements.verdict} = 'hold' and ${statements.status} in ('done', 'failed', 'running', 'rolledBack', 'skipped', 'unknown')`;
const masked = sql`coalesce(${statements.rows}, 0) * coalesce(cardinality(${statementMasks.columns}), 0)
  + (select coalesce(sum((d->>'cells')::bigint), 0) from jsonb_array_elements(coalesce(${statements.detected}, '[]')) d where d->>'mode' = 'enforce')`;
const median = sql<
  number | null
>`percentile_cont(0.5) within group (order by ${statements.waitMs}) filter (where ${statements.verdict} = 'hold')`;

const counts = {
  statements: sql<number>`count(*)::int`,
  rows: sql<number>`coalesce(sum(${statements.rows}), 0)::float8`,
  maskedValues: sql<number>`coalesce(sum(${masked}), 0)::float8`,
  held: sql<number>`count(*) filter (where ${statements.verdict} = 'hold')::int`,
  approved: sql<number>`count(*) filter (where ${APPROVED})::int`,
  rejected: sql<number>`count(*) filter (where ${statements.verdict} = 'hold' and ${statements.status} = 'rejected')::int`,
  medianWaitMs: median,
  denied: sql<number>`count(*) filter (where ${statements.verdict} = 'deny')::int`,
  errors: sql<number>`count(*) filter (where ${statements.status} = 'failed')::int`,
};

interface Counts {
  statements: number;
  rows: number;
  maskedValues: number;
  held: number;
  approved: number;
  rejected: number;
  medianWaitMs: number | null;
  denied: number;
  errors: number;
}

const holdsOf = ({ held, approved, rejected, medianWaitMs }: Counts): Holds => ({
  total: held,
  approved,
  rejected,
  other: held - approved - rejected,
  medianWaitMs,
});

export interface DayRead {
  totals: { statements: number; rows: number; maskedValues: number; holds: Holds; denied: number; errors: number };
  principals: PrincipalDay[];
  hours: ReportHour[];
}

/** What a day came to. `hours` are its empty hours. */
export async function readDay(store: StoreHandle, actor: Actor, from: Date, to: Date, hours: readonly ReportHour[]): Promise<DayRead> {
  const where = inside(actor, from, to);
  const slot = sql<number>`floor((extract(epoch from ${statements.at}) - ${from.getTime() / 1000}::float8) / 3600)::int`;
  const [total] = await store
    .select(counts)
    .from(statements)
    .innerJoin(statementSources, eq(statementSources.id, statements.sourceId))
    .leftJoin(statementMasks, eq(statementMasks.id, statements.maskId))
    .where(where);
  const people = await store
    .select({
      principalName: statementSources.principalName,
      ownerName: sql<string | null>`max(${statementSources.ownerName})`,
      ...counts,
      connections: sql<string[]>`array_agg(distinct ${statementSources.connectionName})`,
    })
    .from(statements)
    .innerJoin(statementSources, eq(statementSources.id, statements.sourceId))
    .leftJoin(statementMasks, eq(statementMasks.id, statements.maskId))
    .where(where)
    .groupBy(statementSources.principalName)
    .orderBy(sql`count(*) desc`, statementSources.principalName);
  const byHour = await store
    .select({
      principalName: statementSources.principalName,
      slot: slot.as('slot'),
      verdict: statements.verdict,
      statements: sql<number>`count(*)::int`,
      rows: sql<number>`coalesce(sum(${statements.rows}), 0)::float8`,
    })
    .from(statements)
    .innerJoin(statementSources, eq(statementSources.id, statements.sourceId))
    .where(where)
    .groupBy(statementSources.principalName, sql`2`, statements.verdict);
  const tables = byName(
    await store
      .selectDistinct({ principalName: statementSources.principalName, names: statementForms.tables })
      .from(statements)
      .innerJoin(statementSources, eq(statementSources.id, statements.sourceId))
      .innerJoin(statementForms, eq(statementForms.id, statements.formId))
      .where(where),
  );
  const columns = byName(
    await store
      .selectDistinct({ principalName: statementSources.principalName, names: statementMasks.columns })
      .from(statements)
      .innerJoin(statementSources, eq(statementSources.id, statements.sourceId))
      .innerJoin(statementMasks, eq(statementMasks.id, statements.maskId))
      .where(where),
  );

  const filled = hours.map((hour) => ({ ...hour }));
  for (const row of byHour) {
    const hour = filled[row.slot];
    if (hour !== undefined) hour[row.verdict] += row.statements;
  }
  const sums = (name: string, of: 'statements' | 'rows') => {
    const result = hours.map(() => 0);
    for (const row of byHour) if (row.principalName === name) result[row.slot] = (result[row.slot] ?? 0) + row[of];
    return result;
  };
  const principals = people.map((row) => ({
    principalName: row.principalName,
    ownerName: row.ownerName,
    statements: row.statements,
    rows: row.rows,
    maskedValues: row.maskedValues,
    maskedColumns: columns.get(row.principalName) ?? [],
    holds: holdsOf(row),
    denied: row.denied,
    errors: row.errors,
    connections: row.connections,
    tables: tables.get(row.principalName) ?? [],
    byHour: sums(row.principalName, 'statements'),
    rowsByHour: sums(row.principalName, 'rows'),
  }));
  const all = total ?? {
    statements: 0,
    rows: 0,
    maskedValues: 0,
    held: 0,
    approved: 0,
    rejected: 0,
    medianWaitMs: null,
    denied: 0,
    errors: 0,
  };
  const { statements: ran, rows, maskedValues, denied, errors } = all;
  return { totals: { statements: ran, rows, maskedValues, holds: holdsOf(all), denied, errors }, principals, hours: filled };
}

/** Every name of a principal once, in order. */
function byName(rows: readonly { principalName: string; names: readonly string[] }[]): Map<string, string[]> {
  const found = new Map<string, Set<string>>();
  for (const { principalName, names } of rows) {
    const known = found.get(principalName) ?? new Set();
    for (const name of names) known.add(name);
    found.set(principalName, known);
  }
  return new Map([...found].map(([principalName, names]) => [principalName, [...names].sort()]));
}

/**
 * The habits of the principals the actor may see, from the days before `from`. They are read from the counts by hour, so that a month of
 * millions of statements is read in a moment; where a zone is not whole hours from UTC, an hour belongs to the day in which it began.
 */
export async function readHabits(store: StoreHandle, actor: Actor, from: Date, timeZone: string): Promise<Habit[]> {
  const before = and(
    ownSources(actor),
    gte(statementHours.hour, new Date(from.getTime() - HABIT_DAYS * 86_400_000)),
    lt(statementHours.hour, from),
    gt(statementHours.statements, 0),
  );
  const local = sql`(${statementHours.hour} at time zone ${timeZone})`;
  const days = await store
    .select({
      principalName: statementSources.principalName,
      day: sql<string>`${local}::date::text`.as('day'),
      rows: sql<number>`coalesce(sum(${statementHours.rows}), 0)::float8`,
      hours: sql<number[]>`array_agg(distinct extract(hour from ${local})::int)`,
    })
    .from(statementHours)
    .innerJoin(statementSources, eq(statementSources.id, statementHours.sourceId))
    .where(before)
    .groupBy(statementSources.principalName, sql`2`);
  const tables = byName(
    await store
      .selectDistinct({ principalName: statementSources.principalName, names: statementForms.tables })
      .from(statementHours)
      .innerJoin(statementSources, eq(statementSources.id, statementHours.sourceId))
      .innerJoin(statementForms, eq(statementForms.id, statementHours.formId))
      .where(before),
  );
  const names = [...new Set(days.map(({ principalName }) => principalName))];
  return names.map((principalName) => ({
    principalName,
    days: days.filter((row) => row.principalName === principalName),
    tables: new Set(tables.get(principalName) ?? []),
  }));
}
