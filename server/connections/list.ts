import { asc, eq, sql } from 'drizzle-orm';
import { connectionEnforcement, connections, maskingRules } from '../../db/schema/policy';
import { standingOf } from '../../proxy/hardening/enforcement';
import { mayConnect } from '../../proxy/identity/signIn';
import { readTimedAccess } from '../../proxy/identity/timedAccess';
import { readAccess } from '../access/list';
import type { Call } from '../identity/actor';
import { demand, may, seesOnlyOwn } from '../identity/permission';
import type { ConnectionRow } from './shape';

/** The configured upstream databases; a member sees those their groups may open sessions on. */
export async function listConnections({ store, actor }: Call): Promise<ConnectionRow[]> {
  demand(actor, 'connections:own');
  const masking = await store.select().from(maskingRules).orderBy(asc(maskingRules.position), asc(maskingRules.id));
  const stored = await store
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
      audit: connections.audit,
      record: connections.record,
      requestable: connections.requestable,
      passwordFrom: connections.passwordFrom,
      session: connections.session,
      hasPassword: sql<boolean>`password_sealed is not null or password_from is not null`,
      hasTlsKey: sql<boolean>`tls_key_sealed is not null`,
      openSessions: sql<number>`(select count(*)::int from sessions s where s.connection_name = connections.name and s.ended_at is null)`,
      updatedAt: connections.updatedAt,
      proof: {
        state: connectionEnforcement.state,
        maskingDigest: connectionEnforcement.maskingDigest,
        catalogFingerprint: connectionEnforcement.catalogFingerprint,
        role: sql<string>`${connectionEnforcement.report} ->> 'role'`,
        verifiedAt: connectionEnforcement.verifiedAt,
        verifiedBy: connectionEnforcement.verifiedBy,
        policyVersion: connectionEnforcement.policyVersion,
        maskedColumns: sql<number>`jsonb_array_length(${connectionEnforcement.report} -> 'columns')`,
        crossings: sql<number>`jsonb_array_length(${connectionEnforcement.report} -> 'crossings')`,
      },
    })
    .from(connections)
    .leftJoin(connectionEnforcement, eq(connectionEnforcement.connectionId, connections.id))
    .orderBy(asc(connections.name));
  const rows = stored.map(({ proof, ...found }): ConnectionRow => {
    const row = { ...found, passwordFrom: may(actor, 'connections:write') ? found.passwordFrom : null };
    if (proof === null) return { ...row, enforcement: null };
    const { maskingDigest: _digest, catalogFingerprint: _fingerprint, ...shown } = proof;
    // The upstream is not asked here: a list must not wait for it.
    const standing = standingOf({ ...row, enforcement: proof }, masking, null);
    return { ...row, enforcement: { ...shown, outdated: standing === 'outdated' } };
  });
  if (!seesOnlyOwn(actor)) return rows;
  const grants = [...(await readAccess(store)), ...(await readTimedAccess(store))];
  return rows.filter((row) => mayConnect(grants, actor, row.name, new Date()));
}
