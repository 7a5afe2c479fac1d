import { createHash } from 'node:crypto';
import net from 'node:net';
import tls from 'node:tls';
import { serialize } from 'pg-protocol';
import type { TlsMode } from '../../db/schema/shapes';
import { scramClient } from '../scram/client';
import { endPointBinding } from '../tls/channelBinding';
import { decodeFields, decodeParameterStatus } from '../wire/backend';
import { Backend } from '../wire/messages';
import { FieldReader } from '../wire/reader';
import { tlsOptions } from './tls';

export interface UpstreamTarget {
  host: string;
  port: number;
  database: string;
  username: string;
  password: string | null;
  tls: TlsMode;
  /** Start-up parameters besides user and database. */
  parameters: Readonly<Record<string, string>>;
  timeoutMs: number;
}

/** A signed-in server session, idle, with nothing unread. */
export interface Upstream {
  socket: net.Socket;
  parameters: Map<string, string>;
  /** Null when the server gave no BackendKeyData. */
  cancelKey: { processId: number; secret: Buffer } | null;
}

/** Sign-in failed: the words come from the server or the network and hold no credential. */
export class UpstreamError extends Error {
  override name = 'UpstreamError';
  readonly sqlstate: string | null;
  constructor(message: string, sqlstate: string | null = null) {
    super(message);
    this.sqlstate = sqlstate;
  }
}

/**
 * Connects, negotiates TLS and signs in (SCRAM-SHA-256, md5, cleartext only under TLS or on loopback, trust).
 * @throws UpstreamError
 */
export async function connectUpstream(target: UpstreamTarget): Promise<Upstream> {
  let socket: net.Socket | undefined;
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new UpstreamError(`no answer within ${target.timeoutMs} ms`)), target.timeoutMs);
  });
  try {
    const work = (async () => {
      socket = await openSocket(target);
      socket = await negotiateTls(socket, target);
      return signIn(socket, target);
    })();
    work.catch(() => undefined);
    return await Promise.race([work, deadline]);
  } catch (cause) {
    socket?.destroy();
    if (cause instanceof UpstreamError) throw cause;
    throw new UpstreamError(cause instanceof Error ? cause.message : 'connection failed');
  } finally {
    clearTimeout(timer);
  }
}

function openSocket(target: UpstreamTarget): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: target.host, port: target.port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 });
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
    setTimeout(() => {
      if (socket.connecting) socket.destroy(new UpstreamError(`no answer within ${target.timeoutMs} ms`));
    }, target.timeoutMs).unref();
  });
}

async function negotiateTls(socket: net.Socket, target: UpstreamTarget): Promise<net.Socket> {
  if (target.tls === 'disable') return socket;
  socket.write(serialize.requestSsl());
  const answer = await new Promise<Buffer>((resolve, reject) => {
    socket.once('data', resolve);
    socket.once('error', reject);
    socket.once('close', () => reject(new UpstreamError('the server closed the connection at SSLRequest')));
  });
  // One byte, and nothing behind it: bytes in front of TLS could have been injected (CVE-2021-23222).
  if (answer.length !== 1) throw new UpstreamError('the server sent bytes in front of TLS');
  if (answer[0] === 0x4e) {
    if (target.tls === 'prefer') return socket;
    throw new UpstreamError(`the server offers no TLS and tls is ${target.tls}`);
  }
  if (answer[0] !== 0x53) throw new UpstreamError('the server gave an unknown answer to SSLRequest');
  socket.removeAllListeners('close');
  return new Promise((resolve, reject) => {
    const secure = tls.connect({
      socket,
      ALPNProtocols: ['postgresql'],
      ...(tlsOptions(target.tls === 'prefer' ? 'require' : target.tls, target.host) || {}),
    });
    secure.once('secureConnect', () => resolve(secure));
    secure.once('error', reject);
  });
}

function signIn(socket: net.Socket, target: UpstreamTarget): Promise<Upstream> {
  return new Promise((resolve, reject) => {
    const parameters = new Map<string, string>();
    let cancelKey: Upstream['cancelKey'] = null;
    const password = () => {
      if (target.password === null) throw new UpstreamError('the server asks for a password and the connection has none');
      return target.password;
    };
    let scram: ReturnType<typeof scramClient> | undefined;
    let proven = false;
    // Until ReadyForQuery the server only answers, so no byte can be behind it.
    let pending: Buffer = Buffer.alloc(0);

    const settle = (finish: () => void) => {
      socket.off('data', onData);
      socket.off('error', onError);
      socket.off('close', onClose);
      finish();
    };
    const onError = (error: Error) => settle(() => reject(error));
    const onClose = () => settle(() => reject(new UpstreamError('the server closed the connection during sign-in')));
    const onData = (chunk: Buffer) => {
      try {
        pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
        if (pending.length > 1_000_000) throw new UpstreamError('the server sent too much during sign-in');
        while (pending.length >= 5) {
          const size = pending.readUInt32BE(1) + 1;
          if (size < 5) throw new UpstreamError('the server sent an invalid message length');
          if (pending.length < size) break;
          const bytes = pending.subarray(0, size);
          pending = pending.subarray(size);
          handle(bytes);
        }
      } catch (error) {
        settle(() => reject(error));
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
        case Backend.backendKeyData:
          cancelKey = { processId: bytes.readInt32BE(5), secret: Buffer.from(bytes.subarray(9)) };
          return;
        case Backend.readyForQuery:
          settle(() => resolve({ socket, parameters, cancelKey }));
          return;
        case Backend.errorResponse: {
          const fields = decodeFields(bytes);
          throw new UpstreamError(fields.get('M') ?? 'sign-in failed', fields.get('C') ?? null);
        }
        case Backend.noticeResponse:
        case Backend.negotiateProtocolVersion:
          return;
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
          return;
        case 3:
          if (!(socket instanceof tls.TLSSocket) && !isLoopback(socket)) {
            throw new UpstreamError('the server asks for a password in clear without TLS');
          }
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

function isLoopback(socket: net.Socket): boolean {
  const address = socket.remoteAddress ?? '';
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.');
}

/** Sends CancelRequest for a server session and waits for the server to close, at most `timeoutMs`. Best effort by its nature. */
export async function cancelUpstream(target: UpstreamTarget, key: { processId: number; secret: Buffer }): Promise<void> {
  const plain = await openSocket(target);
  const socket = await negotiateTls(plain, target);
  await new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
    socket.once('error', () => resolve());
    socket.setTimeout(target.timeoutMs, () => socket.destroy());
    const packet = Buffer.alloc(12 + key.secret.length);
    packet.writeInt32BE(packet.length, 0);
    packet.writeInt32BE(80877102, 4);
    packet.writeInt32BE(key.processId, 8);
    key.secret.copy(packet, 12);
    socket.end(packet);
    socket.resume();
  });
}
