import { randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import { type CancelAllowance, takeCancel } from './cancelAllowance';

/** A cancel key as a client has it: the server session's own process id, and a secret of ours. The upstream's secret reaches no client. */
export interface CancelKey {
  processId: number;
  secret: Buffer;
}

interface Cancellable {
  /** Resolves when the statement that ran has been dealt with. */
  cancel(): Promise<void>;
}

interface Issued {
  secret: Buffer;
  session: Cancellable;
  allowance: CancelAllowance;
  /** More cancels came for this session than take effect. */
  onFlood(): void;
}

/** Protocol 3.2 allows secrets of up to 256 bytes; before it they had exactly 4. */
const SECRET_BYTES = { short: 4, long: 32 } as const;

/**
 * The cancel keys of one worker. Sessions of different upstreams may have the same process id, and one worker's may be another's: only
 * process id and secret together name a session.
 */
export class CancelKeys {
  readonly #issued = new Map<number, Set<Issued>>();

  /**
   * @param of.processId the upstream's own process id, so that pg_backend_pid() and notifications agree with what the client was told; null
   *   where the upstream gave none, and one is made up
   */
  issue(of: { session: Cancellable; processId: number | null; minorVersion: number; onFlood(): void }): CancelKey & { revoke(): void } {
    const processId = of.processId ?? this.#unusedProcessId();
    const secret = randomBytes(of.minorVersion >= 2 ? SECRET_BYTES.long : SECRET_BYTES.short);
    const entry: Issued = { secret, session: of.session, allowance: { left: 0, filledAtMs: -Infinity, told: false }, onFlood: of.onFlood };
    const same = this.#issued.get(processId) ?? new Set();
    this.#issued.set(processId, same.add(entry));
    return {
      processId,
      secret,
      revoke: () => {
        same.delete(entry);
        if (same.size === 0 && this.#issued.get(processId) === same) this.#issued.delete(processId);
      },
    };
  }

  #unusedProcessId(): number {
    for (;;) {
      const processId = randomInt(1, 2 ** 31);
      if (!this.#issued.has(processId)) return processId;
    }
  }

  /** Cancels when the key is one of ours, and resolves when that is done; null when it is not. Nobody but the supervisor is told which. */
  cancel(key: { processId: number; secret: Uint8Array }, nowMs: number): Promise<void> | null {
    const found = [...(this.#issued.get(key.processId) ?? [])].filter(
      ({ secret }) => secret.length === key.secret.length && timingSafeEqual(secret, key.secret),
    );
    const work: Promise<void>[] = [];
    for (const entry of found) {
      const { allowed, flood, next } = takeCancel(entry.allowance, nowMs);
      entry.allowance = next;
      if (flood) entry.onFlood();
      if (allowed) work.push(entry.session.cancel());
    }
    return found.length === 0 ? null : Promise.all(work).then(() => undefined);
  }
}
