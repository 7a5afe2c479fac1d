import { createHash } from 'node:crypto';
import type net from 'node:net';
import tls from 'node:tls';
import { serialize } from 'pg-protocol';
import { createCredentials } from '../credentials/resolve';
import { scramClient } from '../scram/client';
import { endPointBinding } from '../tls/channelBinding';
import { decodeFields, decodeParameterStatus } from '../wire/backend';
import { WireError } from '../wire/errors';
import { Backend } from '../wire/messages';
import { FieldReader } from '../wire/reader';
import { withDeadline } from './deadline';
import type { Endpoint } from './endpoint';
import { UpstreamError } from './error';
import { around, negotiateTls, openSocket } from './negotiate';
import { inWords, refusedSignIn } from './words';

export interface UpstreamTarget extends Endpoint {
  /** Start-up parameters besides user and database. */
  parameters: Readonly<Record<string, string>>;
  timeoutMs: number;
}

/** A signed-in server session, idle, paused; it flows again by itself when someone listens to its data. */
export interface Upstream {
  socket: net.Socket;
  parameters: Map<string, string>;
  /** Null when the server gave no BackendKeyData. */
  cancelKey: { processId: number; secret: Buffer } | null;
}

/** PostgreSQL's own is 4 bytes in protocol 3.0; 3.2 allows up to 256, and servers of other makes do as they like. */
const MAX_CANCEL_SECRET_BYTES = 256;
const PROTOCOL_3_0 = 0x00030000;

const credentials = createCredentials(process.env, Date.now);

/** Its password, read where it is kept. @throws UpstreamError */
export async function withCredential<T extends Endpoint>(target: T): Promise<{ target: T; refused(): void }> {
  const { passwordFrom } = target;
  if (passwordFrom == null) return { target, refused: () => undefined };
  const asked = { ...target, passwordFrom };
  const credential = await credentials.get(asked);
  return {
    target: { ...target, username: credential.username ?? target.username, password: credential.password },
    refused: () => credentials.forget(asked, credential),
  };
}

/**
 * Connects with the password the store holds, or the one that is kept elsewhere: read anew when the server refuses it once, since it may have
 * been changed there.
 * @throws UpstreamError
 */
export async function connectUpstream(target: UpstreamTarget): Promise<Upstream> {
  const first = await withCredential(target);
  try {
    return await connectWith(first.target);
  } catch (error) {
    if (target.passwordFrom == null || !(error instanceof UpstreamError) || !WRONG_PASSWORD.has(error.sqlstate ?? '')) throw error;
    first.refused();
    return connectWith((await withCredential(target)).target);
  }
}

/** invalid_password, and what PostgreSQL says where the role of a lease is gone. */
const WRONG_PASSWORD: ReadonlySet<string> = new Set(['28P01', '28000']);

/**
 * Connects, negotiates TLS and signs in (SCRAM-SHA-256, md5, cleartext only under TLS or on loopback, trust, a client certificate).
 * @throws UpstreamError
 */
function connectWith(target: UpstreamTarget): Promise<Upstream> {
  return withDeadline(target.timeoutMs, async (progress) => {
    progress.socket = await openSocket(target);
    progress.stage = 'TLS';
    progress.socket = await negotiateTls(progress.socket, target);
    progress.stage = 'sign-in';
    return signIn(progress.socket, target);
  });
}

/**
 * Signs in over a socket that is as secure as it will be.
 * @throws UpstreamError
 */
export function signIn(socket: net.Socket, target: UpstreamTarget): Promise<Upstream> {
  return new Promise((resolve, reject) => {
    const parameters = new Map<string, string>();
    let cancelKey: Upstream['cancelKey'] = null;
    const password = () => {
      if (target.password === null) throw new UpstreamError('the server asks for a password and the connection has none');
      return target.password;
    };
    let scram: ReturnType<typeof scramClient> | undefined;
    let proven = false;
    let authenticated = false;
    let signedIn = false;
    let pending: Buffer = Buffer.alloc(0);

    const settle = (finish: () => void) => {
      socket.off('data', onData);
      socket.off('error', onError);
      socket.off('close', onClose);
      finish();
    };
    const fail = (error: unknown) =>
      settle(() => {
        socket.destroy();
        reject(inWords(error instanceof WireError ? new UpstreamError(error.fields.message) : error, around(target, 'sign-in')));
      });
    const onError = fail;
    const onClose = () => fail(new UpstreamError('the server closed the connection during sign-in', { hint: 'see its log' }));
    const onData = (chunk: Buffer) => {
      try {
        pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
        if (pending.length > 1_000_000) throw new UpstreamError('the server sent too much during sign-in');
        while (!signedIn && pending.length >= 5) {
          const size = pending.readUInt32BE(1) + 1;
          if (size < 5) throw new UpstreamError('the server sent an invalid message length');
          if (pending.length < size) break;
          const bytes = pending.subarray(0, size);
          pending = pending.subarray(size);
          handle(bytes);
        }
        if (signedIn) {
          settle(() => {
            hold(socket, pending);
            resolve({ socket, parameters, cancelKey });
          });
        }
      } catch (error) {
        fail(error);
      }
    };

    const handle = (bytes: Buffer) => {
      switch (bytes[0]) {
        case Backend.authentication:
          authenticate(new FieldReader(bytes, 5));
          return;
        case Backend.parameterStatus: {
          const { name, value } = decodeParameterStatus(bytes);
          parameters.set(name, value);
          return;
        }
        case Backend.backendKeyData: {
          const reader = new FieldReader(bytes, 5);
          const processId = reader.int32();
          if (reader.left > MAX_CANCEL_SECRET_BYTES) throw new UpstreamError('the server sent a cancel key that is too long');
          cancelKey = { processId, secret: Buffer.from(reader.bytes(reader.left)) };
          return;
        }
        case Backend.readyForQuery:
          if (!authenticated) throw new UpstreamError('the server skipped authentication');
          signedIn = true;
          return;
        case Backend.errorResponse:
          throw refusedSignIn(decodeFields(bytes), { ...target, hasCertificate: target.tls.certificate !== null });
        case Backend.noticeResponse:
          return;
        case Backend.negotiateProtocolVersion: {
          // Ours alone to read: the client's leg has its own. We ask for 3.0 without options, so there is nothing less to agree on.
          const reader = new FieldReader(bytes, 5);
          const newest = reader.int32();
          // PostgreSQL says the whole version here, the documentation the minor one.
          if ((newest !== 0 && newest !== PROTOCOL_3_0) || reader.int32() !== 0)
            throw new UpstreamError('the server does not agree to protocol 3.0', { hint: 'it has to be PostgreSQL 14 or newer' });
          return;
        }
        default:
          throw new UpstreamError(`the server sent message 0x${(bytes[0] ?? 0).toString(16)} during sign-in`);
      }
    };

    // Authentication request codes: chapter 54.7, AuthenticationXXX.
    const authenticate = (reader: FieldReader) => {
      const code = reader.int32();
      switch (code) {
        case 0:
          if (scram !== undefined && !proven) throw new UpstreamError('the server skipped its SCRAM proof');
          authenticated = true;
          return;
        case 3:
          if (!mayCarryPassword({ encrypted: socket instanceof tls.TLSSocket, remoteAddress: socket.remoteAddress }))
            throw new UpstreamError('the server asks for a password in clear without TLS', { hint: 'set tls to require or stricter' });
          socket.write(serialize.password(password()));
          return;
        case 5:
          socket.write(serialize.password(md5Password(target.username, password(), reader.bytes(4))));
          return;
        case 10: {
          const mechanisms: string[] = [];
          for (let name = reader.cstring(); name !== ''; name = reader.cstring()) mechanisms.push(name);
          const certificate = socket instanceof tls.TLSSocket ? socket.getPeerX509Certificate() : undefined;
          const channelBinding = certificate === undefined ? null : endPointBinding(certificate.raw);
          scram = scramClient({ password: password(), offered: mechanisms, channelBinding });
          socket.write(serialize.sendSASLInitialResponseMessage(scram.mechanism, scram.first()));
          return;
        }
        case 11:
        case 12: {
          if (scram === undefined) throw new UpstreamError('the server sent SCRAM data without starting SCRAM');
          const data = reader.bytes(reader.left).toString('utf8');
          if (code === 11) {
            socket.write(serialize.sendSCRAMClientFinalMessage(scram.continue(data)));
          } else {
            scram.finish(data);
            proven = true;
          }
          return;
        }
        default:
          throw new UpstreamError(`the server asks for authentication method ${code}, which is not offered`);
      }
    };

    socket.on('data', onData);
    socket.on('error', onError);
    socket.on('close', onClose);
    socket.write(serialize.startup({ ...target.parameters, user: target.username, database: target.database }));
  });
}

function md5Password(user: string, password: string, salt: Buffer): string {
  const md5 = (data: string | Buffer) => createHash('md5').update(data).digest('hex');
  return `md5${md5(Buffer.concat([Buffer.from(md5(password + user)), salt]))}`;
}

/** A cleartext password goes only where nobody can listen. */
export function mayCarryPassword({ encrypted, remoteAddress = '' }: { encrypted: boolean; remoteAddress?: string | undefined }): boolean {
  return encrypted || remoteAddress === '::1' || remoteAddress.startsWith('127.') || remoteAddress.startsWith('::ffff:127.');
}

/**
 * Keeps what the server sends from now on (a notice, a parameter, its end) until someone listens: who asked for this session still has
 * other things to wait for, and a flowing socket without a listener drops its data.
 */
function hold(socket: net.Socket, rest: Buffer): void {
  socket.pause();
  if (rest.length > 0) socket.unshift(rest);
  socket.on('newListener', function flow(event: string | symbol) {
    if (event !== 'data') return;
    socket.off('newListener', flow);
    // One that ended meanwhile says so once more: its close had no listener.
    process.nextTick(() => (socket.closed ? socket.emit('close') : socket.resume()));
  });
}
