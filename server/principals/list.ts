import { asc, eq, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import { principals } from '../../db/schema/identity';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import type { PrincipalRow } from './shape';

export async function listPrincipals({ store, actor }: Call): Promise<PrincipalRow[]> {
  demand(actor, 'principals:read');
  const owners = alias(principals, 'owners');
  const rows = await store
    .select({
      id: principals.id,
      name: principals.name,
      kind: principals.kind,
      email: principals.email,
      slackUserId: principals.slackUserId,
      role: principals.role,
      owner: owners.name,
      groups: sql<
        string[]
      >`array(select g.name from principal_groups pg join groups g on g.id = pg.group_id where pg.principal_id = ${principals.id} order by g.name)`,
      limits: principals.limits,
      disabledAt: principals.disabledAt,
      hasPassword: sql<boolean>`exists (select from local_accounts l where l.principal_id = ${principals.id})`,
      tokens: sql<number>`(select count(*)::int from tokens t where t.principal_id = ${principals.id} and t.revoked_at is null and (t.expires_at is null or t.expires_at > now()))`,
      passkeys: sql<number>`(select count(*)::int from passkeys k where k.principal_id = ${principals.id})`,
      // At the proxy, and in the console by whichever way; of a password the step of its newest code says when.
      lastSeenAt: sql<string | null>`greatest(
        (select max(t.last_used_at) from tokens t where t.principal_id = ${principals.id}),
        (select max(i.last_seen_at) from identities i where i.principal_id = ${principals.id}),
        (select max(k.last_used_at) from passkeys k where k.principal_id = ${principals.id}),
        (select max(n.used_at) from sign_in_links n where n.principal_id = ${principals.id}),
        (select to_timestamp(l.last_step * 30) from local_accounts l where l.principal_id = ${principals.id})
      )`,
    })
    .from(principals)
    .leftJoin(owners, eq(owners.id, principals.ownerId))
    .orderBy(asc(principals.name));
  return rows.map((row) => ({ ...row, lastSeenAt: row.lastSeenAt === null ? null : new Date(row.lastSeenAt) }));
}
