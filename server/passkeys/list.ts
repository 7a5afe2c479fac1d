import { asc, count, eq, or } from 'drizzle-orm';
import { z } from 'zod';
import { principals } from '../../db/schema/identity';
import { passkeys } from '../../db/schema/passkeys';
import type { StoreHandle } from '../../db/store';
import { notFound, ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { whereTaken } from './relyingParty';
import { MOST_PASSKEYS, type OwnPasskeys, type PasskeyRow } from './shape';

/** One's own, and where they can be used. */
export async function ownPasskeys({ store, actor }: Call): Promise<OwnPasskeys> {
  demand(actor, 'passkeys:own');
  if (actor.id === null) throw new ServiceError('UNAUTHORIZED', 'sign in first');
  return {
    rows: await readPasskeys(store, actor.id),
    most: MOST_PASSKEYS,
    ...whereTaken(),
  };
}

/** Who: a principal's id or its name. */
export const passkeysOfSchema = z.object({ principal: z.string().min(1).max(64) });

/** A principal's passkeys: what tells them apart, and nothing that could be used. */
export async function listPasskeys({ store, actor }: Call, input: unknown): Promise<PasskeyRow[]> {
  demand(actor, 'principals:read');
  const { principal } = parseInput(passkeysOfSchema, input);
  const [row] = await store
    .select({ id: principals.id })
    .from(principals)
    .where(or(eq(principals.id, principal), eq(principals.name, principal)));
  if (row === undefined) throw notFound('principal', principal);
  return readPasskeys(store, row.id);
}

/** How many a principal has. */
export async function countPasskeys(store: StoreHandle, principalId: string | null): Promise<number> {
  const [row] = await store
    .select({ has: count() })
    .from(passkeys)
    .where(eq(passkeys.principalId, principalId ?? ''));
  return row?.has ?? 0;
}

const readPasskeys = (store: StoreHandle, principalId: string): Promise<PasskeyRow[]> =>
  store
    .select({
      id: passkeys.id,
      name: passkeys.name,
      backedUp: passkeys.backedUp,
      createdAt: passkeys.createdAt,
      lastUsedAt: passkeys.lastUsedAt,
    })
    .from(passkeys)
    .where(eq(passkeys.principalId, principalId))
    .orderBy(asc(passkeys.createdAt), asc(passkeys.id));
