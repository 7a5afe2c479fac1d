import { newId } from '../../db/ids';
import { queueEvent } from '../../db/notifications/queue';
import { actions } from '../../db/schema/audit';
import type { Store } from '../../db/store';

export interface BreakGlassUse {
  statementId: string;
  sessionId: string;
  principalId: string;
  principalName: string;
  ownerName: string | null;
  connectionName: string;
  rule: string;
  reviewerGroups: readonly string[];
  reason: string;
}

/**
 * Says that a statement is about to run without the approval it needs, where people look: the record of actions and the notifications.
 * @throws when the store does not answer: what cannot be announced does not run
 */
export async function announceBreakGlass(store: Store, use: BreakGlassUse): Promise<void> {
  const { statementId, connectionName, rule, reason } = use;
  await store.transaction(async (tx) => {
    await tx.insert(actions).values({
      id: newId('act'),
      actorId: use.principalId,
      actorName: use.principalName,
      via: 'system',
      action: 'breakGlass.used',
      subject: statementId,
      after: { reason, rule, connection: connectionName, sessionId: use.sessionId, owner: use.ownerName },
    });
    await queueEvent(tx, {
      kind: 'breakGlass.used',
      subject: statementId,
      connection: connectionName,
      facts: { principal: use.principalName, owner: use.ownerName, by: use.principalName, reason, rule, groups: [...use.reviewerGroups] },
    });
  });
}
