import { and, type SQL, sql } from 'drizzle-orm';
import { sessions, statements } from '../../db/schema/audit';
import type { Call } from '../identity/actor';
import { anyOf, named } from './globs';
import type { AuditTerm } from './query';

export type IdentityTerm = Extract<AuditTerm, { field: 'sub' | 'issuer' | 'agent' }>;

/** Sessions that are named one by one; of more, each statement found is asked for its own. */
const MOST_SESSIONS = 5_000;

const text = (name: string): SQL => sql`(${sessions.identity} ->> ${sql.raw(`'${name}'`)})`;
const claim = (name: string): SQL => sql`(${sessions.identity} -> ${sql.raw(`'${name}'`)})`;

/** A name in full is found by its index. */
const among = (list: SQL, glob: string): SQL =>
  glob.includes('*')
    ? sql`(${list} <> '[]' and exists (select 1 from jsonb_array_elements_text(${list}) a(sub) where ${named(sql`a.sub`, glob)}))`
    : sql`${list} ? ${glob}`;

function holds({ field, value }: IdentityTerm): SQL {
  switch (field) {
    case 'sub':
      return named(text('subject'), value);
    case 'issuer':
      // By its address, or by the name that the policy gives it.
      return sql`(${named(text('issuer'), value)} or ${named(text('provider'), value)})`;
    case 'agent':
      // Whoever acts for the subject, and the client that was given the token.
      return sql`(${among(claim('actors'), value)} or ${named(text('client'), value)})`;
    default:
      return field satisfies never;
  }
}

/** Statements of sessions that a provider vouched for by all of this; null when there is no such session. */
export async function byIdentity(store: Call['store'], terms: readonly IdentityTerm[]): Promise<SQL | null> {
  const where = and(sql`${sessions.identity} is not null`, ...terms.map(holds));
  const found = await store
    .select({ id: sessions.id })
    .from(sessions)
    .where(where)
    .limit(MOST_SESSIONS + 1);
  if (found.length === 0) return null;
  if (found.length > MOST_SESSIONS)
    return sql`exists (select 1 from ${sessions} where ${and(sql`${sessions.id} = ${statements.sessionId}`, where)})`;
  return anyOf(
    statements.sessionId,
    found.map(({ id }) => id),
    'text',
  );
}
