import { eq } from 'drizzle-orm';
import { localAccounts } from '../../db/schema/localAccounts';
import type { StoreHandle } from '../../db/store';
import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { whyNotOffered } from './offered';

/**
 * The id of the person whose own account it is. Throws FORBIDDEN for a token, which could otherwise make itself a way in that outlives it, and
 * CONFLICT where there are no passwords.
 */
export async function demandOwner({ store, actor }: Pick<Call, 'store' | 'actor'>): Promise<string> {
  demand(actor, 'localAccounts:own');
  if (actor.via !== 'console' || actor.id === null) throw new ServiceError('FORBIDDEN', 'a person does this for themselves in the console');
  const why = await whyNotOffered(store, actor);
  if (why !== null) throw new ServiceError('CONFLICT', why);
  return actor.id;
}

export async function accountOf(store: StoreHandle, principalId: string): Promise<typeof localAccounts.$inferSelect | null> {
  const [row] = await store.select().from(localAccounts).where(eq(localAccounts.principalId, principalId));
  return row ?? null;
}
