import net from 'node:net';
import { PASSWORD } from '../../db/embedded/testTlsServer';
import type { UpstreamTarget } from './connect';
import type { UpstreamTls } from './endpoint';

export const noTls: UpstreamTls = { mode: 'disable', negotiation: 'postgres', ca: null, certificate: null, key: null };

/** A target on `server` with everything left plain that a test does not speak of. */
export function targetOn(
  server: { host: string; port: number },
  change: Partial<Omit<UpstreamTarget, 'tls'>> & { tls?: Partial<UpstreamTls> } = {},
): UpstreamTarget {
  const { tls: given, ...rest } = change;
  return {
    host: server.host,
    port: server.port,
    database: 'postgres',
    username: 'by_scram',
    password: PASSWORD,
    parameters: {},
    timeoutMs: 5_000,
    ...rest,
    tls: { ...noTls, ...given },
  };
}

/** A server that does what a test says, where a real one cannot be made to. */
export async function startScripted(script: (socket: net.Socket) => void): Promise<{ host: string; port: number; stop(): Promise<void> }> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    script(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    host: '127.0.0.1',
    port: address.port,
    stop() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
