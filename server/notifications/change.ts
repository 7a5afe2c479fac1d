import { and, eq, sql } from 'drizzle-orm';
import { notificationChannels, notificationDeliveries } from '../../db/schema/notifications';
import { notify, recordAction } from '../actions/record';
import { notFound, ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { idSchema, parseInput } from '../input';
import { lockedChannel, shownOf } from './save';
import { newWebhookSecret, openSecrets, sealSecrets } from './secrets';
import { deliverySchema, enabledSchema } from './shape';

/** How long the secret before a rotation signs beside the new one. */
const OVERLAP_MS = 24 * 3_600_000;

export async function removeChannel({ store, actor }: Call, input: unknown): Promise<{ id: string }> {
  demand(actor, 'notifications:write');
  const { id } = parseInput(idSchema, input);
  return store.transaction(async (tx) => {
    const before = await lockedChannel(tx, id);
    await tx.delete(notificationChannels).where(eq(notificationChannels.id, id));
    await recordAction(tx, actor, { action: 'notification.remove', subject: before.name, before: shownOf(before) });
    return { id };
  });
}

/** Switches a channel on or off. What waits when it is switched off is given up: nobody wants it all at once a week later. */
export async function enableChannel({ store, actor }: Call, input: unknown): Promise<{ id: string }> {
  demand(actor, 'notifications:write');
  const { id, enabled } = parseInput(enabledSchema, input);
  return store.transaction(async (tx) => {
    const before = await lockedChannel(tx, id);
    if ((before.disabledAt === null) === enabled) return { id };
    await tx
      .update(notificationChannels)
      .set({ disabledAt: enabled ? null : sql`now()`, disabledWhy: null })
      .where(eq(notificationChannels.id, id));
    if (!enabled)
      await tx
        .update(notificationDeliveries)
        .set({ state: 'dead', lastError: 'the channel was switched off', endedAt: sql`now()`, leasedUntil: null })
        .where(and(eq(notificationDeliveries.channelId, id), eq(notificationDeliveries.state, 'pending')));
    await recordAction(tx, actor, { action: enabled ? 'notification.enable' : 'notification.disable', subject: before.name });
    return { id };
  });
}

/** A new signing secret, shown this once; the one before it signs too for a day. */
export async function rotateSecret({ store, actor, secretKey }: Call, input: unknown): Promise<{ secret: string; previousUntil: Date }> {
  demand(actor, 'notifications:write');
  const { id } = parseInput(idSchema, input);
  return store.transaction(async (tx) => {
    const before = await lockedChannel(tx, id);
    if (before.config.kind !== 'webhook') throw new ServiceError('INVALID', 'only webhooks are signed with a secret of ours');
    const { secret: previousSecret } = openSecrets(secretKey, before, 'webhook');
    const secret = newWebhookSecret();
    const previousUntil = new Date(Date.now() + OVERLAP_MS);
    await tx
      .update(notificationChannels)
      .set({
        config: { ...before.config, previousSecretUntil: previousUntil.toISOString() },
        secretsSealed: sealSecrets(secretKey, id, { kind: 'webhook', secret, previousSecret }),
        updatedAt: sql`now()`,
      })
      .where(eq(notificationChannels.id, id));
    await recordAction(tx, actor, { action: 'notification.rotate', subject: before.name, after: { previousUntil } });
    return { secret, previousUntil };
  });
}

/** Queues a delivery that was given up once more, with all its tries; the event keeps its id. */
export async function sendAgain({ store, actor }: Call, input: unknown): Promise<{ id: string }> {
  demand(actor, 'notifications:write');
  const { id } = parseInput(deliverySchema, input);
  return store.transaction(async (tx) => {
    const [row] = await tx
      .select({ delivery: notificationDeliveries, channel: notificationChannels })
      .from(notificationDeliveries)
      .innerJoin(notificationChannels, eq(notificationChannels.id, notificationDeliveries.channelId))
      .where(eq(notificationDeliveries.id, id))
      .for('update', { of: notificationDeliveries });
    if (row === undefined) throw notFound('delivery', id);
    if (row.delivery.state !== 'dead')
      throw new ServiceError('CONFLICT', row.delivery.state === 'delivered' ? 'it was delivered already' : 'it is still being tried');
    if (row.channel.disabledAt !== null)
      throw new ServiceError('CONFLICT', `channel ${row.channel.name} is switched off; switch it on first`);
    await tx
      .update(notificationDeliveries)
      .set({ state: 'pending', attempts: 0, nextAttemptAt: sql`now()`, leasedUntil: null, endedAt: null })
      .where(eq(notificationDeliveries.id, id));
    await recordAction(tx, actor, { action: 'notification.sendAgain', subject: row.channel.name, after: { delivery: id } });
    await notify(tx, 'gatehouse_notifications', '');
    return { id };
  });
}
