import { and, eq, or, sql } from 'drizzle-orm';
import { passkeys } from '../../db/schema/passkeys';
import type { Store } from '../../db/store';
import { type Challenged, takeChallenge } from './challenge';
import type { RelyingParty } from './relyingParty';
import type { Assertion } from './shape';

/** An assertion is not believed. Its message is for the record, and holds nothing that was sent. */
export class PasskeyRefused extends Error {
  override name = 'PasskeyRefused';
}

export interface ProvedPasskey {
  id: string;
  name: string;
  principalId: string;
}

/**
 * Proves that a registered passkey signed a challenge of ours, for this browser and purpose, with its person verified (WebAuthn §7.2). The
 * challenge is used up by asking, and the passkey's counter moves with the answer.
 * @throws PasskeyRefused
 */
export async function verifyAssertion(
  store: Store,
  party: RelyingParty,
  { assertion, ...challenged }: Challenged & { assertion: Assertion },
  now: Date,
): Promise<ProvedPasskey> {
  if (party.state === 'off') throw new PasskeyRefused(party.why);
  const client = await clientDataOf(assertion.response.clientDataJSON);
  if (!(await takeChallenge(store, client.challenge, challenged, now)))
    throw new PasskeyRefused('the challenge is not for this browser and purpose, was answered before, or is too old');
  if (client.crossOrigin) throw new PasskeyRefused('it was signed inside a page of another site');
  const [passkey] = await store.select().from(passkeys).where(eq(passkeys.credentialId, assertion.id));
  if (passkey === undefined) throw new PasskeyRefused('the passkey is not known here');
  if (challenged.principalId !== null && passkey.principalId !== challenged.principalId)
    throw new PasskeyRefused('the passkey is another person’s');
  const { clientDataJSON, authenticatorData, signature, userHandle } = assertion.response;
  // Where nobody has said who they are, the authenticator has to (§7.2 step 6).
  if (userHandle == null ? challenged.principalId === null : Buffer.from(userHandle, 'base64url').toString() !== passkey.principalId)
    throw new PasskeyRefused('the passkey was made for another account');

  const { verifyAuthenticationResponse } = await import('@simplewebauthn/server');
  const { verified, authenticationInfo } = await verifyAuthenticationResponse({
    response: { ...assertion, response: { clientDataJSON, authenticatorData, signature } },
    expectedChallenge: client.challenge,
    expectedOrigin: party.origin,
    expectedRPID: party.id,
    credential: { id: passkey.credentialId, publicKey: bytesOf(passkey.publicKey), counter: passkey.counter },
    requireUserVerification: true,
  }).catch((error: unknown): never => {
    throw new PasskeyRefused(whyRefused(error));
  });
  if (!verified) throw new PasskeyRefused('the signature is not the passkey’s');

  // Two signatures may be looked at beside each other: the counter that stands now decides.
  const { newCounter, credentialBackedUp } = authenticationInfo;
  const moved = await store
    .update(passkeys)
    .set({ counter: newCounter, backedUp: credentialBackedUp, lastUsedAt: now })
    .where(
      and(eq(passkeys.id, passkey.id), or(sql`${passkeys.counter} < ${newCounter}`, and(eq(passkeys.counter, 0), sql`${newCounter} = 0`))),
    )
    .returning({ id: passkeys.id });
  if (moved.length === 0) throw new PasskeyRefused(COPY);
  return { id: passkey.id, name: passkey.name, principalId: passkey.principalId };
}

const COPY = 'its counter did not grow, as that of a copy does not';

const bytesOf = (base64url: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(base64url, 'base64url'));

/** What the browser says it had signed. @throws PasskeyRefused */
export async function clientDataOf(clientDataJSON: string): Promise<{ challenge: string; crossOrigin: boolean }> {
  const { decodeClientDataJSON } = await import('@simplewebauthn/server/helpers');
  try {
    const { challenge, crossOrigin } = decodeClientDataJSON(clientDataJSON);
    if (typeof challenge === 'string' && challenge.length <= 200) return { challenge, crossOrigin: crossOrigin === true };
  } catch {
    // Said below.
  }
  throw new PasskeyRefused('what the browser sent cannot be read');
}

/** The library quotes what was sent; the record gets our words. */
const WORDS: readonly [RegExp, string][] = [
  [/response origin/, 'it was signed for another origin'],
  [/top origin/, 'it was signed inside a page of another site'],
  [/RP ?ID/i, 'it was signed for another host name'],
  [/response type/, 'it is an answer to something else'],
  [/not present/, 'nobody was present'],
  [/[Uu]ser verification/, 'its person was not verified: a PIN, a finger or a face is asked for'],
  [/counter/, COPY],
  [/algorithm|\balg\b/i, 'its algorithm is not taken'],
];

/** Pure. */
export function whyRefused(error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  return WORDS.find(([pattern]) => pattern.test(message))?.[1] ?? 'it cannot be verified';
}
