import { and, eq } from 'drizzle-orm';
import { identities, identityProviders, principalGroups, principals } from '../../db/schema/identity';
import { movePolicyVersion, recordAction } from '../actions/record';
import { notFound } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { idSchema, parseInput } from '../input';
import { endSessionsOf } from '../sessions/end';

/**
 * Parts a provider's subject from its principal: the person has another account there now, or was never the same. What the provider said of
 * groups goes with it, and open sessions end. The next sign-in links anew, by name.
 */
export async function unlinkIdentity({ store, actor }: Call, input: unknown): Promise<{ id: string }> {
  demand(actor, 'principals:write');
  const { id } = parseInput(idSchema, input);
  return store.transaction(async (tx) => {
    await movePolicyVersion(tx);
    const [row] = await tx
      .select({ principalId: identities.principalId, subject: identities.subject, providerId: identities.providerId })
      .from(identities)
      .where(eq(identities.id, id));
    if (row === undefined) throw notFound('identity', id);
    const [principal] = await tx.select({ name: principals.name }).from(principals).where(eq(principals.id, row.principalId));
    const [provider] = await tx
      .select({ name: identityProviders.name })
      .from(identityProviders)
      .where(eq(identityProviders.id, row.providerId));
    await tx.delete(identities).where(eq(identities.id, id));
    await tx
      .delete(principalGroups)
      .where(and(eq(principalGroups.principalId, row.principalId), eq(principalGroups.source, row.providerId)));
    const ended = await endSessionsOf(tx, row.principalId);
    await recordAction(tx, actor, {
      action: 'identity.unlink',
      subject: principal?.name ?? row.principalId,
      before: { provider: provider?.name, subject: row.subject },
      after: { sessionsEnded: ended },
    });
    return { id };
  });
}
