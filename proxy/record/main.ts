import { join } from 'node:path';
import type { Lock } from '../../db/embedded/lock';
import { listen } from '../../db/listen';
import { readKeys } from '../../db/secrets';
import { openStore } from '../../db/store';
import { log } from '../worker/log';
import { codeOf } from '../worker/shownError';
import { openCheckpointKey } from './checkpointFile';
import { lockRecord } from './lockRecord';
import type { FromRecorder, ToRecorder } from './messages';
import { createRandomPool } from './randomPool';
import { type Recorder, startRecorder } from './recorder';
import { readRecorderSettings } from './settings';

/**
 * The recorder: turns what the workers' journals hold into the log, signs it, and ships it to the store. A process of its own, so that hashing
 * and sealing delay neither a statement nor a page. Started by the supervisor, and never outlives it.
 */
const STATUS_EVERY_MS = 1_000;
/** One and the same trouble is logged this often. */
const SAY_EVERY_MS = 60_000;
/** So long a recorder of a gateway that was killed has to be gone. */
const LOCK_WITHIN_MS = 20_000;

const settings = readRecorderSettings(process.env);
const send = (message: FromRecorder) =>
  new Promise<void>((resolve) => {
    if (process.send === undefined || !process.connected) return resolve();
    process.send(message, () => resolve());
  });

// Without its supervisor it ends at once, as after a crash: another recorder may be on its way, and this one goes on where the log ends.
process.on('disconnect', () => process.exit(1));
// Ctrl-C reaches the whole process group; the supervisor decides when the recorder stops.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);

const said = new Map<string, number>();
function onTrouble(part: string, error: unknown): void {
  const code = codeOf(error);
  const key = `${part} ${code}`;
  const nowMs = performance.now();
  if (nowMs - (said.get(key) ?? Number.NEGATIVE_INFINITY) < SAY_EVERY_MS) return;
  said.set(key, nowMs);
  // By its code alone: the message of a failed insert quotes what it carried.
  log.warn({ part, code }, 'the record is behind');
}

const { store, close } = openStore(settings.storeUrl, { max: 6, applicationName: 'gatehouse recorder' });
let recorder: Recorder;
let lock: Lock;
try {
  lock = await lockRecord(settings.dataDir, LOCK_WITHIN_MS);
  const signer = openCheckpointKey(settings.dataDir, settings.node, settings.secretKey);
  recorder = await startRecorder({
    ...settings,
    store,
    signer,
    now: Date.now,
    random: createRandomPool(),
    shipThread: join(import.meta.dirname, 'shipper.js'),
    onTrouble,
    onSinkTrouble: (sink, why) => log.warn({ sink, why }, 'a sink of the record is behind'),
  });
} catch (error) {
  await send({ type: 'refused', why: error instanceof Error ? error.message : 'unknown error' });
  process.exit(1);
}
const listener = listen(settings.storeUrl, ['gatehouse_record'], {
  onNotification: () => recorder.wake(),
  onConnected: () => recorder.wake(),
});
const timer = setInterval(() => void send({ type: 'status', status: recorder.status() }), STATUS_EVERY_MS);
void recorder.ready.then(() => send({ type: 'status', status: recorder.status() })).then(() => send({ type: 'ready' }));

let ending: Promise<void> | undefined;
function end(withinMs: number): Promise<void> {
  ending ??= (async () => {
    clearInterval(timer);
    await listener.close();
    await recorder.drain(withinMs);
    await send({ type: 'status', status: recorder.status() });
    await Promise.race([close(), new Promise((resolve) => setTimeout(resolve, 1_000))]);
    lock.release();
    process.exit(0);
  })();
  return ending;
}
process.on('message', (message: ToRecorder) => void (message.type === 'secretKeys' ? readKeys(message.keys) : end(message.withinMs)));
