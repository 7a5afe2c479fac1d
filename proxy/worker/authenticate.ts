import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Channel, chooseMethod } from '../identity/chooseMethod';
import { type Credentials, readCredentials } from '../identity/credentials';
import { addMissingVerifier, type SignedIn, signIn, signInProven } from '../identity/signIn';
import { type ScramMechanism, scramServer } from '../scram/server';
import { encodeAuthenticationCleartext } from '../wire/backend';
import * as refuse from '../wire/errors';
import { decodeText } from '../wire/frontend';
import { Frontend } from '../wire/messages';
import {
  decodeSaslInitialResponse,
  decodeSaslResponse,
  encodeAuthenticationSasl,
  encodeAuthenticationSaslContinue,
  encodeAuthenticationSaslFinal,
} from '../wire/sasl';
import type { Arrival } from './arrival';
import type { Gateway } from './gateway';
import { log } from './log';
import { isLoopback } from './loopback';
import { codeOf } from './shownError';

/** A failed sign-in is answered this long after it began, whatever failed, so that its time tells nothing. */
const FAILURE_AFTER_MS = 250;
const MAX_PASSWORD_BYTES = 16_384 + 6;
/** PG_MAX_SASL_MESSAGE_LENGTH, and the message's header. */
const MAX_SASL_BYTES = 1_024 + 5;

/** Asks a client who it is until that is known, up to before AuthenticationOk. @throws WireError when it is not who it says. */
export async function authenticate(gateway: Gateway, arrival: Arrival, user: string): Promise<SignedIn> {
  const { identity } = arrival;
  const channel: Channel =
    identity !== null
      ? { kind: 'tls', bindable: identity.channelBinding !== null }
      : { kind: isLoopback(arrival.socket) ? 'loopback' : 'network' };
  const { signIn: mode } = gateway.settings;
  if (chooseMethod(mode, { channel, onlyInClear: false }).kind === 'password') return byPassword(gateway, arrival, user);
  const credentials = await askStore(() => readCredentials(gateway.store, { user, mockKey: gateway.mockKey, now: new Date() }));
  const method = chooseMethod(mode, { channel, onlyInClear: credentials.onlyInClear });
  switch (method.kind) {
    case 'password':
      return byPassword(gateway, arrival, user);
    case 'sasl':
      return byScram(gateway, arrival, { user, credentials, mechanisms: method.mechanisms });
    default:
      return method satisfies never;
  }
}

async function byPassword(gateway: Gateway, arrival: Arrival, user: string): Promise<SignedIn> {
  arrival.method = 'password';
  arrival.socket.write(encodeAuthenticationCleartext());
  const message = await received(arrival, MAX_PASSWORD_BYTES);
  if (message[0] !== Frontend.password) throw refuse.protocolViolation('expected a password message');
  const password = decodeText(message);
  const signedIn = await verdict(user, () => signIn(gateway.store, { user, password, now: new Date() }));
  if (signedIn.provable) return signedIn;
  addMissingVerifier(gateway.store, signedIn.tokenId, password).catch((error: unknown) => {
    log.warn({ token: signedIn.tokenId, code: codeOf(error) }, 'a token could not be given its SCRAM verifier');
  });
  return signedIn;
}

async function byScram(
  gateway: Gateway,
  arrival: Arrival,
  asked: { user: string; credentials: Credentials; mechanisms: readonly ScramMechanism[] },
): Promise<SignedIn> {
  const { user, credentials, mechanisms } = asked;
  arrival.socket.write(encodeAuthenticationSasl(mechanisms));
  const initial = decodeSaslInitialResponse(await received(arrival, MAX_SASL_BYTES));
  const mechanism = mechanisms.find((offered) => offered === initial.mechanism);
  if (mechanism === undefined)
    throw refuse.saslRefused(
      'client selected an invalid SASL authentication mechanism',
      '08P01',
      `Offered: ${mechanisms.join(', ')}; selected: ${initial.mechanism}.`,
    );
  arrival.method = mechanism;
  let clientFirst = initial.data;
  if (clientFirst === null) {
    arrival.socket.write(encodeAuthenticationSaslContinue(''));
    clientFirst = decodeSaslResponse(await received(arrival, MAX_SASL_BYTES));
  }
  const channelBinding = mechanisms.includes('SCRAM-SHA-256-PLUS') ? (arrival.identity?.channelBinding ?? null) : null;
  const exchange = scramServer(
    clientFirst,
    { mechanism, channelBinding },
    { salt: credentials.salt, iterations: credentials.iterations, nonce: randomBytes(18).toString('base64') },
  );
  arrival.socket.write(encodeAuthenticationSaslContinue(exchange.first));
  const clientFinal = decodeSaslResponse(await received(arrival, MAX_SASL_BYTES));
  let final = '';
  const signedIn = await verdict(user, async () => {
    const proven = exchange.finish(clientFinal, credentials.candidates);
    if (proven === null || proven.matched.tokenId === null) return null;
    final = proven.final;
    return signInProven(gateway.store, { user, tokenId: proven.matched.tokenId, now: new Date() });
  });
  arrival.socket.write(encodeAuthenticationSaslFinal(final));
  return signedIn;
}

async function received(arrival: Arrival, limitBytes: number): Promise<Buffer> {
  const message = await arrival.reader.message(limitBytes);
  if (message === null) throw new ClientLeft();
  return message;
}

/** The client went away before it had said who it is; there is nobody to tell. */
export class ClientLeft extends Error {
  override name = 'ClientLeft';
}

/** Whatever makes a sign-in fail, the same words come after the same time. */
async function verdict(user: string, verify: () => Promise<SignedIn | null>): Promise<SignedIn> {
  const startedMs = performance.now();
  const signedIn = await askStore(verify);
  if (signedIn !== null) return signedIn;
  await delay(Math.max(0, FAILURE_AFTER_MS - (performance.now() - startedMs)));
  throw refuse.signInFailed(user);
}

async function askStore<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof refuse.WireError) throw error;
    log.warn({ code: codeOf(error) }, 'sign-in could not be verified');
    throw refuse.signInUnavailable();
  }
}
