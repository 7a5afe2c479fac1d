import { eq, or } from 'drizzle-orm';
import { principals } from '../../db/schema/identity';
import { localAccounts } from '../../db/schema/localAccounts';
import { recordAction } from '../actions/record';
import { notFound, ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { endSessionsOf } from '../sessions/end';
import { demandOffered } from './offered';
import { removeLocalAccountSchema } from './shape';

/**
 * Takes a person's password, authenticator and recovery codes away: they were lost, or stolen. Console sessions that they opened are over, and
 * so are the person's open sessions. With a sign-in link they set up new ones.
 */
export async function removeLocalAccount({ store, actor }: Call, input: unknown): Promise<{ principal: string }> {
  demand(actor, 'principals:write');
  demandOffered();
  const { principal } = parseInput(removeLocalAccountSchema, input);
  return store.transaction(async (tx) => {
    const [row] = await tx
      .select({ id: principals.id, name: principals.name })
      .from(principals)
      .where(or(eq(principals.id, principal), eq(principals.name, principal)));
    if (row === undefined) throw notFound('principal', principal);
    const removed = await tx.delete(localAccounts).where(eq(localAccounts.principalId, row.id)).returning({ id: localAccounts.id });
    if (removed.length === 0) throw new ServiceError('NOT_FOUND', `${row.name} has no password here`);
    const ended = await endSessionsOf(tx, row.id);
    await recordAction(tx, actor, { action: 'localAccount.remove', subject: row.name, after: { sessionsEnded: ended } });
    return { principal: row.name };
  });
}
