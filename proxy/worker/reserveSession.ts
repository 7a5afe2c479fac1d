import { and, count, eq, isNull, type SQL, sql } from 'drizzle-orm';
import { prepared } from '../../db/prepared';
import { sessions } from '../../db/schema/audit';
import type { StoreTransaction } from '../../db/store';
import type { KnownPrincipal } from '../identity/principal';
import type { ConnectionPolicy } from '../policy/types';
import { tooManySessions } from '../wire/errors';
import type { Gateway } from './gateway';

const COLUMNS = [
  'id',
  'gatewayId',
  'workerId',
  'principalId',
  'principalName',
  'ownerName',
  'connectionName',
  'clientAddress',
  'applicationName',
] as const;
type Place = Record<(typeof COLUMNS)[number], ReturnType<typeof sql.placeholder>>;
const takenPlace = prepared((store) =>
  store
    .insert(sessions)
    .values({
      ...(Object.fromEntries(COLUMNS.map((name) => [name, sql.placeholder(name)])) as Place),
      identity: sql`${sql.placeholder('identity')}::jsonb`,
    })
    .prepare('gatehouse_place'),
);

/**
 * Takes a session's place before its upstream is connected to. Count and insert are one step under a lock a limit, so that sign-ins at the
 * same moment, on any gateway of the store, cannot exceed it together.
 *
 * @throws WireError 53300 naming the limit that is reached; whatever the store throws when it is away: no session opens unseen
 */
export async function reserveSession(
  gateway: Pick<Gateway, 'store' | 'settings'>,
  principal: KnownPrincipal,
  connection: ConnectionPolicy,
  row: Omit<typeof sessions.$inferInsert, 'gatewayId' | 'workerId'>,
): Promise<void> {
  const taken = {
    ownerName: null,
    applicationName: '',
    ...row,
    // JSON null is not SQL's.
    identity: row.identity == null ? null : JSON.stringify(row.identity),
    gatewayId: gateway.settings.gatewayId,
    workerId: gateway.settings.workerId,
  };
  if (connection.limits.maxSessions === undefined && principal.limits.maxSessions === undefined) {
    await takenPlace(gateway.store).execute(taken);
    return;
  }
  await gateway.store.transaction(async (tx) => {
    // Always in this order: two sign-ins that each wait for the other's lock would wait for good.
    await holdTo(tx, 'connection', connection.name, connection.limits.maxSessions, eq(sessions.connectionName, connection.name));
    await holdTo(tx, 'principal', principal.name, principal.limits.maxSessions, eq(sessions.principalId, principal.id));
    await takenPlace(tx).execute(taken);
  });
}

async function holdTo(
  tx: StoreTransaction,
  kind: 'connection' | 'principal',
  name: string,
  limit: number | undefined,
  which: SQL,
): Promise<void> {
  if (limit === undefined) return;
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`gatehouse sessions of ${kind} ${name}`}, 0))`);
  const [row] = await tx
    .select({ open: count() })
    .from(sessions)
    .where(and(which, isNull(sessions.endedAt)));
  if ((row?.open ?? 0) >= limit) throw tooManySessions(kind, name, limit);
}

/** Writes down that PostgreSQL itself keeps masked columns from this session; without it the gateway alone does. */
export async function recordDatabaseEnforced(gateway: Pick<Gateway, 'store'>, id: string): Promise<void> {
  await gateway.store.update(sessions).set({ enforcement: 'database' }).where(eq(sessions.id, id));
}

/** The upstream did not come: there never was a session. */
export async function giveUpSession(gateway: Gateway, id: string): Promise<void> {
  await gateway.store.delete(sessions).where(eq(sessions.id, id));
}
