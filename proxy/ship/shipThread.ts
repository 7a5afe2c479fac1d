import { Worker } from 'node:worker_threads';
import type { LogPlace } from '../record/leaf';
import type { FromShipThread, ShipThreadData, ToShipThread } from './messages';
import type { Shipper } from './ship';

export interface ShipThreadOptions extends ShipThreadData {
  /** proxy/ship/main.ts, built. */
  file: string;
  /** How far the log reaches now. */
  place(): LogPlace;
  onRefused(error: Error): void;
}

/** What a round waits for. */
interface Round {
  resolve(count: number): void;
  reject(error: Error): void;
}

/**
 * A shipper on a thread of its own, so that sealing and shipping take a core each. Exactly once is the store's doing as before: where the
 * thread stands is in the transaction that writes the rows. One that dies is followed by another, which asks the store.
 */
export function createShipThread({ file, place, onRefused, storeUrl, directory, node }: ShipThreadOptions): Shipper {
  let worker: Worker | null = null;
  let next: number | null = null;
  let round: Round | null = null;
  let onClosed: () => void = () => undefined;
  const send = (message: ToShipThread) => worker?.postMessage(message);

  const settle = (how: (round: Round) => void) => {
    const waiting = round;
    round = null;
    if (waiting !== null) how(waiting);
  };
  const hear = (message: FromShipThread) => {
    switch (message.type) {
      case 'moved':
        next = message.next;
        return send({ type: 'grown', place: place() });
      case 'done':
        return settle(({ resolve }) => resolve(message.count));
      case 'failed':
        return settle(({ reject }) => reject(withCode(message.code)));
      case 'refused':
        return onRefused(withCode(message.code));
      case 'closed':
        return onClosed();
      default:
        message satisfies never;
    }
  };
  const start = (): Worker => {
    const data: ShipThreadData = { storeUrl, directory, node };
    const started = new Worker(file, { workerData: data, name: 'shipper' });
    started.on('message', hear);
    // It is heard of by its end.
    started.on('error', () => undefined);
    started.on('exit', () => {
      if (worker === started) worker = null;
      settle(({ reject }) => reject(withCode('thread ended')));
      onClosed();
    });
    return started;
  };

  return {
    lag: () => (next === null ? null : Math.max(0, place().size - next)),
    round() {
      worker ??= start();
      return new Promise<number>((resolve, reject) => {
        round = { resolve, reject };
        send({ type: 'round', place: place() });
      });
    },
    async close() {
      const closing = worker;
      if (closing === null) return;
      await new Promise<void>((resolve) => {
        onClosed = resolve;
        send({ type: 'close' });
      });
      await closing.terminate();
    },
  };
}

const withCode = (code: string): Error => Object.assign(new Error('the store did not take the record'), { code });
