import { and, eq, gt, sql } from 'drizzle-orm';
import { newId } from '../../db/ids';
import { queueEvent } from '../../db/notifications/queue';
import { accessRequests } from '../../db/schema/accessRequests';
import { principals } from '../../db/schema/identity';
import { connections } from '../../db/schema/policy';
import { loadPrincipal } from '../../proxy/identity/principal';
import { mayConnect } from '../../proxy/identity/signIn';
import { readTimedAccess } from '../../proxy/identity/timedAccess';
import { readAccess } from '../access/list';
import { recordAction } from '../actions/record';
import { formatDuration } from '../duration';
import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { describeAccess, readOwnAccessRequest } from './read';
import { type AccessRequestDetail, accessDraftSchema, DECIDE_WITHIN_MS } from './shape';

/**
 * Asks for a connection for a time, for whoever calls. A connection that cannot be asked for is answered like one that does not exist.
 *
 * @throws CONFLICT when the caller has access already, or waits for a decision about it
 */
export async function requestAccess({ store, actor }: Call, input: unknown): Promise<AccessRequestDetail> {
  demand(actor, 'accessRequests:own');
  const draft = parseInput(accessDraftSchema, input);
  return store.transaction(async (tx) => {
    // One at a time a principal: two requests at once would each see no other.
    await tx
      .select({ id: principals.id })
      .from(principals)
      .where(eq(principals.id, actor.id ?? ''))
      .for('update');
    const principal = actor.id === null ? null : await loadPrincipal(tx, actor.id);
    if (principal === null) throw new ServiceError('FORBIDDEN', 'only a principal asks for access');
    const [connection] = await tx.select().from(connections).where(eq(connections.name, draft.connection));
    const requestable = connection?.requestable ?? null;
    if (connection === undefined || requestable === null)
      throw new ServiceError('NOT_FOUND', `connection ${draft.connection} does not exist, or access to it cannot be asked for`);
    if (draft.durationMs > requestable.maxDurationMs)
      throw invalid('durationMs', `at most ${formatDuration(requestable.maxDurationMs)} on ${connection.name}`);
    const grants = [...(await readAccess(tx)), ...(await readTimedAccess(tx))];
    if (mayConnect(grants, principal, connection.name, new Date()))
      throw new ServiceError('CONFLICT', `${principal.name} has access to ${connection.name} already`);
    const [waiting] = await tx
      .select({ id: accessRequests.id })
      .from(accessRequests)
      .where(
        and(
          eq(accessRequests.principalId, principal.id),
          eq(accessRequests.connectionId, connection.id),
          eq(accessRequests.status, 'pending'),
          gt(accessRequests.expiresAt, sql`now()`),
        ),
      );
    if (waiting !== undefined) throw new ServiceError('CONFLICT', `${waiting.id} asks for this already and waits for a decision`);

    const id = newId('acr');
    const asked = { connection: connection.name, durationMs: draft.durationMs, reason: draft.reason };
    await tx.insert(accessRequests).values({
      id,
      principalId: principal.id,
      principalName: principal.name,
      ownerId: principal.owner?.id ?? null,
      ownerName: principal.owner?.name ?? null,
      connectionId: connection.id,
      connectionName: connection.name,
      reason: draft.reason,
      durationMs: draft.durationMs,
      reviewerGroups: requestable.groups,
      required: requestable.count,
      expiresAt: new Date(Date.now() + DECIDE_WITHIN_MS),
    });
    await recordAction(tx, actor, { action: 'access.request', subject: id, after: asked });
    await queueEvent(tx, {
      kind: 'access.requested',
      subject: id,
      connection: connection.name,
      facts: { groups: requestable.groups, required: requestable.count },
    });
    return describeAccess(tx, actor, await readOwnAccessRequest(tx, actor, id));
  });
}

const invalid = (path: string, message: string) => new ServiceError('INVALID', `${path}: ${message}`, { fields: [{ path, message }] });
