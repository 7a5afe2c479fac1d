import net from 'node:net';
import { loadParser } from '../sql/parse';
import { accept } from './accept';
import { openGateway } from './gateway';
import { log } from './log';
import type { ToSupervisor, ToWorker } from './messages';
import { readSettings } from './settings';
import { createWaitingRoom } from './waitingRoom';

/**
 * One proxy worker: accepts clients on the shared port and relays them. Started by the supervisor over node:cluster,
 * and never outlives it.
 */
const settings = readSettings(process.env);
const send = (message: ToSupervisor) => process.send?.(message);

process.on('disconnect', () => process.exit(1));
// Ctrl-C reaches the whole process group; the supervisor decides when workers stop.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);

await loadParser();
const gateway = await openGateway(settings);

// A client may close its sending side and still read the result.
const context = {
  gateway,
  waitingRoom: createWaitingRoom({ max: settings.maxUnauthenticated, timeoutMs: settings.signInTimeoutMs }),
  forwardCancel: (key: { processId: number; secret: Uint8Array }) => send({ type: 'cancel', ...key }),
};
const server = net.createServer({ allowHalfOpen: true }, (socket) => void accept(context, socket));
server.on('error', (error: NodeJS.ErrnoException) => {
  log.fatal({ code: error.code, port: settings.port }, 'proxy port cannot be opened');
  process.exit(3);
});
server.listen({ host: settings.host, port: settings.port }, () => {
  const address = server.address();
  send({
    type: 'ready',
    workerId: settings.workerId,
    port: typeof address === 'object' && address !== null ? address.port : settings.port,
  });
});

process.on('message', (message: ToWorker) => {
  switch (message.type) {
    case 'cancel':
      return void gateway.cancelKeys.cancel(message, Date.now());
    case 'drain':
      return void drain(message.withinMs);
    default:
      message satisfies never;
  }
});

/** Lets running statements finish within the time given, then ends what is left. Held statements are withdrawn. */
async function drain(withinMs: number): Promise<void> {
  server.close();
  for (const { session } of gateway.sessions.values()) session.drain();
  const until = Date.now() + withinMs;
  while (gateway.sessions.size > 0 && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
  for (const { session } of gateway.sessions.values()) session.terminate('the gateway is shutting down');
  // The ends of sessions are on their way to the store.
  await new Promise((resolve) => setTimeout(resolve, 100));
  await gateway.close().catch(() => undefined);
  process.exit(0);
}
