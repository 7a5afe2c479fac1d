import type net from 'node:net';

const LINGER_MS = 1_000;

/**
 * Ends a socket so that its last words arrive: what the client still sends is read and dropped until it closes too, at most a second.
 * Destroying with unread bytes would make the kernel send a reset, which can overtake the error message.
 */
export function closeGently(socket: net.Socket, lastWords?: Buffer): void {
  if (socket.destroyed) return;
  socket.removeAllListeners('data');
  if (lastWords === undefined) socket.end();
  else socket.end(lastWords);
  socket.resume();
  socket.once('end', () => socket.destroySoon());
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}
