import { asc, sql } from 'drizzle-orm';
import { connections } from '../../db/schema/policy';
import { mayConnect } from '../../proxy/identity/signIn';
import { readAccess } from '../access/list';
import type { Call } from '../identity/actor';
import { demand, seesOnlyOwn } from '../identity/permission';
import type { ConnectionRow } from './shape';

/** The configured upstream databases; a member sees those their groups may open sessions on. */
export async function listConnections({ store, actor }: Call): Promise<ConnectionRow[]> {
  demand(actor, 'connections:own');
  const rows = await store
    .select({
      id: connections.id,
      name: connections.name,
      host: connections.host,
      port: connections.port,
      database: connections.database,
      username: connections.username,
      tls: connections.tls,
      tlsNegotiation: connections.tlsNegotiation,
      tlsCa: connections.tlsCa,
      tlsCertificate: connections.tlsCertificate,
      default: connections.defaultAction,
      opaque: connections.opaqueAction,
      superuser: connections.superuser,
      functionCall: connections.functionCall,
      limits: connections.limits,
      record: connections.record,
      hasPassword: sql<boolean>`password_sealed is not null`,
      hasTlsKey: sql<boolean>`tls_key_sealed is not null`,
      openSessions: sql<number>`(select count(*)::int from sessions s where s.connection_name = connections.name and s.ended_at is null)`,
      updatedAt: connections.updatedAt,
    })
    .from(connections)
    .orderBy(asc(connections.name));
  if (!seesOnlyOwn(actor)) return rows;
  const grants = await readAccess(store);
  return rows.filter((row) => mayConnect(grants, actor, row.name));
}
