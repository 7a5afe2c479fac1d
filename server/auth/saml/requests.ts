import { randomBytes } from 'node:crypto';
import type { CacheProvider } from '@node-saml/node-saml';
import { and, eq, gt, isNull, lt } from 'drizzle-orm';
import { samlRequests } from '../../../db/schema/identity';
import { hashSecret } from '../../../db/secrets';
import type { Store } from '../../../db/store';
import { IdentityRefused } from '../../../proxy/identity/assertion';
import { Unfinished } from '../signOn';
import type { VerifiedResponse } from './response';
import { REQUEST_TTL_MS } from './serviceProvider';
import { takeOnce } from './signOns';

/** Requests are under way in the store, so that the answer may come to any gateway; each is for the browser that began it, and used once. */

/** An xs:ID begins with a letter or an underscore. */
export const newRequestId = (): string => `_${randomBytes(20).toString('hex')}`;

export async function keepRequest(
  store: Store,
  request: { id: string; providerId: string; browser: string; returnTo: string },
  now: Date,
): Promise<void> {
  const { browser, ...row } = request;
  await store.delete(samlRequests).where(lt(samlRequests.expiresAt, now));
  await store
    .insert(samlRequests)
    .values({ ...row, browserHash: hashSecret(browser), expiresAt: new Date(now.getTime() + REQUEST_TTL_MS) });
}

/** For node-saml: what may be answered, by this browser. It is used up in {@link useResponse} and nowhere else. */
export function requestsOf(store: Store, who: { providerId: string; browser: string }): CacheProvider {
  return {
    getAsync: async (id) => {
      const [row] = await store
        .select({ id: samlRequests.id })
        .from(samlRequests)
        .where(open(who, id, new Date()));
      if (row === undefined) throw new Unfinished('the response answers no request that this browser has under way');
      return new Date().toISOString();
    },
    saveAsync: async () => null,
    removeAsync: async () => null,
  };
}

/**
 * Uses up the request and the assertion together. The conditional statements are the decision: of any number of attempts at once, one is it.
 * @returns where the person was going
 * @throws IdentityRefused for an assertion that was used before | Unfinished for a request that was
 */
export async function useResponse(
  store: Store,
  who: { providerId: string; browser: string },
  { requestId, assertionId, notOnOrAfter }: VerifiedResponse,
  now: Date,
): Promise<string> {
  return store.transaction(async (tx) => {
    if (!(await takeOnce(tx, { providerId: who.providerId, id: assertionId, expiresAt: notOnOrAfter }, now)))
      throw new IdentityRefused('the assertion was used before');
    const [request] = await tx
      .update(samlRequests)
      .set({ usedAt: now })
      .where(open(who, requestId, now))
      .returning({ returnTo: samlRequests.returnTo });
    if (request === undefined) throw new Unfinished('the response answers no request that this browser has under way');
    return request.returnTo;
  });
}

const open = ({ providerId, browser }: { providerId: string; browser: string }, id: string, now: Date) =>
  and(
    eq(samlRequests.id, id),
    eq(samlRequests.providerId, providerId),
    eq(samlRequests.browserHash, hashSecret(browser)),
    isNull(samlRequests.usedAt),
    gt(samlRequests.expiresAt, now),
  );
