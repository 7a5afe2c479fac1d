import { and, eq, isNull } from 'drizzle-orm';
import { principals } from '../../db/schema/identity';
import type { StoreTransaction } from '../../db/store';
import { ServiceError } from '../errors';

/** Throws CONFLICT when a change would leave no person who can administer the gateway. Call it after the change, in its transaction. */
export async function demandAdministrator(tx: StoreTransaction): Promise<void> {
  const [row] = await tx
    .select({ id: principals.id })
    .from(principals)
    .where(and(eq(principals.role, 'admin'), eq(principals.kind, 'human'), isNull(principals.disabledAt)))
    .limit(1);
  if (row === undefined)
    throw new ServiceError('CONFLICT', 'this would leave nobody who can administer the gateway; make another administrator first');
}
