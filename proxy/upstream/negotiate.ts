import net from 'node:net';
import tls from 'node:tls';
import { serialize } from 'pg-protocol';
import type { Endpoint } from './endpoint';
import { UpstreamError } from './error';
import { withContext } from './secureContext';
import { ALPN, tlsOptions } from './tls';
import { inWords } from './words';

type Where = Pick<Endpoint, 'host' | 'port' | 'tls'>;

/** Opens the TCP connection. A later error only closes the socket: whoever holds it hears of it by `close`. */
export function openSocket(where: Where): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: where.host, port: where.port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 });
    socket.on('error', (error) => reject(inWords(error, around(where, 'TCP'))));
    socket.once('connect', () => resolve(socket));
    // Destroyed from outside (a time limit) without an error.
    socket.once('close', () => reject(new UpstreamError('the connection was closed', { stage: 'TCP' })));
  });
}

/**
 * Secures a fresh socket as the connection's `tls` says; gives the same socket back where statements travel in clear. Falls back to that
 * only under `prefer`, and only when the server itself says it offers no TLS (protocol chapter 54.2.12).
 */
export async function negotiateTls(socket: net.Socket, where: Where): Promise<net.Socket> {
  const { mode, negotiation } = where.tls;
  if (mode === 'disable') return socket;
  if (negotiation === 'direct') {
    // Validated where connections are saved; a fallback to clear text after a direct handshake has no place in the protocol.
    if (mode === 'prefer') throw new UpstreamError('tlsNegotiation direct needs tls require or stricter', { stage: 'TLS' });
    return handshake(socket, where);
  }
  socket.write(serialize.requestSsl());
  switch (await oneByte(socket)) {
    case 'S':
      return handshake(socket, where);
    case 'N':
      if (mode === 'prefer') return socket;
      throw new UpstreamError('the server offers no TLS', { stage: 'TLS', hint: `turn on ssl at the server (tls is ${mode})` });
    case 'E':
      // An error in front of TLS is from anyone; libpq does not show it either (CVE-2024-10977).
      throw new UpstreamError('the server answered the request for TLS with an error', { stage: 'TLS', hint: 'see its log' });
    default:
      throw new UpstreamError('the server gave an unknown answer to SSLRequest', {
        stage: 'TLS',
        hint: 'check host and port: is it PostgreSQL?',
      });
  }
}

function oneByte(socket: net.Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void) => {
      socket.off('data', onData);
      socket.off('close', onClose);
      finish();
    };
    const onData = (answer: Buffer) =>
      settle(() => {
        const text = answer.toString('latin1');
        // Nothing may stand behind it: bytes in front of TLS could have been injected (CVE-2021-23222).
        if (answer.length === 1 || !/^[SN]/.test(text)) resolve(text.slice(0, 1));
        else reject(new UpstreamError('the server sent bytes in front of TLS', { stage: 'TLS' }));
      });
    const onClose = () =>
      settle(() => reject(new UpstreamError('the server closed the connection when asked for TLS', { stage: 'TLS', hint: 'see its log' })));
    socket.on('data', onData);
    socket.once('close', onClose);
  });
}

function handshake(socket: net.Socket, where: Where): Promise<tls.TLSSocket> {
  const direct = where.tls.negotiation === 'direct';
  return new Promise((resolve, reject) => {
    const secure = begin(socket, where);
    const refuse = (error: UpstreamError) => {
      reject(error);
      secure.destroy();
    };
    secure.on('error', (error: NodeJS.ErrnoException) => {
      const gone = error.code === 'ECONNRESET' || error.code === 'EPIPE';
      refuse(gone ? closedInHandshake(direct) : inWords(error, around(where, 'TLS')));
    });
    secure.once('close', () => reject(closedInHandshake(direct)));
    secure.once('secureConnect', () => {
      // Absent is what servers before 17 do, and fine where SSLRequest said who they are; direct has only ALPN for that.
      const selected = secure.alpnProtocol;
      if (typeof selected === 'string' && selected !== ALPN)
        return refuse(
          new UpstreamError('the server selected another protocol than postgresql', { stage: 'TLS', hint: 'check host and port' }),
        );
      if (direct && typeof selected !== 'string')
        return refuse(
          new UpstreamError('the server does not select the protocol postgresql', {
            stage: 'TLS',
            hint: 'tlsNegotiation direct needs PostgreSQL 17 or newer; set it to postgres',
          }),
        );
      resolve(secure);
    });
  });
}

/** What OpenSSL cannot read of the settings is a failure of this stage like any other. */
function begin(socket: net.Socket, where: Where): tls.TLSSocket {
  try {
    return tls.connect({ ...withContext(tlsOptions(where.tls, where.host)), socket });
  } catch (error) {
    throw inWords(error, around(where, 'TLS'));
  }
}

const closedInHandshake = (direct: boolean): UpstreamError =>
  direct
    ? new UpstreamError('the server closed the connection at the direct TLS handshake', {
        stage: 'TLS',
        hint: 'tlsNegotiation direct needs PostgreSQL 17 or newer with ssl on; set it to postgres',
      })
    : new UpstreamError('the server closed the connection during the TLS handshake', { stage: 'TLS', hint: 'see its log' });

export const around = (where: Where, stage: UpstreamError['stage']) => ({ stage, host: where.host, hasCa: where.tls.ca !== null });
