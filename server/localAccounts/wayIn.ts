import { and, eq, exists, isNull, or, sql } from 'drizzle-orm';
import { identities, identityProviders, principals } from '../../db/schema/identity';
import { localAccounts } from '../../db/schema/localAccounts';
import { passkeys } from '../../db/schema/passkeys';
import type { StoreTransaction } from '../../db/store';
import { ServiceError } from '../errors';
import { relyingParty } from '../passkeys/relyingParty';

/**
 * Throws CONFLICT when a change would leave no administrator with a way to sign in of their own: password, passkey, or a provider that signs
 * people in and knows them. Call it after the change, in its transaction, with the policy locked, so that two do not leave at once.
 */
export async function demandWayIn(tx: StoreTransaction): Promise<void> {
  const byPasskey = exists(tx.select({ one: sql`1` }).from(passkeys).where(eq(passkeys.principalId, principals.id)));
  const byProvider = exists(
    tx
      .select({ one: sql`1` })
      .from(identities)
      .innerJoin(identityProviders, eq(identityProviders.id, identities.providerId))
      .where(
        and(
          eq(identities.principalId, principals.id),
          sql`(${identityProviders.settings} ->> 'type' = 'saml' or ${identityProviders.settings} ? 'console')`,
        ),
      ),
  );
  const [row] = await tx
    .select({ id: principals.id })
    .from(principals)
    .where(
      and(
        eq(principals.role, 'admin'),
        eq(principals.kind, 'human'),
        isNull(principals.disabledAt),
        or(
          exists(tx.select({ one: sql`1` }).from(localAccounts).where(eq(localAccounts.principalId, principals.id))),
          relyingParty().state === 'on' ? byPasskey : undefined,
          byProvider,
        ),
      ),
    )
    .limit(1);
  if (row === undefined)
    throw new ServiceError(
      'CONFLICT',
      'no administrator could sign in without a one-time link any more; register a passkey first, or have another administrator set up a way in',
    );
}
