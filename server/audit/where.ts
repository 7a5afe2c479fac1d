import { and, eq, gt, gte, ilike, like, lt, lte, type SQL, sql } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import { statements } from '../../db/schema/audit';
import type { AuditTerm, Comparison } from './query';

/** The condition of a parsed query. */
export const whereOf = (terms: readonly AuditTerm[]): SQL | undefined => and(...terms.map(conditionOf));

function conditionOf(term: AuditTerm): SQL | undefined {
  switch (term.field) {
    case 'who':
      return named(statements.principalName, term.value);
    case 'owner':
      return named(statements.ownerName, term.value);
    case 'connection':
      return named(statements.connectionName, term.value);
    case 'kind':
      // A verb covers its objects, as in rules: DROP finds DROP TABLE.
      return sql`(${named(statements.kind, term.value.toUpperCase())} or ${like(statements.kind, `${escapeLike(term.value.toUpperCase())} %`)})`;
    case 'table':
      return sql`exists (select 1 from jsonb_array_elements(${statements.relations}) r where r->>'name' like ${tablePattern(term.value)} or '.' || (r->>'name') like ${`%.${tablePattern(term.value)}`})`;
    case 'masked':
      return sql`(exists (select 1 from jsonb_array_elements_text(${statements.maskedColumns}) c where c like ${`%${globPattern(term.value)}%`})
        or exists (select 1 from jsonb_array_elements(${statements.detected}) d where d->>'detector' like ${`%${globPattern(term.value)}%`}))`;
    case 'session':
      return eq(statements.sessionId, term.value);
    case 'request':
      return eq(statements.requestId, term.value);
    case 'rule':
      return named(statements.rule, term.value);
    case 'status':
      return sql`${statements.status} = ${term.value.toLowerCase()}`;
    case 'sqlstate':
      return named(statements.sqlstate, term.value.toUpperCase());
    case 'app':
      return named(statements.applicationName, term.value);
    case 'fingerprint':
      return named(statements.fingerprint, term.value.toLowerCase());
    case 'verdict':
      return eq(statements.verdict, term.value);
    case 'rows':
      return compared(statements.rows, term.comparison, term.value);
    case 'duration':
      return compared(statements.durationMs, term.comparison, term.value);
    case 'text':
      return ilike(statements.sql, `%${escapeLike(term.value)}%`);
    default:
      return term satisfies never;
  }
}

const escapeLike = (text: string): string => text.replace(/[\\%_]/g, '\\$&');
const globPattern = (glob: string): string => escapeLike(glob).replaceAll('*', '%');
const tablePattern = globPattern;

const named = (column: PgColumn, glob: string): SQL => (glob.includes('*') ? like(column, globPattern(glob)) : eq(column, glob));

function compared(column: PgColumn, comparison: Comparison, value: number): SQL {
  switch (comparison) {
    case '=':
      return eq(column, value);
    case '>':
      return gt(column, value);
    case '>=':
      return gte(column, value);
    case '<':
      return lt(column, value);
    case '<=':
      return lte(column, value);
    default:
      return comparison satisfies never;
  }
}
