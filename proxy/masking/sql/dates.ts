import type { SqlColumn } from './maskExpression';

/** PostgreSQL's first day is 4714-11-24 BC: what began before it has no value, and an infinity has no year. */
const FIRST: Readonly<Record<'year' | 'month' | 'day', string | null>> = { year: '4713-01-01 BC', month: '4714-12-01 BC', day: null };

/** Dates by their parts, which date_trunc would first make timestamps of; moments with a time zone in UTC, whatever the session's. */
export function dateExpression({ sql, type, family }: SqlColumn, truncate: 'year' | 'month' | 'day'): string | null {
  const first = FIRST[truncate];
  const early = (moment: string) =>
    first === null
      ? ''
      : ` AND ${moment} OPERATOR(pg_catalog.>=) CAST('${first}' AS pg_catalog.${family.kind === 'date' ? 'date' : '"timestamp"'})`;
  const cut = (moment: string, value: string) => `CASE WHEN pg_catalog.isfinite(${sql})${early(moment)} THEN ${value} END`;
  const part = (field: string) => `CAST(EXTRACT(${field} FROM ${sql}) AS pg_catalog.int4)`;
  switch (family.kind) {
    case 'date':
      if (truncate === 'day') return cut(sql, sql);
      return cut(sql, `pg_catalog.make_date(${part('year')}, ${truncate === 'year' ? '1' : part('month')}, 1)`);
    case 'timestamp':
      return cut(sql, `pg_catalog.date_trunc('${truncate}', ${sql})`);
    case 'timestamptz': {
      const moment = `pg_catalog.timezone('UTC', ${sql})`;
      return `CAST(${cut(moment, `pg_catalog.timezone('UTC', pg_catalog.date_trunc('${truncate}', ${moment}))`)} AS ${type})`;
    }
    default:
      return null;
  }
}
