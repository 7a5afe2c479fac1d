import { eq } from 'drizzle-orm';
import { statements } from '../../db/schema/audit';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { isOwn } from '../identity/scope';

/** Throws NOT_FOUND for a statement that does not exist, and for one that is none of the caller's business. */
export async function demandStatement({ store, actor }: Call, id: string): Promise<void> {
  demand(actor, 'audit:own');
  const [row] = await store
    .select({ principalName: statements.principalName, ownerName: statements.ownerName })
    .from(statements)
    .where(eq(statements.id, id));
  if (row === undefined || !isOwn(actor, row)) throw notFound('statement', id);
}
