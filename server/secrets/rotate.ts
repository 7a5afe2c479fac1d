import { randomBytes } from 'node:crypto';
import { desc, eq, inArray, ne } from 'drizzle-orm';
import { z } from 'zod';
import { secretKeys } from '../../db/schema/secretKeys';
import { keyId, knowDataKeys, sealingKey } from '../../db/secrets';
import { lockPolicy, recordAction } from '../actions/record';
import { notFound, ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { getRuntime } from '../runtime';
import type { OperatorKey } from './operatorKey';
import { demandAllOpen, resealAll } from './reseal';
import { READ_EVERY_MS, ROOT, unwrap, wrap, wrapRoot } from './storeKeys';

export const rotateSchema = z.object({
  /** The operator's next key, 32 bytes in base64; made here when left out. */
  key: z.string().max(100).optional(),
});

export interface Rotation {
  /** The operator's key from now on, by id. */
  keyId: string;
  previousKeyId: string;
  /** The key itself, when it was made here and somebody has to bring it to the gateways; null when it was given or is kept in the data directory. */
  key: string | null;
  /** Envelopes that were sealed anew. */
  resealed: number;
}

export const retireSchema = z.object({ keyId: z.string().max(20) });

/** By then every gateway knows the new data key, and seals with it: it settles after two readings, and the third finds it so. */
const HEARD_WITHIN_MS = 3 * READ_EVERY_MS + 1_000;

/**
 * Rotates the keys: a new operator's key opens the store beside the one before, and a new data key seals everything in it. Root and what derives
 * from it stay (masks, words of the search, budgets); the console's cookies do not. Nothing stops: the key before opens until it is retired.
 */
export async function rotateSecrets({ store, actor, secretKey }: Call, input: unknown, heardWithinMs = HEARD_WITHIN_MS): Promise<Rotation> {
  demand(actor, 'secrets:rotate');
  const given = parseInput(rotateSchema, input).key;
  const operator = ownOperatorKey();
  const before = operator.current();
  const next = given === undefined ? randomBytes(32) : Buffer.from(given, 'base64');
  if (next.length !== 32) throw new ServiceError('INVALID', 'key: must be 32 bytes in base64: openssl rand -base64 32');
  if (next.equals(before)) throw new ServiceError('INVALID', 'key: this is the key that is in use');
  await demandAllOpen(store, secretKey);
  const dataKey = randomBytes(32);
  await store.transaction(async (tx) => {
    // Two rotations at once: one after the other.
    await lockPolicy(tx);
    const rows = await tx.select().from(secretKeys);
    const own = rows.filter((row) => row.wrappedBy === keyId(before));
    const others = rows.find((row) => row.wrappedBy !== keyId(before));
    if (others !== undefined)
      throw new ServiceError(
        'CONFLICT',
        `a rotation is under way: ${keyId(before)} and ${others.wrappedBy} both open the store. Bring the newer to every gateway, restart them, and retire the older: gatehouse secrets retire ID`,
      );
    if (own.length === 0) await tx.insert(secretKeys).values(wrapRoot(before, secretKey));
    const kept = own.length === 0 ? [{ ...wrapRoot(before, secretKey), createdAt: new Date() }] : own;
    await tx.insert(secretKeys).values(kept.map((row) => ({ ...wrap(next, row.id, unwrap(before, row)), createdAt: row.createdAt })));
    await tx.insert(secretKeys).values([before, next].map((holder) => wrap(holder, keyId(dataKey), dataKey)));
    await recordAction(tx, actor, { action: 'secrets.rotate', subject: keyId(next), before: { key: keyId(before) } });
  });
  const kept = operator.keep(next);
  await operator.spread();
  await new Promise((resolve) => setTimeout(resolve, heardWithinMs));
  knowDataKeys(secretKey, [dataKey]);
  await operator.spread();
  const resealed = await store.transaction((tx) => resealAll(tx, secretKey, dataKey));
  if (kept) await retireSecrets({ store, actor, secretKey }, { keyId: keyId(before) });
  return {
    keyId: keyId(next),
    previousKeyId: keyId(before),
    key: given === undefined && !kept ? next.toString('base64') : null,
    resealed,
  };
}

/**
 * Ends a rotation: an operator's key of before no longer opens the store, nor is its data key of long before in it. What a gateway sealed with
 * one of them before it heard of the rotation is sealed anew first.
 */
export async function retireSecrets({ store, actor, secretKey }: Call, input: unknown): Promise<{ resealed: number }> {
  demand(actor, 'secrets:rotate');
  const { keyId: id } = parseInput(retireSchema, input);
  const operator = ownOperatorKey();
  if (id === keyId(operator.current()))
    throw new ServiceError('CONFLICT', `${id} is the key in use: rotate first, and retire the one of before`);
  await operator.spread();
  return store.transaction(async (tx) => {
    await lockPolicy(tx);
    const slots = await tx.select({ wrappedBy: secretKeys.wrappedBy }).from(secretKeys).where(eq(secretKeys.id, ROOT));
    if (!slots.some((slot) => slot.wrappedBy === id)) throw notFound('secret key', id);
    if (!slots.some((slot) => slot.wrappedBy === keyId(operator.current())))
      throw new ServiceError('CONFLICT', 'this gateway runs with a key that was retired: restart it with the newer one');
    const current = sealingKey(secretKey);
    const resealed = await resealAll(tx, secretKey, current);
    await tx.delete(secretKeys).where(eq(secretKeys.wrappedBy, id));
    // The data key before the present one stays until the next time: somewhere a transaction that began before may still end.
    const dataKeys = await tx.select().from(secretKeys).where(ne(secretKeys.id, ROOT)).orderBy(desc(secretKeys.createdAt));
    const gone = dataKeys.slice(2).map((row) => row.id);
    if (gone.length > 0) await tx.delete(secretKeys).where(inArray(secretKeys.id, gone));
    await recordAction(tx, actor, { action: 'secrets.retire', subject: id });
    return { resealed };
  });
}

function ownOperatorKey(): OperatorKey {
  const { operatorKey } = getRuntime();
  if (operatorKey === undefined) throw new ServiceError('UNAVAILABLE', 'the gateway is still starting');
  return operatorKey;
}
