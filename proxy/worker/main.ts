import net from 'node:net';
import { readKeys } from '../../db/secrets';
import type { PolicySnapshot } from '../policy/types';
import { loadParser, warmParser } from '../sql/parse';
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

const CANCEL_TIMEOUT_MS = 5_000;
const WARM_AFTER_MS = 1_000;
/** Cancels that other workers are asked about, by what ends the wait. */
const forwarded = new Map<string, () => void>();
let lastForwarded = 0;

/** Loading takes a while and needs nobody; who is told to go before it may begin has nothing to finish. */
let accepting = false;
const begun = new Promise<void>((resolve) => {
  process.on('message', (message: ToWorker) => {
    if (message.type === 'begin') resolve();
    // One that comes while we load is not to be missed.
    else if (message.type === 'secretKeys') readKeys(message.keys);
    else if (message.type === 'drain' && !accepting) process.exit(0);
  });
});
await loadParser();
await begun;
const sayHeld = ({ version, accessVersion = 0 }: PolicySnapshot) => send({ type: 'policyHeld', version, accessVersion });
const gateway = await openGateway(settings, sayHeld);

// A client may close its sending side and still read the result.
const context = {
  gateway,
  waitingRoom: createWaitingRoom({ max: settings.maxUnauthenticated, timeoutMs: settings.signInTimeoutMs }),
  forwardCancel,
};
const server = net.createServer({ allowHalfOpen: true }, (socket) => void accept(context, socket));
server.on('error', (error: NodeJS.ErrnoException) => {
  log.fatal({ code: error.code, port: settings.port }, 'proxy port cannot be opened');
  process.exit(3);
});
server.listen({ host: settings.host, port: settings.port }, () => {
  accepting = true;
  sayHeld(gateway.policy.current());
  const address = server.address();
  send({
    type: 'ready',
    workerId: settings.workerId,
    port: typeof address === 'object' && address !== null ? address.port : settings.port,
  });
  // Whoever waited for the start goes first.
  setTimeout(() => void warmParser(context.waitingRoom.occupied), WARM_AFTER_MS);
});

process.on('message', (message: ToWorker) => {
  switch (message.type) {
    case 'begin':
      return;
    case 'cancel':
      return void (gateway.cancelKeys.cancel(message, Date.now()) ?? Promise.resolve()).then(() =>
        send({ type: 'cancelDone', id: message.id }),
      );
    case 'cancelDone':
      forwarded.get(message.id)?.();
      return;
    case 'secretKeys':
      return void readKeys(message.keys);
    case 'drain':
      return void drain(message.withinMs);
    default:
      message satisfies never;
  }
});

/** Resolves when the other workers have dealt with the key; a supervisor that does not answer is not waited for long. */
function forwardCancel(key: { processId: number; secret: Uint8Array }): Promise<void> {
  const id = String(++lastForwarded);
  return new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, CANCEL_TIMEOUT_MS);
    timer.unref();
    forwarded.set(id, () => {
      clearTimeout(timer);
      resolve();
    });
    send({ type: 'cancel', id, ...key });
  }).finally(() => forwarded.delete(id));
}

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
