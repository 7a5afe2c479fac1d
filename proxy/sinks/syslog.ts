import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { isIP, type Socket, connect as tcpConnect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import type { SinkTarget } from '../../db/schema/auditShapes';
import { unreachable } from './post';
import { type Sink, SinkError } from './sink';
import { counted, type SyslogOrigin, syslogGap, syslogMessage } from './syslogMessage';

const CONNECT_MS = 10_000;
const WRITE_MS = 15_000;
/** What fits in one datagram over IPv4. */
const MOST_UDP_BYTES = 65_507;

export type SyslogTarget = Extract<SinkTarget, { type: 'syslog' }>;

/**
 * Syslog by RFC 5424 over TCP, TLS (RFC 5425, certificates checked) or UDP (RFC 5426). The protocol has no answer: a batch counts as taken once
 * the kernel has all of it. What was sent just before a connection broke is sent once more on the next one.
 */
export function createSyslog(target: SyslogTarget, options: { origin: SyslogOrigin; now(): number; ca?: string }): Sink {
  return target.protocol === 'udp' ? overUdp(target, options) : overStream(target, options);
}

function overStream(target: SyslogTarget, { origin, now, ca }: { origin: SyslogOrigin; now(): number; ca?: string }): Sink {
  let socket: Socket | null = null;
  /** What the kernel took last: whether the other side did is not known. */
  let unsure: Buffer | null = null;

  const open = async (signal: AbortSignal): Promise<Socket> => {
    if (socket !== null && !socket.destroyed && socket.writable) return socket;
    socket?.destroy();
    socket = await connectTo(target, ca, signal);
    // Nothing is expected; reading sees the end of the connection.
    socket.on('error', () => undefined).resume();
    if (unsure !== null) await write(socket, unsure, signal);
    return socket;
  };

  return {
    batch: 500,
    async send(records, gap, signal) {
      const messages = records.map((record) => counted(syslogMessage(record, origin)));
      if (gap !== null) messages.unshift(counted(syslogGap(gap, origin, now())));
      const bytes = Buffer.concat(messages);
      try {
        await write(await open(signal), bytes, signal);
      } catch (error) {
        socket?.destroy();
        throw error instanceof SinkError ? error : new SinkError(unreachable(error));
      }
      unsure = bytes;
    },
    close() {
      socket?.end();
      socket = null;
      return Promise.resolve();
    },
  };
}

function connectTo({ host, port, protocol }: SyslogTarget, ca: string | undefined, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket: Socket =
      protocol === 'tls'
        ? tlsConnect({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...(ca === undefined ? {} : { ca }) })
        : tcpConnect({ host, port });
    const timer = setTimeout(() => fail(new SinkError('could not be reached (ETIMEDOUT)')), CONNECT_MS);
    const fail = (error: Error) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      socket.destroy();
      reject(error);
    };
    const aborted = () => fail(new SinkError('stopped'));
    signal.addEventListener('abort', aborted);
    socket.once('error', fail);
    socket.once(protocol === 'tls' ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      socket.off('error', fail);
      resolve(socket);
    });
  });
}

function write(socket: Socket, bytes: Buffer, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      socket.off('close', closed);
      if (error == null) resolve();
      else reject(error);
    };
    const timer = setTimeout(() => done(new SinkError(`takes nothing for ${WRITE_MS / 1_000} s`)), WRITE_MS);
    const closed = () => done(new SinkError('closed the connection'));
    const aborted = () => done(new SinkError('stopped'));
    signal.addEventListener('abort', aborted);
    socket.once('close', closed);
    socket.write(bytes, done);
  });
}

function overUdp({ host, port }: SyslogTarget, { origin, now }: { origin: SyslogOrigin; now(): number }): Sink {
  let socket: UdpSocket | null = null;
  const sendOne = (message: Buffer) =>
    new Promise<void>((resolve, reject) => {
      socket ??= createSocket(isIP(host) === 6 ? 'udp6' : 'udp4').on('error', () => undefined);
      socket.unref();
      socket.send(message, port, host, (error) => (error === null ? resolve() : reject(new SinkError(unreachable(error)))));
    });
  return {
    batch: 100,
    async send(records, gap) {
      if (gap !== null) await sendOne(syslogGap(gap, origin, now()));
      for (const record of records) await sendOne(syslogMessage(record, origin, MOST_UDP_BYTES));
    },
    close() {
      socket?.close();
      socket = null;
      return Promise.resolve();
    },
  };
}
