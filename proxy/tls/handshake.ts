import type net from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ServerIdentity } from './identity';

/**
 * Starts TLS as server over a socket that nobody reads any more; bytes put back with `unshift` are the handshake's first. ALPN is selected
 * when offered (`postgresql`), and the handshake fails when only others are.
 */
export function startTls(socket: net.Socket, identity: ServerIdentity): TLSSocket {
  const secured = new TLSSocket(socket, { isServer: true, secureContext: identity.context, ALPNProtocols: ['postgresql'] });
  secured.on('error', () => undefined);
  // What node tells a server it does not have, a bad record after the handshake for one: such a socket is of no more use.
  secured.on('_tlsError', () => secured.destroy());
  return secured;
}

/** Whether the handshake succeeds; a socket where it does not is destroyed. Whoever reads the socket has to do so already. */
export function handshake(secured: TLSSocket): Promise<boolean> {
  return new Promise((resolve) => {
    const failed = () => {
      secured.destroy();
      resolve(false);
    };
    // The client may only have closed its sending side; it will not say another word of its handshake.
    secured.once('end', failed);
    secured.once('close', failed);
    secured.once('secure', () => {
      secured.off('end', failed);
      secured.off('close', failed);
      resolve(true);
    });
  });
}
