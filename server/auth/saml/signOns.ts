import { createHash } from 'node:crypto';
import { and, eq, inArray, isNull, lt, or, sql } from 'drizzle-orm';
import { newId } from '../../../db/ids';
import { principals, signOns, usedAssertions } from '../../../db/schema/identity';
import type { SamlNameId } from '../../../db/schema/identityShapes';
import type { Store, StoreHandle, StoreTransaction } from '../../../db/store';
import { IdentityRefused } from '../../../proxy/identity/assertion';
import { recordAction } from '../../actions/record';
import { systemActor } from '../../identity/actor';
import { SESSION_MAX_AGE_S } from '../cookie';
import type { LogoutRequest } from './logoutMessages';

/** What a provider calls somebody's session, kept as long as a console session that rests on it: either side may end it for both. */

/** A cookie is made a moment after the sign-on. */
const KEPT_MS = SESSION_MAX_AGE_S * 1_000 + 3_600_000;

export async function keepSignOn(
  store: StoreHandle,
  signOn: { providerId: string; principalId: string; nameId: SamlNameId; sessionIndex: string | null },
  now: Date,
): Promise<string> {
  await store.delete(signOns).where(lt(signOns.createdAt, new Date(now.getTime() - KEPT_MS)));
  const id = newId('sgn');
  await store.insert(signOns).values({ ...signOn, id, createdAt: now });
  return id;
}

/** Marks a SAML message as believed. @returns false for one that was before: of any number at once, one is the first */
export async function takeOnce(
  tx: StoreTransaction,
  message: { providerId: string; id: string; expiresAt: Date },
  now: Date,
): Promise<boolean> {
  await tx.delete(usedAssertions).where(lt(usedAssertions.expiresAt, now));
  const fresh = await tx
    .insert(usedAssertions)
    .values({ id: createHash('sha256').update(`${message.providerId}\n${message.id}`).digest('hex'), expiresAt: message.expiresAt })
    .onConflictDoNothing()
    .returning({ id: usedAssertions.id });
  return fresh.length > 0;
}

/**
 * Ends the console sessions that a provider's request names, whichever browser they are in.
 * @throws IdentityRefused for a request that was used before
 */
export async function endSignOns(store: Store, provider: { id: string; name: string }, request: LogoutRequest, now: Date): Promise<void> {
  await store.transaction(async (tx) => {
    if (!(await takeOnce(tx, { providerId: provider.id, id: request.id, expiresAt: request.notOnOrAfter }, now)))
      throw new IdentityRefused('the logout request was used before');
    const ended = await tx
      .update(signOns)
      .set({ endedAt: now })
      .where(
        and(
          eq(signOns.providerId, provider.id),
          sql`${signOns.nameId} ->> 'value' = ${request.nameId}`,
          isNull(signOns.endedAt),
          // What was never given an index is all that a name could mean.
          request.sessionIndexes.length === 0
            ? undefined
            : or(inArray(signOns.sessionIndex, request.sessionIndexes), isNull(signOns.sessionIndex)),
        ),
      )
      .returning({ principalId: signOns.principalId });
    if (ended.length === 0) return;
    const people = await tx
      .select({ name: principals.name })
      .from(principals)
      .where(
        inArray(
          principals.id,
          ended.map(({ principalId }) => principalId),
        ),
      );
    for (const { name } of people)
      await recordAction(tx, systemActor, { action: 'console.signOut', subject: name, after: { askedBy: provider.name } });
  });
}
