import type net from 'node:net';
import { newId } from '../../db/ids';
import { enforcementAtOpen } from '../hardening/enforcement';
import { mayConnect, opens, type SignedIn } from '../identity/signIn';
import type { ConnectionPolicy, Principal } from '../policy/types';
import type { SessionFacts } from '../session/execution';
import { applicationNameOf, sessionVariables, shownApplicationName } from '../session/person';
import { Session } from '../session/session';
import { readStartUp, type StartUpRequest, shorterTimeoutMs } from '../session/settings';
import { connectUpstream, type Upstream, type UpstreamTarget } from '../upstream/connect';
import { endpointOf } from '../upstream/endpoint';
import {
  encodeAuthenticationOk,
  encodeBackendKeyData,
  encodeNegotiateProtocolVersion,
  encodeParameterStatus,
  encodeReadyForQuery,
} from '../wire/backend';
import { closeGently } from '../wire/closeGently';
import * as refuse from '../wire/errors';
import { negotiateVersion } from '../wire/startUp';
import { type Alarm, alarmAt } from './alarm';
import { Arrival } from './arrival';
import { authenticate, ClientLeft } from './authenticate';
import { firstPacket } from './firstPacket';
import { type Gateway, newErrorId } from './gateway';
import { log } from './log';
import { isLoopback } from './loopback';
import { giveUpSession, recordDatabaseEnforced, reserveSession } from './reserveSession';
import { masksFor, servicesFor } from './services';
import { codeOf, framesOf } from './shownError';
import type { WaitingRoom } from './waitingRoom';

/** What a client says of itself can be as long as its start-up packet. */
const MAX_NAME_CHARACTERS = 128;
const UPSTREAM_TIMEOUT_MS = 10_000;

export interface AcceptContext {
  gateway: Gateway;
  waitingRoom: WaitingRoom;
  /** A cancel key that is not one of this worker's. Resolves when the others have dealt with it. */
  forwardCancel(key: { processId: number; secret: Uint8Array }): Promise<void>;
}

/** Takes one accepted socket to a running session, or says why not and closes it. Never throws; never disturbs another session. */
export async function accept(context: AcceptContext, socket: net.Socket): Promise<void> {
  socket.on('error', () => undefined);
  const arrival = new Arrival(socket);
  const leave = context.waitingRoom.enter(arrival);
  try {
    await begin(context, arrival, leave);
  } catch (error) {
    const shown = close(arrival.socket, error);
    if (shown !== null) recordFailure(context.gateway, arrival, shown);
  } finally {
    leave();
  }
}

/** Somebody did not get in. */
function recordFailure(gateway: Gateway, { said, socket, refusedBecause }: Arrival, { fields }: refuse.WireError): void {
  gateway.signInFailures.add({
    type: 'signInFailed',
    atMs: Date.now(),
    principalName: said.user.slice(0, MAX_NAME_CHARACTERS),
    connectionName: said.database.slice(0, MAX_NAME_CHARACTERS),
    clientAddress: addressOf(socket),
    sqlstate: fields.sqlstate,
    reason: refusedBecause === null ? fields.message : `${fields.message}: ${refusedBecause}`,
  });
}

const addressOf = (socket: net.Socket) => `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? 0}`;

/** What the client is told; null where it left by itself. */
function close(socket: net.Socket, error: unknown): refuse.WireError | null {
  if (error instanceof ClientLeft) {
    closeGently(socket);
    return null;
  }
  let shown: refuse.WireError;
  if (error instanceof refuse.WireError) shown = error;
  else {
    const errorId = newErrorId();
    log.error({ errorId, code: codeOf(error), stack: framesOf(error) }, 'sign-in error');
    shown = refuse.internalError(errorId);
  }
  if (!socket.destroyed) closeGently(socket, refuse.encodeFields({ ...shown.fields, severity: 'FATAL' }));
  return shown;
}

async function begin(context: AcceptContext, arrival: Arrival, signedInNow: () => void): Promise<void> {
  const { gateway } = context;
  const packet = await firstPacket(arrival, () => gateway.tls.current());
  // The client left, or its TLS came to nothing: there is nobody to speak to.
  if (packet === null) return closeGently(arrival.socket);
  // Only now: whoever opens thousands of sockets and says nothing is not worth two system calls each.
  arrival.socket.setNoDelay(true);
  arrival.socket.setKeepAlive(true, 60_000);
  if (packet.kind === 'cancel') {
    const { processId, secret } = packet;
    // The client takes the end of this connection for the end of its request: what it sends next must not be hit.
    await (gateway.cancelKeys.cancel({ processId, secret }, Date.now()) ?? context.forwardCancel({ processId, secret }));
    return closeGently(arrival.socket);
  }
  const { minorVersion, answer } = negotiateVersion(packet);
  if (answer !== null) arrival.socket.write(encodeNegotiateProtocolVersion(answer.version, answer.unknownOptions));
  const request = readStartUp(packet.parameters);
  arrival.said = request;
  if (request.user === '') throw refuse.startUpRefused('no PostgreSQL user name specified in startup packet', undefined, '28000');
  const inTheOpen = arrival.identity === null && !isLoopback(arrival.socket);
  if (inTheOpen && !gateway.settings.allowPlaintext) throw refuse.tlsRequired();

  const policyAtFirst = gateway.policy.current();
  const signedIn = await authenticate(gateway, arrival, request);
  signedInNow();
  const connection = admit(gateway, signedIn, request.database);
  await openSession(gateway, { arrival, minorVersion, request, signedIn, connection });
  // Who it is was read before this session could be found by whoever looks again at all.
  if (gateway.policy.current() !== policyAtFirst) gateway.recheckSessions();
}

/** Takes a place, connects upstream, and runs. A place whose upstream does not come is given up. */
async function openSession(gateway: Gateway, opening: Opening): Promise<void> {
  const { arrival, request, signedIn, connection } = opening;
  const { principal } = signedIn;
  const { socket } = arrival;
  const facts = {
    id: newId('ses'),
    principal,
    connectionName: connection.name,
    clientAddress: addressOf(socket),
    applicationName: request.applicationName,
    identity: signedIn.identity,
  };
  await reserveSession(gateway, opening.signedIn.principal, connection, {
    id: facts.id,
    principalId: principal.id,
    principalName: principal.name,
    ownerName: principal.owner?.name ?? null,
    connectionName: connection.name,
    clientAddress: facts.clientAddress,
    applicationName: request.applicationName,
    identity: signedIn.identity,
  });
  let upstream: Upstream | undefined;
  try {
    const target = targetOf(gateway, connection, request, facts);
    const catalog = gateway.catalogs.get(connection).ready();
    catalog.catch(() => undefined);
    upstream = await connectUpstream(target).catch((error: unknown) => {
      throw refuse.upstreamUnreachable(connection.name, error instanceof Error ? error.message : 'connection failed');
    });
    await refuseSuperuser(gateway, connection, principal, catalog);
    const policy = gateway.policy.current();
    const proved = policy.connections.get(connection.name) ?? connection;
    if (enforcementAtOpen(proved, policy.masking, await catalog) === 'database') await recordDatabaseEnforced(gateway, facts.id);
    run(gateway, { ...opening, facts, target, upstream });
  } catch (error) {
    upstream?.socket.destroy();
    await giveUpSession(gateway, facts.id).catch((failure: unknown) => {
      log.warn({ session: facts.id, code: codeOf(failure) }, 'a session that did not open could not be taken back');
    });
    throw error;
  }
  gateway.presence.opened(facts.id);
}

interface Opening {
  arrival: Arrival;
  minorVersion: number;
  request: StartUpRequest;
  signedIn: SignedIn;
  connection: ConnectionPolicy;
}

function admit(gateway: Gateway, { principal, person, credential }: SignedIn, name: string): ConnectionPolicy {
  // Before anything is said of what there is: a token for some connections learns nothing of others.
  if (!opens(credential, name)) throw refuse.notOfToken(name);
  const policy = gateway.policy.current();
  const connection = policy.connections.get(name);
  if (connection === undefined) throw refuse.unknownConnection(name);
  // What an agent may for itself, the person it acts for has to be allowed too.
  const denied = [principal, ...(person === null ? [] : [person])].find((each) => !mayConnect(policy.access, each, name, new Date()));
  if (denied !== undefined)
    throw refuse.accessDenied(name, denied.name, connection.requestable == null ? null : gateway.settings.consoleUrl);
  return connection;
}

function targetOf(gateway: Gateway, connection: ConnectionPolicy, request: StartUpRequest, facts: SessionFacts): UpstreamTarget {
  const variables = variablesOf(connection, facts);
  // Names of settings are the same in capitals.
  const taken = Object.keys(request.upstream).find((name) => name.toLowerCase() in variables);
  if (taken !== undefined) throw refuse.startUpRefused(`setting "${taken}" says who is there, and is the gateway’s to give`);
  const { statementTimeoutMs, lockTimeoutMs } = connection.limits;
  const { statement_timeout: statementTimeout, lock_timeout: lockTimeout } = request.upstream;
  return {
    ...endpointOf(connection, gateway.settings.secretKey),
    // What a session begins with is also what RESET gives back.
    parameters: {
      ...request.upstream,
      ...variables,
      ...(connection.session?.applicationName === 'person' ? { application_name: sentName(request, facts) } : {}),
      standard_conforming_strings: 'on',
      ...(statementTimeoutMs === undefined ? {} : { statement_timeout: String(shorterTimeoutMs(statementTimeout, statementTimeoutMs)) }),
      ...(lockTimeoutMs === undefined ? {} : { lock_timeout: String(shorterTimeoutMs(lockTimeout, lockTimeoutMs)) }),
    },
    timeoutMs: UPSTREAM_TIMEOUT_MS,
  };
}

const variablesOf = ({ session }: ConnectionPolicy, { principal, id }: SessionFacts): Record<string, string> =>
  session === undefined ? {} : sessionVariables(session, { principal, sessionId: id });

const sentName = ({ applicationName }: StartUpRequest, { principal, id }: SessionFacts): string =>
  applicationNameOf(applicationName, principal.name, id);

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

/** From here on the session ends by itself, and only once. */
function run(gateway: Gateway, parts: Opening & { facts: SessionFacts; target: UpstreamTarget; upstream: Upstream }): void {
  const { arrival, request, signedIn, facts, target, upstream } = parts;
  const { socket, reader } = arrival;
  const ownName =
    parts.connection.session?.applicationName === 'person'
      ? { sent: sentName(request, facts), shown: shownApplicationName(request.applicationName) }
      : null;
  let expiry: Alarm | undefined;
  const services = servicesFor(gateway, {
    facts,
    target,
    upstream,
    onClosed(reason) {
      expiry?.clear();
      gateway.sessions.delete(facts.id);
      key.revoke();
      const connection = gateway.policy.current().connections.get(facts.connectionName);
      const limited = signedIn.principal.limits.maxSessions !== undefined || connection?.limits.maxSessions !== undefined;
      gateway.presence.ended(facts.id, reason, limited);
    },
  });
  const session = new Session({
    facts,
    services,
    client: socket,
    upstream,
    requesterReason: request.reason,
    onHold: request.onHold,
    breakGlass: request.breakGlass,
    searchPathKnown: request.upstream.search_path === undefined,
    settings: request.upstream,
    variables: variablesOf(parts.connection, facts),
    applicationName: ownName,
  });
  try {
    session.record.opened({ method: arrival.method, encrypted: arrival.identity !== null });
  } catch (error) {
    log.error({ session: facts.id, code: codeOf(error) }, 'a session could not be recorded');
    throw refuse.sessionNotRecorded();
  }
  const key = gateway.cancelKeys.issue({
    session,
    processId: upstream.cancelKey?.processId ?? null,
    minorVersion: parts.minorVersion,
    onFlood: () => log.warn({ session: facts.id, principal: facts.principal.name }, 'cancel requests come faster than they take effect'),
  });
  const endAt = (at: Date | null) => {
    expiry?.clear();
    expiry =
      at === null || !gateway.sessions.has(facts.id) ? undefined : alarmAt(at, () => session.terminate(EXPIRED[signedIn.credential.kind]));
  };
  gateway.sessions.set(facts.id, { session, signedIn, endAt });
  endAt(signedIn.expiresAt);

  const { client } = session;
  // In one piece: nothing is read between them, and each write of its own is a system call.
  client.write(
    Buffer.concat([
      encodeAuthenticationOk(),
      ...[...upstream.parameters].map(([name, value]) =>
        encodeParameterStatus(name, ownName !== null && name === 'application_name' ? ownName.shown : value),
      ),
      encodeBackendKeyData(key.processId, key.secret),
      encodeReadyForQuery('I'),
    ]),
  );
  session.start(reader.release());
  // A client may have closed its sending side before there was a session to hear it.
  if (reader.ended) session.clientEnded();
  if (socket.destroyed) session.close('client closed the connection');
}

const EXPIRED = { token: 'the access token expired', jwt: 'the identity token expired' };
