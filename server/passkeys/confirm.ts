import type { AuthenticatorTransport, PublicKeyCredentialRequestOptionsJSON } from '@simplewebauthn/server';
import { asc, eq } from 'drizzle-orm';
import { z } from 'zod';
import { passkeys } from '../../db/schema/passkeys';
import type { ConfirmedBy } from '../../db/schema/shapes';
import { recordAction } from '../actions/record';
import { ServiceError } from '../errors';
import type { Actor, Call } from '../identity/actor';
import { parseInput } from '../input';
import { CHALLENGE_TTL_MS, newChallenge, type Purpose } from './challenge';
import { type RelyingParty, relyingParty } from './relyingParty';
import { assertionSchema } from './shape';
import { PasskeyRefused, verifyAssertion } from './verifyAssertion';

/** Who may have passkeys and sign with them: a person, at a browser that is signed in to the console. */
export interface AtBrowser {
  actor: Actor & { id: string };
  browser: string;
  party: RelyingParty & { state: 'on' };
}

/** @throws ServiceError in words that say what to do */
export function demandBrowser({ actor, browser }: Pick<Call, 'actor' | 'browser'>): AtBrowser {
  if (actor.id === null || actor.kind !== 'human') throw new ServiceError('FORBIDDEN', 'only people have passkeys');
  if (browser === undefined) throw new ServiceError('FORBIDDEN', 'passkeys are used in the console, signed in with a browser');
  const party = relyingParty();
  if (party.state === 'off') throw new ServiceError('UNAVAILABLE', party.why);
  return { actor: { ...actor, id: actor.id }, browser, party };
}

export type RequestOptions = PublicKeyCredentialRequestOptionsJSON;

/** Asks one of the person's own passkeys to sign for this purpose. @throws ServiceError where they have none */
export async function confirmationOptions(call: Call, purpose: Purpose): Promise<RequestOptions> {
  const { actor, browser, party } = demandBrowser(call);
  const own = await call.store
    .select({ id: passkeys.credentialId, transports: passkeys.transports })
    .from(passkeys)
    .where(eq(passkeys.principalId, actor.id))
    .orderBy(asc(passkeys.createdAt));
  if (own.length === 0) throw new ServiceError('FORBIDDEN', `you have no passkey: register one at ${party.origin}/account`);
  const challenge = await newChallenge(call.store, { browser, principalId: actor.id, purpose }, new Date());
  return {
    challenge: Buffer.from(challenge).toString('base64url'),
    timeout: CHALLENGE_TTL_MS,
    rpId: party.id,
    allowCredentials: own.map(({ id, transports }) => ({ id, type: 'public-key', transports: transports as AuthenticatorTransport[] })),
    userVerification: 'required',
  };
}

/** As a verb takes it; {@link confirm} reads it. */
export const confirmationSchema = z.unknown();

/**
 * Believes that one of the person's own passkeys confirmed this purpose, or refuses and records that.
 * @param subject what the refusal is recorded under
 * @throws ServiceError
 */
export async function confirm(call: Call, purpose: Purpose, confirmation: unknown, subject: string): Promise<ConfirmedBy> {
  const { actor, browser, party } = demandBrowser(call);
  const assertion = parseInput(assertionSchema, confirmation);
  try {
    const { id, name } = await verifyAssertion(call.store, party, { browser, principalId: actor.id, purpose, assertion }, new Date());
    return { id, name };
  } catch (error) {
    if (!(error instanceof PasskeyRefused)) throw error;
    const reason = error.message;
    await call.store.transaction((tx) =>
      recordAction(tx, actor, { action: 'passkey.refused', subject, after: { for: purpose.kind, reason } }),
    );
    throw new ServiceError('FORBIDDEN', `the passkey was not accepted: ${reason}`);
  }
}
