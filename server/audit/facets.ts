import { and, desc, ne, sql } from 'drizzle-orm';
import { statementForms, statementHours, statementSources, statements } from '../../db/schema/audit';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { coarseOfHours, EVERY_FORM, hoursIn, inRange, type Range, splitByHour } from './hours';
import { anyWay } from './keys';
import { parseAuditQuery } from './query';
import { type Resolved, resolveTerms } from './resolve';
import { auditHistogramSchema, type Facet } from './shape';
import { createValueReader } from './values';
import { withinValues } from './withinValues';

/** What only statements can answer is counted over the newest of them; beyond it the counts say `+`. */
const COUNTED = 10_000;
/** The hours are counted over as many of their counts, the newest; beyond it too. */
const COUNTED_HOURS = 150_000;
const MOST_VALUES = 12;
const FIELDS = ['verdict', 'who', 'connection', 'kind', 'table', 'status', 'rule', 'sqlstate', 'app'] as const;

/** The values that a search's statements have, most frequent first, by the words of the query bar that would narrow it to them. */
export async function auditFacets(call: Call, input: unknown): Promise<Facet[]> {
  demand(call.actor, 'audit:own');
  const { q, from, to } = parseInput(auditHistogramSchema, input ?? {});
  const range: Range = { from: from ?? null, to: to ?? null };
  const resolved = await resolveTerms(call, parseAuditQuery(q).terms);
  if (resolved.nothing) return [];
  const byHour = resolved.exact.length === 0 && resolved.texts.length === 0;
  const found = byHour ? [] : await withinValues(call.store, createValueReader(call), resolved, range);
  const hits = byHour ? hitsByHour(call, resolved, range) : statementsOf(call, anyWay(resolved, found), range);
  const { rows } = await call.store.execute<{ field: string; value: string; count: number; capped: boolean }>(sql`
    with hits as materialized (${hits}),
    grouped as materialized (
      select source_id, form_id, verdict, status, sqlstate, rule, sum(n) as n from hits group by 1, 2, 3, 4, 5, 6
    ),
    of_sources as materialized (select source_id, sum(n) as n from grouped group by 1),
    of_forms as materialized (select form_id, sum(n) as n from grouped group by 1),
    pairs as (
      select 'who' as field, o.principal_name as value, n from of_sources join ${statementSources} o on o.id = source_id
      union all select 'connection', o.connection_name, n from of_sources join ${statementSources} o on o.id = source_id
      union all select 'app', nullif(o.application_name, ''), n from of_sources join ${statementSources} o on o.id = source_id
      union all select 'kind', f.kind, n from of_forms join ${statementForms} f on f.id = form_id
      union all select 'table', t.name, n from of_forms join ${statementForms} f on f.id = form_id cross join lateral unnest(f.tables) t(name)
      union all select 'verdict', verdict, sum(n) from grouped group by verdict
      union all select 'status', status, sum(n) from grouped group by status
      union all select 'rule', nullif(rule, ''), sum(n) from grouped group by rule
      union all select 'sqlstate', nullif(sqlstate, ''), sum(n) from grouped group by sqlstate
    ),
    counted as (select field, value, sum(n)::float8 as count from pairs where value is not null group by field, value)
    select field, value, count, (select count(*) from hits) >= ${byHour ? COUNTED_HOURS : COUNTED} as capped from (
      select *, row_number() over (partition by field order by count desc, value) as place from counted where count > 0
    ) ranked where place <= ${MOST_VALUES} order by count desc, value`);
  return FIELDS.map((field) => ({
    field,
    values: rows.filter((row) => row.field === field).map(({ value, count, capped }) => ({ value, count, capped })),
  })).filter((facet) => facet.values.length > 0);
}

function hitsByHour({ store }: Call, resolved: Resolved, range: Range) {
  const { whole, edges } = splitByHour(range);
  // Kinds and tables are asked for, so that the sums over all forms are not enough.
  const coarse =
    resolved.forms === null ? and(coarseOfHours(resolved, false), ne(statementHours.formId, EVERY_FORM)) : coarseOfHours(resolved);
  const hours = sql`(select source_id, form_id, verdict, status, sqlstate, rule, statements as n from ${statementHours}
    where ${and(coarse, hoursIn(whole)) ?? sql`true`} order by hour desc limit ${COUNTED_HOURS})`;
  const parts = edges.map((edge) => sql` union all (${statementsOf({ store }, anyWay(resolved, []), edge)})`);
  return sql`${hours}${sql.join(parts)}`;
}

const statementsOf = ({ store }: Pick<Call, 'store'>, where: ReturnType<typeof and>, range: Range) =>
  store
    .select({
      sourceId: statements.sourceId,
      formId: statements.formId,
      verdict: statements.verdict,
      status: statements.status,
      sqlstate: sql`coalesce(${statements.sqlstate}, '')`.as('sqlstate'),
      rule: sql`coalesce(${statements.rule}, '')`.as('rule'),
      n: sql`1::bigint`.as('n'),
    })
    .from(statements)
    .where(and(where, inRange(range)))
    .orderBy(desc(statements.at), desc(statements.id))
    .limit(COUNTED);
