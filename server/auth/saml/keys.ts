import { desc, gt, isNull, lte, or } from 'drizzle-orm';
import { z } from 'zod';
import { newId } from '../../../db/ids';
import { samlKeys } from '../../../db/schema/identity';
import { open, seal } from '../../../db/secrets';
import type { Store, StoreTransaction } from '../../../db/store';
import { lockPolicy, recordAction } from '../../actions/record';
import { ServiceError } from '../../errors';
import type { Call } from '../../identity/actor';
import { demand } from '../../identity/permission';
import { parseInput } from '../../input';
import { makeSamlPair } from './certificate';

/** Gatehouse's own SAML pairs: one for the whole store, however many gateways and providers it has, and during a rotation two. */

export interface SamlKey {
  /** PEM. */
  certificate: string;
  /** PEM. @throws when GATEHOUSE_SECRET_KEY does not open it */
  privateKey(): string;
}

export interface SamlKeys {
  /**
   * The oldest: until a rotation ends, providers that have not read our metadata anew know no other; those that have take it too. Then the next one
   * signs.
   */
  signing: SamlKey;
  /** What opens assertions, and what metadata shows; the newest first, because providers encrypt for the first. */
  all: readonly SamlKey[];
}

/** The pairs that hold now; the first is made when it is first asked for. */
export async function readSamlKeys(store: Store, secretKey: Buffer, now: Date): Promise<SamlKeys> {
  const found = await store.select().from(samlKeys).orderBy(desc(samlKeys.createdAt));
  const rows = found.filter(({ endsAt }) => endsAt === null || endsAt > now);
  // What is over is gone, so that a copy of the store made later opens nothing that was sent before.
  if (rows.length < found.length) await store.delete(samlKeys).where(lte(samlKeys.endsAt, now));
  const all = (rows.length > 0 ? rows : await makeFirst(store, secretKey, now)).map(
    ({ id, certificate, keySealed }): SamlKey => ({ certificate, privateKey: () => open(secretKey, keySealed, id) }),
  );
  const signing = all.at(-1);
  if (signing === undefined) throw new Error('the store has no SAML key');
  return { signing, all };
}

type Row = typeof samlKeys.$inferSelect;

const held = (store: Store | StoreTransaction, now: Date): Promise<Row[]> =>
  store
    .select()
    .from(samlKeys)
    .where(or(isNull(samlKeys.endsAt), gt(samlKeys.endsAt, now)))
    .orderBy(desc(samlKeys.createdAt));

/** Whoever reads our metadata may be the first: a pair takes a second to make, so of many at once one makes it. */
let making: Promise<Row[]> | null = null;

function makeFirst(store: Store, secretKey: Buffer, now: Date): Promise<Row[]> {
  making ??= newRow(secretKey, now)
    .then((made) =>
      store.transaction(async (tx) => {
        // Another gateway may have been first.
        await lockPolicy(tx);
        const there = await held(tx, now);
        if (there.length > 0) return there;
        return tx.insert(samlKeys).values(made).returning();
      }),
    )
    .finally(() => {
      making = null;
    });
  return making;
}

async function newRow(secretKey: Buffer, now: Date): Promise<typeof samlKeys.$inferInsert> {
  const { certificate, key } = await makeSamlPair({ name: 'Gatehouse', now });
  const id = newId('smk');
  return { id, certificate, keySealed: seal(secretKey, key, id), createdAt: now };
}

const DAY_MS = 86_400_000;

export const rotateSamlSchema = z.object({
  /** How long the pair of before goes on; 0 ends it at once. */
  overlapMs: z
    .number()
    .int()
    .min(0)
    .max(365 * DAY_MS)
    .default(14 * DAY_MS),
});

export interface SamlRotation {
  id: string;
  /** The new certificate, PEM, for providers that do not read metadata. */
  certificate: string;
  /** From then on it signs, and the pair of before opens nothing. */
  alone: Date;
}

/** Makes the next pair; the one before it signs and opens for the overlap, and both are in the metadata. */
export async function rotateSamlKey({ store, actor, secretKey }: Call, input: unknown): Promise<SamlRotation> {
  demand(actor, 'secrets:rotate');
  const { overlapMs } = parseInput(rotateSamlSchema, input);
  const now = new Date();
  const alone = new Date(now.getTime() + overlapMs);
  const made = await newRow(secretKey, now);
  return store.transaction(async (tx) => {
    await lockPolicy(tx);
    const before = await held(tx, now);
    const ending = before.find(({ endsAt }) => endsAt !== null);
    if (overlapMs > 0 && ending?.endsAt != null)
      throw new ServiceError(
        'CONFLICT',
        `a rotation is under way until ${ending.endsAt.toISOString()}. To end the pairs of before at once: --overlap 0s`,
      );
    if (overlapMs > 0) await tx.update(samlKeys).set({ endsAt: alone }).where(isNull(samlKeys.endsAt));
    else await tx.delete(samlKeys);
    await tx.insert(samlKeys).values(made);
    await recordAction(tx, actor, { action: 'secrets.rotateSaml', subject: made.id, after: { alone } });
    return { id: made.id, certificate: made.certificate, alone };
  });
}
