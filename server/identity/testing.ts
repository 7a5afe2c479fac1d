import { sql } from 'drizzle-orm';
import { encode } from 'next-auth/jwt';
import type { Role } from '../../db/schema/shapes';
import type { Store } from '../../db/store';
import { cookieName } from '../auth/cookie';
import { consoleSecret } from '../auth/secret';
import { disablePrincipal } from '../principals/disable';
import { signOutPrincipal } from '../principals/signOut';
import type { TestStore } from '../testing';
import { createToken } from '../tokens/create';
import type { Call } from './actor';

/** Everybody there is to be refused. Whoever cannot ask at all was an administrator, or their token is one's. */
export const EVERYBODY = ['admin', 'reviewer', 'auditor', 'member', 'limited', 'disabled', 'signedOut', 'nobody'] as const;
export type Who = (typeof EVERYBODY)[number];

/** What they ask with. `nobody` has neither; `limited` has a token for the connection alone. */
export interface Person {
  name: string;
  token: string | null;
  cookie: string | null;
}

const ROLES: Record<Who, Role | null> = {
  admin: 'admin',
  reviewer: 'reviewer',
  auditor: 'auditor',
  member: 'member',
  limited: 'admin',
  disabled: 'admin',
  signedOut: 'admin',
  nobody: null,
};

/** Makes them all, as people in these groups. */
export async function everybody(
  db: TestStore,
  root: Call,
  { groups, connection, consoleUrl }: { groups: string[]; connection: string; consoleUrl: string },
): Promise<Record<Who, Person>> {
  const people = {} as Record<Who, Person>;
  for (const who of EVERYBODY) {
    const role = ROLES[who];
    people[who] = { name: who, token: null, cookie: null };
    if (role === null) continue;
    const { actor } = await db.as(role, { name: who, groups });
    const limit = who === 'limited' ? { connections: [connection] } : {};
    const { secret } = await createToken(root, { principal: who, ttlMs: 3_600_000, ...limit });
    const claims = { sub: actor.id, by: null, at: Date.now() };
    const cookie = `${cookieName(consoleUrl)}=${await encode({ token: claims as Record<string, unknown>, secret: consoleSecret(db.secretKey) })}`;
    people[who] = { name: who, token: secret, cookie: who === 'limited' ? null : cookie };
    if (who === 'disabled') await disablePrincipal(root, { id: actor.id });
    if (who === 'signedOut') await signOutPrincipal(root, { principal: who });
  }
  return people;
}

/**
 * What all tables hold, as one hash a table. Left out is what a refusal leaves on purpose: that somebody failed to sign in, and when a token was
 * last given.
 */
export async function contentOf(store: Store): Promise<Record<string, string>> {
  const tables = await store.execute<{ name: string }>(
    sql`SELECT relname AS name FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace`,
  );
  const hashes = tables.rows.map(({ name }) => {
    const row = name === 'tokens' ? sql`(to_jsonb(r) - 'last_used_at')::text` : sql`r::text`;
    const counted = name === 'actions' ? sql`WHERE r.action NOT LIKE '%.signInFailed'` : sql``;
    return sql`SELECT ${name} AS name, md5(string_agg(${row}, ',' ORDER BY ${row})) AS hash FROM ${sql.identifier(name)} r ${counted}`;
  });
  const rows = await store.transaction(async (tx) => {
    // Starting workers for tables of a few rows takes fifty times as long as reading them.
    await tx.execute(sql`SET LOCAL max_parallel_workers_per_gather = 0`);
    return tx.execute<{ name: string; hash: string }>(sql`${sql.join(hashes, sql` UNION ALL `)} ORDER BY 1`);
  });
  return Object.fromEntries(rows.rows.map(({ name, hash }) => [name, hash]));
}
