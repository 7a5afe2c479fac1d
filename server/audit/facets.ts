import { and, desc, gte, lt, sql } from 'drizzle-orm';
import { statements } from '../../db/schema/audit';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { ownStatements } from '../identity/scope';
import { parseInput } from '../input';
import { parseAuditQuery } from './query';
import { auditHistogramSchema, type Facet } from './shape';
import { whereOf } from './where';

/** Counted are the newest statements a search finds, at most this many: beyond it the counts say `+`. */
const COUNTED = 10_000;
const MOST_VALUES = 12;
const FIELDS = ['verdict', 'who', 'connection', 'kind', 'table', 'status', 'rule', 'sqlstate', 'app'] as const;

/** The values that a search's statements have, most frequent first, by the words of the query bar that would narrow it to them. */
export async function auditFacets({ store, actor }: Call, input: unknown): Promise<Facet[]> {
  demand(actor, 'audit:own');
  const { q, from, to } = parseInput(auditHistogramSchema, input ?? {});
  const hits = store
    .select({
      principalName: statements.principalName,
      connectionName: statements.connectionName,
      kind: statements.kind,
      verdict: statements.verdict,
      status: statements.status,
      rule: statements.rule,
      sqlstate: statements.sqlstate,
      applicationName: statements.applicationName,
      relations: statements.relations,
    })
    .from(statements)
    .where(
      and(
        ownStatements(actor),
        whereOf(parseAuditQuery(q).terms),
        from == null ? undefined : gte(statements.at, from),
        to == null ? undefined : lt(statements.at, to),
      ),
    )
    .orderBy(desc(statements.at), desc(statements.id))
    .limit(COUNTED)
    .as('hits');
  const { rows } = await store.execute<{ field: string; value: string; count: number; hits: number }>(sql`
    with hits as materialized (select * from ${hits}),
    pairs as (
      select f.field, f.value from hits cross join lateral (values
        ('who', principal_name), ('connection', connection_name), ('kind', kind), ('verdict', verdict), ('status', status),
        ('rule', rule), ('sqlstate', sqlstate), ('app', nullif(application_name, ''))) f(field, value)
      where f.value is not null
      union all
      select 'table', t.name from hits cross join lateral (select distinct r->>'name' as name from jsonb_array_elements(relations) r) t
    ),
    counted as (select field, value, count(*)::int as count from pairs group by field, value)
    select field, value, count, (select count(*)::int from hits) as hits from (
      select *, row_number() over (partition by field order by count desc, value) as place from counted
    ) ranked where place <= ${MOST_VALUES} order by count desc, value`);
  const capped = (rows[0]?.hits ?? 0) >= COUNTED;
  return FIELDS.map((field) => ({
    field,
    values: rows.filter((row) => row.field === field).map(({ value, count }) => ({ value, count, capped })),
  })).filter((facet) => facet.values.length > 0);
}
