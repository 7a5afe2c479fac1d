import type net from 'node:net';

/** Whether the client is on this machine: nobody else reads what it sends. */
export function isLoopback(socket: net.Socket): boolean {
  const address = socket.remoteAddress ?? '';
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.');
}
