import { withDeadline } from './deadline';
import type { Endpoint } from './endpoint';
import { negotiateTls, openSocket } from './negotiate';

/** CancelRequest's code (protocol chapter 54.7). */
const CANCEL_REQUEST = 80877102;

/**
 * Sends CancelRequest for a server session, over TLS verified as the session's own was, and waits for the server to close. Best effort by
 * its nature: the server says nothing.
 * @throws UpstreamError when it could not be sent within `timeoutMs`
 */
export async function cancelUpstream(
  target: Pick<Endpoint, 'host' | 'port' | 'tls'> & { timeoutMs: number },
  key: { processId: number; secret: Buffer },
): Promise<void> {
  await withDeadline(target.timeoutMs, async (progress) => {
    progress.socket = await openSocket(target);
    progress.stage = 'TLS';
    const socket = await negotiateTls(progress.socket, target);
    progress.socket = socket;
    progress.stage = 'sign-in';
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
      const packet = Buffer.alloc(12 + key.secret.length);
      packet.writeInt32BE(packet.length, 0);
      packet.writeInt32BE(CANCEL_REQUEST, 4);
      packet.writeInt32BE(key.processId, 8);
      key.secret.copy(packet, 12);
      socket.end(packet);
      socket.resume();
    });
  });
}
