import { randomBytes, randomInt, timingSafeEqual } from 'node:crypto';

/** A cancel key of our own, in the shape protocol 3.0 has: the upstream's key never reaches a client. */
export interface CancelKey {
  processId: number;
  secret: Buffer;
}

interface Cancellable {
  cancel(): void;
}

/** The cancel keys of one worker. The worker's index stands in the upper bits of the process id, so any worker can tell whose key it is. */
export class CancelKeys {
  readonly #workerIndex: number;
  readonly #sessions = new Map<number, { secret: Buffer; session: Cancellable }>();

  constructor(workerIndex: number) {
    this.#workerIndex = workerIndex;
  }

  issue(session: Cancellable): CancelKey {
    let processId: number;
    do processId = (this.#workerIndex << 24) | randomInt(1, 1 << 24);
    while (this.#sessions.has(processId));
    const secret = randomBytes(4);
    this.#sessions.set(processId, { secret, session });
    return { processId, secret };
  }

  revoke(processId: number): void {
    this.#sessions.delete(processId);
  }

  /** Which worker issued a process id. */
  static ownerOf(processId: number): number {
    return (processId >>> 24) & 0x7f;
  }

  /** Cancels when the key is right; silence otherwise, as PostgreSQL does. */
  cancel(processId: number, secret: Uint8Array): void {
    const found = this.#sessions.get(processId);
    if (found === undefined || found.secret.length !== secret.length || !timingSafeEqual(found.secret, secret)) return;
    found.session.cancel();
  }
}
