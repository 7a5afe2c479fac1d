import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Channel, chooseMethod, type SaslMechanism } from '../identity/chooseMethod';
import { type Credentials, readCredentials } from '../identity/credentials';
import { addMissingVerifier, type SignedIn, signInProven } from '../identity/signIn';
import { MAX_JWT_BYTES } from '../identity/verifyJwt';
import { scramServer } from '../scram/server';
import type { StartUpRequest } from '../session/settings';
import { encodeAuthenticationCleartext } from '../wire/backend';
import * as refuse from '../wire/errors';
import { decodeText } from '../wire/frontend';
import { Frontend } from '../wire/messages';
import { decodeOauthBearer, encodeOauthFailure, OAUTH_SEPARATOR } from '../wire/oauthBearer';
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
import { oidcProviders, verifySecret } from './verifySecret';
import { stillVouches } from './whyEnded';

/** A failed sign-in is answered this long after it began, whatever failed, so that its time tells nothing. */
const FAILURE_AFTER_MS = 250;
const MAX_PASSWORD_BYTES = MAX_JWT_BYTES + 6;
/** PG_MAX_SASL_MESSAGE_LENGTH, and the message's header. */
const MAX_SASL_BYTES = 1_024 + 5;
/** PG_MAX_AUTH_TOKEN_LENGTH. */
const MAX_BEARER_BYTES = 65_535;
const MAX_OAUTH_BYTES = MAX_BEARER_BYTES + 1_024;

export type SignInRequest = Pick<StartUpRequest, 'user' | 'signIn' | 'issuer'>;

/** Asks a client who it is until that is known, up to before AuthenticationOk. @throws WireError when it is not who it says. */
export async function authenticate(gateway: Gateway, arrival: Arrival, request: SignInRequest): Promise<SignedIn> {
  const { user } = request;
  const { identity } = arrival;
  const channel: Channel =
    identity !== null
      ? { kind: 'tls', bindable: identity.channelBinding !== null }
      : { kind: isLoopback(arrival.socket) ? 'loopback' : 'network' };
  const { signIn: mode } = gateway.settings;
  const facts = { channel, oidc: oidcProviders(gateway).length > 0, asked: request.signIn };
  const usual = chooseMethod(mode, { ...facts, onlyInClear: false });
  if (usual.kind === 'password') return byPassword(gateway, arrival, user);
  if (usual.mechanisms.every((mechanism) => mechanism === 'OAUTHBEARER'))
    return bySasl(gateway, arrival, { request, credentials: null, mechanisms: usual.mechanisms });
  const credentials = await askStore(() => readCredentials(gateway.store, { user, mockKey: gateway.mockKey, now: new Date() }));
  const method = chooseMethod(mode, { ...facts, onlyInClear: credentials.onlyInClear });
  switch (method.kind) {
    case 'password':
      return byPassword(gateway, arrival, user);
    case 'sasl':
      return bySasl(gateway, arrival, { request, credentials, mechanisms: method.mechanisms });
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
  const signedIn = await verdict(gateway, user, () => verifySecret(gateway, secretOf(arrival, user, password, MAX_JWT_BYTES)));
  const { credential } = signedIn;
  if (credential.kind === 'jwt') arrival.method = 'JWT';
  else if (!credential.provable)
    addMissingVerifier(gateway.store, credential.tokenId, password).catch((error: unknown) => {
      log.warn({ token: credential.tokenId, code: codeOf(error) }, 'a token could not be given its SCRAM verifier');
    });
  return signedIn;
}

const secretOf = (arrival: Arrival, user: string, secret: string, maxBytes: number) => ({
  user,
  secret,
  maxBytes,
  onRefused(reason: string) {
    arrival.refusedBecause = reason;
  },
});

async function bySasl(
  gateway: Gateway,
  arrival: Arrival,
  asked: { request: SignInRequest; credentials: Credentials | null; mechanisms: readonly SaslMechanism[] },
): Promise<SignedIn> {
  const { request, credentials, mechanisms } = asked;
  arrival.socket.write(encodeAuthenticationSasl(mechanisms));
  const message = await received(arrival, mechanisms.includes('OAUTHBEARER') ? MAX_OAUTH_BYTES : MAX_SASL_BYTES);
  const initial = decodeSaslInitialResponse(message);
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
    clientFirst = decodeSaslResponse(await received(arrival, mechanism === 'OAUTHBEARER' ? MAX_OAUTH_BYTES : MAX_SASL_BYTES));
  }
  if (mechanism === 'OAUTHBEARER') return byBearer(gateway, arrival, request, clientFirst);
  if (message.length > MAX_SASL_BYTES || credentials === null) throw refuse.scramMalformed('The message is too long.');
  const channelBinding = mechanisms.includes('SCRAM-SHA-256-PLUS') ? (arrival.identity?.channelBinding ?? null) : null;
  const exchange = scramServer(
    clientFirst,
    { mechanism, channelBinding },
    { salt: credentials.salt, iterations: credentials.iterations, nonce: randomBytes(18).toString('base64') },
  );
  arrival.socket.write(encodeAuthenticationSaslContinue(exchange.first));
  const clientFinal = decodeSaslResponse(await received(arrival, MAX_SASL_BYTES));
  let final = '';
  const { user } = request;
  const signedIn = await verdict(gateway, user, async () => {
    const proven = exchange.finish(clientFinal, credentials.candidates);
    if (proven === null || proven.matched.tokenId === null) return null;
    final = proven.final;
    return signInProven(gateway.store, { user, tokenId: proven.matched.tokenId, now: new Date() });
  });
  arrival.socket.write(encodeAuthenticationSaslFinal(final));
  return signedIn;
}

/** RFC 7628: a token as it is, or the question where one can be had. A failure is said in JSON, acknowledged, and then an error as any. */
async function byBearer(gateway: Gateway, arrival: Arrival, request: SignInRequest, clientFirst: string): Promise<SignedIn> {
  const token = decodeOauthBearer(clientFirst);
  const issuer = announced(gateway, request.issuer);
  const sayFailure = async () => {
    const scope = (issuer.device?.scopes ?? ['openid']).join(' ');
    const discovery = `${issuer.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    arrival.socket.write(encodeAuthenticationSaslContinue(encodeOauthFailure({ discovery, scope })));
    if (decodeSaslResponse(await received(arrival, MAX_SASL_BYTES)) !== OAUTH_SEPARATOR)
      throw refuse.protocolViolation('malformed OAUTHBEARER message (answer to a failure)');
  };
  if (token === '') {
    await sayFailure();
    // It asked, and will come again with a token: nobody failed to sign in.
    arrival.socket.write(refuse.encodeFields(refuse.bearerMissing(request.user).fields));
    throw new ClientLeft();
  }
  try {
    return await verdict(gateway, request.user, () => verifySecret(gateway, secretOf(arrival, request.user, token, MAX_BEARER_BYTES)));
  } catch (error) {
    if (error instanceof refuse.WireError) await sayFailure();
    throw error;
  }
}

/** The issuer whose device flow a client is sent to: the one it names, else the first that has one. */
function announced(gateway: Gateway, name: string | null) {
  const providers = oidcProviders(gateway);
  const issuer =
    name === null ? (providers.find(({ device }) => device !== undefined) ?? providers[0]) : providers.find((each) => each.name === name);
  if (issuer === undefined) throw refuse.startUpRefused(`gatehouse.issuer=${name ?? ''} is no identity provider here`);
  return issuer;
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
async function verdict(gateway: Gateway, user: string, verify: () => Promise<SignedIn | null>): Promise<SignedIn> {
  const startedMs = performance.now();
  const signedIn = await askStore(verify);
  // A token that was made from an identity is worth no more than the provider it came from.
  const { providers = [] } = gateway.policy.current();
  if (signedIn !== null && (signedIn.identity === null || stillVouches(providers, signedIn.identity))) return signedIn;
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
