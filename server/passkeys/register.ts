import type { AuthenticatorTransport } from '@simplewebauthn/server';
import { eq } from 'drizzle-orm';
import { z } from 'zod';
import { newId } from '../../db/ids';
import { principals } from '../../db/schema/identity';
import { passkeys } from '../../db/schema/passkeys';
import { recordAction } from '../actions/record';
import { ServiceError } from '../errors';
import type { Call } from '../identity/actor';
import { demand } from '../identity/permission';
import { parseInput } from '../input';
import { uniquely } from '../policy/names';
import { CHALLENGE_TTL_MS, newChallenge, takeChallenge } from './challenge';
import { confirm, confirmationOptions, confirmationSchema, demandBrowser } from './confirm';
import { countPasskeys } from './list';
import { ALGORITHMS, MOST_PASSKEYS, type PasskeyRow, passkeyNameSchema, registrationSchema } from './shape';
import { clientDataOf, PasskeyRefused, whyRefused } from './verifyAssertion';

const ADD = { kind: 'change', change: 'add' } as const;

/** Whoever has a passkey confirms with it that another is added: a session that was stolen must not get one of its own. */
export async function confirmAdding(call: Call) {
  demand(call.actor, 'passkeys:own');
  return confirmationOptions(call, ADD);
}

/** The first needs no confirmation. */
export const beginRegistrationSchema = z.object({ confirmation: confirmationSchema.optional() });

/** What the browser's `navigator.credentials.create` takes. */
export async function beginRegistration(call: Call, input: unknown) {
  demand(call.actor, 'passkeys:own');
  const { actor, browser, party } = demandBrowser(call);
  const { confirmation } = parseInput(beginRegistrationSchema, input ?? {});
  const own = await call.store
    .select({ id: passkeys.credentialId, transports: passkeys.transports })
    .from(passkeys)
    .where(eq(passkeys.principalId, actor.id));
  demandRoom(own.length);
  if (own.length > 0) {
    if (confirmation === undefined) throw new ServiceError('FORBIDDEN', 'confirm with a passkey of yours that you add another');
    await confirm(call, ADD, confirmation, actor.name);
  }
  const { generateRegistrationOptions } = await import('@simplewebauthn/server');
  return generateRegistrationOptions({
    rpName: 'Gatehouse',
    rpID: party.id,
    userName: actor.name,
    userDisplayName: actor.name,
    // Comes back at sign-in and says whose it is: an id of ours, and no name or address.
    userID: Uint8Array.from(Buffer.from(actor.id)),
    challenge: await newChallenge(
      call.store,
      { browser, principalId: actor.id, purpose: { kind: 'register', first: own.length === 0 } },
      new Date(),
    ),
    timeout: CHALLENGE_TTL_MS,
    attestationType: 'none',
    // An authenticator holds one passkey of a person, not two.
    excludeCredentials: own.map(({ id, transports }) => ({ id, transports: transports as AuthenticatorTransport[] })),
    authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
    supportedAlgorithmIDs: ALGORITHMS,
  });
}

export const registerSchema = z.object({ name: passkeyNameSchema, response: registrationSchema });

/** Keeps the public half of what the authenticator made. */
export async function registerPasskey(call: Call, input: unknown): Promise<PasskeyRow> {
  demand(call.actor, 'passkeys:own');
  const { actor, browser, party } = demandBrowser(call);
  const { name, response } = parseInput(registerSchema, input);
  const first = (await countPasskeys(call.store, actor.id)) === 0;
  const made = await verified({ ...call, browser }, { principalId: actor.id, party, first, response }).catch((error: unknown): never => {
    if (error instanceof PasskeyRefused) throw new ServiceError('FORBIDDEN', `the passkey was not accepted: ${error.message}`);
    throw error;
  });
  const id = newId('psk');
  return uniquely('passkey', name, () =>
    call.store.transaction(async (tx) => {
      // One registration of a person after the other, so that none goes over the limit beside another.
      await tx.select({ id: principals.id }).from(principals).where(eq(principals.id, actor.id)).for('update');
      const has = await countPasskeys(tx, actor.id);
      demandRoom(has);
      // Begun as the first, it was confirmed by none.
      if ((has === 0) !== first) throw new ServiceError('CONFLICT', 'your passkeys changed meanwhile: begin again');
      const [row] = await tx
        .insert(passkeys)
        .values({ id, principalId: actor.id, name, ...made })
        .returning({ createdAt: passkeys.createdAt });
      const { backedUp } = made;
      await recordAction(tx, actor, { action: 'passkey.register', subject: actor.name, after: { id, name, backedUp } });
      return { id, name, backedUp, createdAt: row?.createdAt ?? new Date(), lastUsedAt: null };
    }),
  );
}

/** WebAuthn §7.1. @throws PasskeyRefused */
async function verified(
  { store, browser }: Call & { browser: string },
  {
    principalId,
    party,
    first,
    response,
  }: { principalId: string; party: { id: string; origin: string }; first: boolean; response: z.output<typeof registrationSchema> },
) {
  const client = await clientDataOf(response.response.clientDataJSON);
  if (!(await takeChallenge(store, client.challenge, { browser, principalId, purpose: { kind: 'register', first } }, new Date())))
    throw new PasskeyRefused('the challenge is not for this browser, was answered before, or is too old');
  if (client.crossOrigin) throw new PasskeyRefused('it was made inside a page of another site');
  const { verifyRegistrationResponse } = await import('@simplewebauthn/server');
  const { registrationInfo } = await verifyRegistrationResponse({
    response: { ...response, response: { ...response.response, transports: [] } },
    expectedChallenge: client.challenge,
    expectedOrigin: party.origin,
    expectedRPID: party.id,
    requireUserVerification: true,
    supportedAlgorithmIDs: ALGORITHMS,
  }).catch((error: unknown): never => {
    throw new PasskeyRefused(whyRefused(error));
  });
  if (registrationInfo === undefined) throw new PasskeyRefused('it cannot be verified');
  const { credential, credentialBackedUp } = registrationInfo;
  return {
    credentialId: credential.id,
    publicKey: Buffer.from(credential.publicKey).toString('base64url'),
    counter: credential.counter,
    transports: response.response.transports,
    backedUp: credentialBackedUp,
  };
}

function demandRoom(has: number): void {
  if (has >= MOST_PASSKEYS) throw new ServiceError('CONFLICT', `${MOST_PASSKEYS} passkeys are the most a person has: remove one first`);
}
