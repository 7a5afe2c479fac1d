import { and, eq } from 'drizzle-orm';
import { z } from 'zod';
import { principals } from '../../db/schema/identity';
import { passkeys } from '../../db/schema/passkeys';
import { recordAction } from '../actions/record';
import { notFound, ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { idSchema, parseInput } from '../input';
import { confirm, confirmationOptions, confirmationSchema, type RequestOptions } from './confirm';
import { passkeyNameSchema } from './shape';

export const renamePasskeySchema = z.object({ id: z.string(), name: passkeyNameSchema });

/** Calls one of one's own something else. */
export async function renamePasskey({ store, actor }: Call, input: unknown): Promise<{ id: string }> {
  demand(actor, 'passkeys:own');
  const { id, name } = parseInput(renamePasskeySchema, input);
  return store.transaction(async (tx) => {
    const own = and(eq(passkeys.id, id), eq(passkeys.principalId, actor.id ?? ''));
    const [before] = await tx.select({ name: passkeys.name }).from(passkeys).where(own).for('update');
    if (before === undefined) throw notFound('passkey', id);
    await tx.update(passkeys).set({ name }).where(own);
    await recordAction(tx, actor, {
      action: 'passkey.rename',
      subject: actor.name,
      before: { id, name: before.name },
      after: { id, name },
    });
    return { id };
  });
}

/** Asks for the signature that removing one of one's own takes. */
export async function confirmRemoving(call: Call, input: unknown): Promise<RequestOptions> {
  demand(call.actor, 'passkeys:own');
  const { id } = parseInput(idSchema, input);
  return confirmationOptions(call, { kind: 'change', change: { remove: id } });
}

export const removePasskeySchema = z.object({ id: z.string(), confirmation: confirmationSchema.optional() });

/**
 * Removes a passkey, and with it the console sessions that it opened. One's own in the console by a signature of any of one's own, so that a
 * stolen session cannot put another in its place; an administrator removes those of others, and their own from the command line.
 */
export async function removePasskey(call: Call, input: unknown): Promise<{ id: string; principal: string }> {
  const { store, actor } = call;
  demand(actor, 'passkeys:own');
  const { id, confirmation } = parseInput(removePasskeySchema, input);
  const [row] = await store
    .select({ name: passkeys.name, principalId: passkeys.principalId, principal: principals.name })
    .from(passkeys)
    .innerJoin(principals, eq(principals.id, passkeys.principalId))
    .where(eq(passkeys.id, id));
  // Whoever may not remove it does not learn whether it exists.
  if (row === undefined || (row.principalId !== actor.id && actor.role !== 'admin')) throw notFound('passkey', id);
  if (row.principalId === actor.id && (call.browser !== undefined || actor.role !== 'admin')) {
    if (confirmation === undefined) throw new ServiceError('FORBIDDEN', 'confirm with a passkey of yours that you remove one');
    await confirm(call, { kind: 'change', change: { remove: id } }, confirmation, actor.name);
  }
  return store.transaction(async (tx) => {
    const gone = await tx.delete(passkeys).where(eq(passkeys.id, id)).returning({ id: passkeys.id });
    if (gone.length === 0) throw notFound('passkey', id);
    await recordAction(tx, actor, { action: 'passkey.remove', subject: row.principal, before: { id, name: row.name } });
    return { id, principal: row.principal };
  });
}
