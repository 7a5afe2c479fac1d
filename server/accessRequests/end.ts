import { and, eq, sql } from 'drizzle-orm';
import { queueEvent } from '../../db/notifications/queue';
import { accessRequests } from '../../db/schema/accessRequests';
import { moveAccessVersion, recordAction } from '../actions/record';
import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { idSchema, parseInput } from '../input';
import { describeAccess, mayEnd, readAccessDecisions, readOwnAccessRequest } from './read';
import type { AccessRequestDetail } from './shape';
import { settledWords, statusAt } from './state';

/**
 * Ends a request before its time: withdrawn while it waits, by whoever asked; revoked once access was given, by whoever asked or any
 * reviewer. Running sessions that have no other access end with it.
 */
export async function endAccess({ store, actor }: Call, input: unknown): Promise<AccessRequestDetail> {
  demand(actor, 'accessRequests:own');
  const { id } = parseInput(idSchema, input);
  return store.transaction(async (tx) => {
    await tx.select({ id: accessRequests.id }).from(accessRequests).where(eq(accessRequests.id, id)).for('update');
    const request = await readOwnAccessRequest(tx, actor, id);
    const now = new Date();
    const standing = statusAt(request, now);
    if (standing !== 'pending' && standing !== 'approved')
      throw new ServiceError('CONFLICT', settledWords(request, await readAccessDecisions(tx, [id]), now) ?? 'it has ended');
    if (!mayEnd(actor, request, now))
      throw new ServiceError(
        'FORBIDDEN',
        standing === 'pending' ? 'only whoever asked withdraws a request; reject it instead' : 'only a reviewer takes back access',
      );
    const status = standing === 'pending' ? ('withdrawn' as const) : ('revoked' as const);
    await tx
      .update(accessRequests)
      .set({ status, endedAt: sql`clock_timestamp()`, endedBy: actor.name })
      .where(and(eq(accessRequests.id, id), eq(accessRequests.status, standing)));
    await recordAction(tx, actor, {
      action: status === 'withdrawn' ? 'access.withdraw' : 'access.revoke',
      subject: id,
      before: { status: standing },
      after: { status, principal: request.principalName, connection: request.connectionName },
    });
    if (status === 'revoked') await moveAccessVersion(tx);
    await queueEvent(tx, {
      kind: `access.${status}`,
      subject: id,
      connection: request.connectionName,
      facts: { groups: request.reviewerGroups, by: actor.name },
    });
    return describeAccess(tx, actor, await readOwnAccessRequest(tx, actor, id));
  });
}
