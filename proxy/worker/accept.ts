import type net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { and, count, eq, isNull } from 'drizzle-orm';
import { newId } from '../../db/ids';
import { sessions } from '../../db/schema/audit';
import { mayConnect, type SignedIn, signIn } from '../identity/signIn';
import type { ConnectionPolicy, Principal } from '../policy/types';
import { Session } from '../session/session';
import { readStartUp, type StartUpRequest, shorterTimeoutMs } from '../session/settings';
import { connectUpstream, type Upstream, type UpstreamTarget } from '../upstream/connect';
import { endpointOf } from '../upstream/endpoint';
import {
  encodeAuthenticationCleartext,
  encodeAuthenticationOk,
  encodeBackendKeyData,
  encodeNegotiateProtocolVersion,
  encodeParameterStatus,
  encodeReadyForQuery,
} from '../wire/backend';
import { closeGently } from '../wire/closeGently';
import * as refuse from '../wire/errors';
import { decodeText } from '../wire/frontend';
import { Frontend } from '../wire/messages';
import { type FirstPacket, readFirstPacket } from '../wire/startUp';
import { CancelKeys } from './cancelKeys';
import { type Gateway, newErrorId, openSessionRow } from './gateway';
import { log } from './log';
import { masksFor, servicesFor } from './services';
import { codeOf, framesOf } from './shownError';
import { SocketReader } from './socketReader';

const SIGN_IN_DEADLINE_MS = 30_000;
const UPSTREAM_TIMEOUT_MS = 10_000;
/** A failed sign-in is answered this long after it began, whatever failed, so that its time tells nothing. */
const FAILURE_AFTER_MS = 250;
const MAX_BEFORE_SIGN_IN = 500;
const MAX_NEGOTIATIONS = 3;
const MAX_PASSWORD_BYTES = 16_384;
const PROTOCOL_3_0 = 0x00030000;

/** Sockets that have not signed in, oldest first. */
const beforeSignIn = new Set<SocketReader>();

export interface AcceptContext {
  gateway: Gateway;
  /** A cancel key that another worker issued. */
  forwardCancel(workerIndex: number, processId: number, secret: Uint8Array): void;
}

/** Takes one accepted socket to a running session, or says why not and closes it. Never throws; never disturbs another session. */
export async function accept(context: AcceptContext, socket: net.Socket): Promise<void> {
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 60_000);
  socket.on('error', () => undefined);
  // Someone who opens many and says nothing loses the oldest of them; a client that signs in at once hardly ever is that one.
  const [oldest] = beforeSignIn;
  if (oldest !== undefined && beforeSignIn.size >= MAX_BEFORE_SIGN_IN) {
    beforeSignIn.delete(oldest);
    oldest.fail(refuse.signInTimedOut());
  }
  const reader = new SocketReader(socket);
  beforeSignIn.add(reader);
  const deadline = setTimeout(() => reader.fail(refuse.signInTimedOut()), SIGN_IN_DEADLINE_MS);
  try {
    await begin(context, socket, reader);
  } catch (error) {
    close(socket, error);
  } finally {
    clearTimeout(deadline);
    beforeSignIn.delete(reader);
  }
}

function close(socket: net.Socket, error: unknown): void {
  if (socket.destroyed) return;
  let shown: refuse.WireError;
  if (error instanceof refuse.WireError) shown = error;
  else {
    const errorId = newErrorId();
    log.error({ errorId, code: codeOf(error), stack: framesOf(error) }, 'sign-in error');
    shown = refuse.internalError(errorId);
  }
  closeGently(socket, refuse.encodeFields({ ...shown.fields, severity: 'FATAL' }));
}

async function begin(context: AcceptContext, socket: net.Socket, reader: SocketReader): Promise<void> {
  const startUp = await firstPacket(context, socket, reader);
  // A cancel request was dealt with, or the client stopped in the middle: there is nothing to wait for.
  if (startUp === null) return closeGently(socket);
  const { gateway } = context;
  if (startUp.minorVersion > 0 || startUp.protocolOptions.length > 0) {
    socket.write(encodeNegotiateProtocolVersion(PROTOCOL_3_0, startUp.protocolOptions));
  }
  const request = readStartUp(startUp.parameters);
  if (request.user === '') throw refuse.startUpRefused('no PostgreSQL user name specified in startup packet');
  if (!gateway.settings.allowPlaintext && !isLoopback(socket)) throw refuse.tlsRequired();

  socket.write(encodeAuthenticationCleartext());
  const password = decodePassword(await reader.message(MAX_PASSWORD_BYTES));
  const signedIn = await verify(gateway, request.user, password);
  const connection = admit(gateway, signedIn.principal, request.database);
  await checkSessionLimit(gateway, connection);

  const target = targetOf(gateway, connection, request);
  const catalog = gateway.catalogs.get(connection).ready();
  catalog.catch(() => undefined);
  const upstream = await connectUpstream(target).catch((error: unknown) => {
    throw refuse.upstreamUnreachable(connection.name, error instanceof Error ? error.message : 'connection failed');
  });
  try {
    await refuseSuperuser(gateway, connection, signedIn.principal, catalog);
    await run(gateway, { socket, reader, request, signedIn, connection, target, upstream });
  } catch (error) {
    upstream.socket.destroy();
    throw error;
  }
}

/** The start-up packet, past SSLRequest and GSSENCRequest; null when the connection was a cancel request or went away. */
async function firstPacket(
  context: AcceptContext,
  socket: net.Socket,
  reader: SocketReader,
): Promise<Extract<FirstPacket, { kind: 'startUp' }> | null> {
  for (let negotiations = 0; ; negotiations++) {
    const packet = await reader.take((bytes) => {
      const found = readFirstPacket(bytes);
      return found === null ? null : { value: found.packet, rest: found.rest };
    });
    if (packet === null) return null;
    switch (packet.kind) {
      case 'ssl':
      case 'gssenc':
        // Bytes in front of our answer could have been injected by someone else (CVE-2021-23214).
        if (reader.buffered > 0) throw refuse.protocolViolation('received unencrypted data after SSL or GSSAPI request');
        if (negotiations >= MAX_NEGOTIATIONS) throw refuse.protocolViolation('too many negotiation requests');
        socket.write('N');
        continue;
      case 'cancel': {
        const { gateway } = context;
        const owner = CancelKeys.ownerOf(packet.processId);
        if (owner === gateway.settings.workerIndex) gateway.cancelKeys.cancel(packet.processId, packet.secret);
        else context.forwardCancel(owner, packet.processId, packet.secret);
        return null;
      }
      case 'startUp':
        return packet;
      default:
        packet satisfies never;
    }
  }
}

function decodePassword(message: Buffer | null): string {
  if (message === null) throw refuse.protocolViolation('expected a password');
  if (message[0] !== Frontend.password) throw refuse.protocolViolation('expected a password message');
  return decodeText(message);
}

async function verify(gateway: Gateway, user: string, password: string): Promise<SignedIn> {
  const startedMs = performance.now();
  let signedIn: SignedIn | null;
  try {
    signedIn = await signIn(gateway.store, { user, password, now: new Date() });
  } catch (error) {
    log.warn({ code: codeOf(error) }, 'sign-in could not be verified');
    throw refuse.signInUnavailable();
  }
  if (signedIn !== null) return signedIn;
  await delay(Math.max(0, FAILURE_AFTER_MS - (performance.now() - startedMs)));
  throw refuse.signInFailed(user);
}

function admit(gateway: Gateway, principal: Principal, name: string): ConnectionPolicy {
  const policy = gateway.policy.current();
  const connection = policy.connections.get(name);
  if (connection === undefined) throw refuse.unknownConnection(name);
  if (!mayConnect(policy.access, principal, name)) throw refuse.accessDenied(name, principal.name);
  return connection;
}

async function checkSessionLimit(gateway: Gateway, connection: ConnectionPolicy): Promise<void> {
  const limit = connection.limits.maxSessions;
  if (limit === undefined) return;
  const [row] = await gateway.store
    .select({ open: count() })
    .from(sessions)
    .where(and(eq(sessions.connectionName, connection.name), isNull(sessions.endedAt)));
  if ((row?.open ?? 0) >= limit) throw refuse.tooManySessions(connection.name, limit);
}

function targetOf(gateway: Gateway, connection: ConnectionPolicy, request: StartUpRequest): UpstreamTarget {
  const { statementTimeoutMs } = connection.limits;
  return {
    ...endpointOf(connection, gateway.settings.secretKey),
    parameters: {
      ...request.upstream,
      standard_conforming_strings: 'on',
      ...(statementTimeoutMs === undefined
        ? {}
        : { statement_timeout: String(shorterTimeoutMs(request.upstream.statement_timeout, statementTimeoutMs)) }),
    },
    timeoutMs: UPSTREAM_TIMEOUT_MS,
  };
}

/** Masking rests on what the upstream role cannot do. */
async function refuseSuperuser(
  gateway: Gateway,
  connection: ConnectionPolicy,
  principal: Principal,
  ready: ReturnType<ReturnType<Gateway['catalogs']['get']>['ready']>,
): Promise<void> {
  const catalog = await ready.catch(() => {
    throw refuse.catalogUnavailable(connection.name);
  });
  if (connection.superuser === 'allow' || (!catalog.user.superuser && !catalog.user.bypassRls)) return;
  const masks = masksFor({ policy: gateway.policy.current(), connection, principal, catalog });
  if (!masks.empty) throw refuse.superuserRefused(connection.name);
}

async function run(
  gateway: Gateway,
  parts: {
    socket: net.Socket;
    reader: SocketReader;
    request: StartUpRequest;
    signedIn: SignedIn;
    connection: ConnectionPolicy;
    target: UpstreamTarget;
    upstream: Upstream;
  },
): Promise<void> {
  const { socket, reader, request, signedIn, connection, target, upstream } = parts;
  const { principal } = signedIn;
  const facts = {
    id: newId('ses'),
    principal,
    connectionName: connection.name,
    clientAddress: `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? 0}`,
    applicationName: request.applicationName,
  };
  await openSessionRow(gateway, {
    id: facts.id,
    principalId: principal.id,
    principalName: principal.name,
    ownerName: principal.owner?.name ?? null,
    connectionName: connection.name,
    clientAddress: facts.clientAddress,
    applicationName: facts.applicationName,
  });

  let expiry: NodeJS.Timeout | undefined;
  const services = servicesFor(gateway, {
    facts,
    target,
    upstream,
    onClosed() {
      clearTimeout(expiry);
      gateway.sessions.delete(facts.id);
      gateway.cancelKeys.revoke(key.processId);
    },
  });
  const session = new Session({
    facts,
    services,
    client: socket,
    upstream,
    requesterReason: request.reason,
    searchPathKnown: request.upstream.search_path === undefined,
  });
  const key = gateway.cancelKeys.issue(session);
  gateway.sessions.set(facts.id, { session, signedIn });
  if (signedIn.expiresAt !== null) expiry = endAt(signedIn.expiresAt, () => session.terminate('the access token expired'));

  const { client } = session;
  client.write(encodeAuthenticationOk());
  for (const [name, value] of upstream.parameters) client.write(encodeParameterStatus(name, value));
  client.write(encodeBackendKeyData(key.processId, key.secret));
  client.write(encodeReadyForQuery('I'));
  session.start(reader.release());
  // A client may have closed its sending side before there was a session to hear it.
  if (reader.ended) session.clientEnded();
  if (socket.destroyed) session.close('client closed the connection');
}

/** setTimeout holds at most 2^31 - 1 ms; longer waits are taken in steps. */
function endAt(at: Date, end: () => void): NodeJS.Timeout {
  const timer = setTimeout(
    () => {
      if (Date.now() >= at.getTime()) end();
      else timer.refresh();
    },
    Math.min(Math.max(0, at.getTime() - Date.now()), 0x7fffffff),
  );
  timer.unref();
  return timer;
}

function isLoopback(socket: net.Socket): boolean {
  const address = socket.remoteAddress ?? '';
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.');
}
