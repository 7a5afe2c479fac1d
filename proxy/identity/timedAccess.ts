import { and, eq, gt, sql } from 'drizzle-orm';
import { accessRequests } from '../../db/schema/accessRequests';
import { connections } from '../../db/schema/policy';
import type { StoreHandle } from '../../db/store';
import type { TimedAccess } from '../policy/types';

/** Access that was given on request and has not ended. Connections are found by id: a name that was given away takes nothing with it. */
export async function readTimedAccess(store: StoreHandle): Promise<TimedAccess[]> {
  const rows = await store
    .select({ connection: connections.name, principalId: accessRequests.principalId, until: accessRequests.grantedUntil })
    .from(accessRequests)
    .innerJoin(connections, eq(connections.id, accessRequests.connectionId))
    .where(and(eq(accessRequests.status, 'approved'), gt(accessRequests.grantedUntil, sql`now()`)));
  return rows.flatMap(({ until, ...row }) => (until === null ? [] : [{ ...row, until }]));
}
