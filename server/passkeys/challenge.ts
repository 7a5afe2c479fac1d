import { createHash, randomBytes } from 'node:crypto';
import { eq, lt } from 'drizzle-orm';
import { passkeyChallenges } from '../../db/schema/passkeys';
import type { ApprovalScope } from '../../db/schema/shapes';
import { hashSecret } from '../../db/secrets';
import type { Store } from '../../db/store';

/** How long a person may take with their authenticator. */
export const CHALLENGE_TTL_MS = 5 * 60_000;

/** What one signature of a passkey says, and nothing else. */
export type Purpose =
  | { kind: 'signIn' }
  /** `first`: the person has none that could confirm it. */
  | { kind: 'register'; first: boolean }
  /** One's own passkeys are changed: another is added, or the named one removed. */
  | { kind: 'change'; change: 'add' | { remove: string } }
  /** This request is approved, as it was shown: `digest` is of its text, parameters and who asks (proxy/approvals/digest.ts). */
  | { kind: 'approve'; requestId: string; digest: string; scope: ApprovalScope | null; reason: string | null };

/** For whom a challenge is made: whoever brings it back has to be the same. */
export interface Challenged {
  /** A secret of the browser, or its console session. */
  browser: string;
  /** Null where nobody is signed in yet. */
  principalId: string | null;
  purpose: Purpose;
}

/**
 * A new challenge, kept in the store until it is taken or too old. Half of it is random, half is the hash of its purpose: so the signature
 * itself is over the statement that it approves.
 */
export async function newChallenge(
  store: Store,
  { browser, principalId, purpose }: Challenged,
  now: Date,
): Promise<Uint8Array<ArrayBuffer>> {
  const challenge = Uint8Array.from(Buffer.concat([randomBytes(32), purposeHash(purpose)]));
  await store.delete(passkeyChallenges).where(lt(passkeyChallenges.expiresAt, now));
  await store.insert(passkeyChallenges).values({
    hash: hashSecret(Buffer.from(challenge).toString('base64url')),
    purposeHash: purposeHash(purpose).toString('hex'),
    browserHash: hashSecret(browser),
    principalId,
    expiresAt: new Date(now.getTime() + CHALLENGE_TTL_MS),
  });
  return challenge;
}

/**
 * Takes a challenge out of the store, whatever comes of it: none is ever answered twice, and of any number of attempts at once one has it.
 * @param challenge base64url, as the browser says it was signed
 * @returns whether it was for this browser, person and purpose, and in time
 */
export async function takeChallenge(
  store: Store,
  challenge: string,
  { browser, principalId, purpose }: Challenged,
  now: Date,
): Promise<boolean> {
  const [row] = await store
    .delete(passkeyChallenges)
    .where(eq(passkeyChallenges.hash, hashSecret(challenge)))
    .returning();
  return (
    row !== undefined &&
    row.expiresAt > now &&
    row.browserHash === hashSecret(browser) &&
    row.principalId === principalId &&
    row.purposeHash === purposeHash(purpose).toString('hex')
  );
}

/** SHA-256 over its parts in an order of ours: no two purposes are the same bytes. Pure. */
export const purposeHash = (purpose: Purpose): Buffer =>
  createHash('sha256')
    .update(JSON.stringify(partsOf(purpose)))
    .digest();

function partsOf(purpose: Purpose): unknown[] {
  switch (purpose.kind) {
    case 'signIn':
      return [purpose.kind];
    case 'register':
      return [purpose.kind, purpose.first];
    case 'change':
      return [purpose.kind, purpose.change === 'add' ? ['add'] : ['remove', purpose.change.remove]];
    case 'approve': {
      const { requestId, digest, scope, reason } = purpose;
      return [purpose.kind, requestId, digest, scope?.kind ?? 'once', scope?.kind === 'minutes' ? scope.minutes : 0, reason];
    }
    default:
      return purpose satisfies never;
  }
}
