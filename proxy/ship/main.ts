import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { SegmentReader } from '../record/readLog';
import { codeOf } from '../worker/shownError';
import type { FromShipThread, ShipThreadData, ToShipThread } from './messages';
import { createShipper } from './ship';

/** The thread that ships (see shipThread.ts). It reads the log from its files, as far as it is told that they reach. */
const { storeUrl, directory, node } = workerData as ShipThreadData;
yieldToRecording();
const send = (message: FromShipThread) => parentPort?.postMessage(message);
const log = new SegmentReader(directory);
const shipper = createShipper({
  storeUrl,
  log,
  node,
  onRefused: (error) => send({ type: 'refused', code: codeOf(error) }),
  onMoved: (next) => send({ type: 'moved', next }),
});

parentPort?.on('message', (message: ToShipThread) => {
  switch (message.type) {
    case 'round':
      log.follow(message.place);
      return void shipper.round().then(
        (count) => send({ type: 'done', count }),
        (error: unknown) => send({ type: 'failed', code: codeOf(error) }),
      );
    case 'grown':
      return log.follow(message.place);
    case 'close':
      return void shipper.close().then(() => send({ type: 'closed' }));
    default:
      message satisfies never;
  }
});

/** Where both want the processor, recording comes first: what is recorded and not copied is safe. setpriority(2): 0 is this thread. */
function yieldToRecording(): void {
  // Elsewhere it is the whole process.
  if (process.platform !== 'linux') return;
  try {
    setPriority(0, 10);
  } catch {
    // A system that does not allow it ships as well.
  }
}
