import type net from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ServerIdentity } from './identity';

/**
 * Speaks TLS as server over a socket that nobody reads any more; bytes put back with `unshift` are the handshake's first. ALPN is selected
 * when offered (`postgresql`), and the handshake fails when only others are. Resolves with the secured socket, or null when the handshake
 * failed or the client left: then the socket is gone, and nobody but that client notices.
 */
export function secureSocket(socket: net.Socket, identity: ServerIdentity): Promise<TLSSocket | null> {
  return new Promise((resolve) => {
    const secured = new TLSSocket(socket, { isServer: true, secureContext: identity.context, ALPNProtocols: ['postgresql'] });
    secured.on('error', () => undefined);
    // What node reports of TLS to a server it does not have, a bad record after the handshake for one: such a socket is of no more use.
    secured.on('_tlsError', () => secured.destroy());
    const gone = () => resolve(null);
    secured.once('close', gone);
    secured.once('secure', () => {
      secured.off('close', gone);
      resolve(secured);
    });
  });
}
