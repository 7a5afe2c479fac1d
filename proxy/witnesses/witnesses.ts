import type { WitnessStatus, WitnessTarget } from '../../db/schema/auditShapes';
import { parseCheckpoint, type SignedCheckpoint } from '../tlog/checkpoint';
import type { HashAt } from '../tlog/subtrees';
import { codeOf } from '../worker/shownError';
import { nameOf, openWitness } from './openWitness';
import { type Witness, WitnessError } from './witness';

export interface WitnessesOptions {
  hashAt: HashAt;
  env: Readonly<Record<string, string | undefined>>;
  now(): number;
  random(): number;
  /** A witness signed this checkpoint; the lines it gave. */
  onCosigned(checkpoint: SignedCheckpoint, lines: readonly string[]): void;
  /** It did not take one; it is tried again. */
  onTrouble(name: string, error: unknown): void;
  firstDelayMs?: number;
}

/** All witnesses of a gateway. One that is slow or away delays nothing and nobody but itself. */
export interface Witnesses {
  /** Takes the witnesses of the policy; those that stay keep what they know. */
  configure(targets: readonly WitnessTarget[]): void;
  /** Hands a new checkpoint to each, and returns at once. One that was away gets the newest, which speaks of all before it. */
  publish(note: string): void;
  status(): WitnessStatus[];
  /** Resolves when each has the newest checkpoint, or when the time is over. */
  settle(withinMs: number): Promise<void>;
  close(): void;
}

const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 60_000;

/** @throws never: what goes wrong is in `status` */
export function createWitnesses(options: WitnessesOptions): Witnesses {
  const desks = new Map<string, Desk>();
  let newest: SignedCheckpoint | null = null;
  return {
    configure(targets) {
      const wanted = new Map(targets.map((target) => [JSON.stringify(target), target]));
      for (const [key, desk] of desks)
        if (!wanted.has(key)) {
          desk.close();
          desks.delete(key);
        }
      for (const [key, target] of wanted) {
        if (desks.has(key)) continue;
        const desk = new Desk(target, options);
        desks.set(key, desk);
        if (newest !== null) desk.want(newest);
      }
    },
    publish(note) {
      const checkpoint = parseCheckpoint(note);
      newest = checkpoint;
      for (const desk of desks.values()) desk.want(checkpoint);
    },
    status: () => [...desks.values()].map((desk) => desk.status()),
    async settle(withinMs) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, withinMs);
      });
      await Promise.race([Promise.all([...desks.values()].map((desk) => desk.idle())), late]);
      clearTimeout(timer);
    },
    close() {
      for (const desk of desks.values()) desk.close();
      desks.clear();
    },
  };
}

/** One witness, what it should get, and how that went. */
class Desk {
  readonly #target: WitnessTarget;
  readonly #options: WitnessesOptions;
  #witness: Witness | null = null;
  #wanted: SignedCheckpoint | null = null;
  #failures = 0;
  #timer: NodeJS.Timeout | null = null;
  #working = false;
  #closed = false;
  #taken: { size: number; atMs: number } | null = null;
  #error: string | null = null;
  #waiting: (() => void)[] = [];

  constructor(target: WitnessTarget, options: WitnessesOptions) {
    this.#target = target;
    this.#options = options;
  }

  want(checkpoint: SignedCheckpoint): void {
    this.#wanted = checkpoint;
    // While it is away, a new checkpoint does not make it be asked more often.
    if (!this.#working && this.#timer === null) void this.#work();
  }

  status(): WitnessStatus {
    const name = this.#witness?.name ?? nameOf(this.#target);
    return { name, size: this.#taken?.size ?? null, atMs: this.#taken?.atMs ?? null, error: this.#error };
  }

  idle(): Promise<void> {
    if (this.#closed || (!this.#working && this.#wanted === null)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#rest();
  }

  async #work(): Promise<void> {
    this.#working = true;
    while (this.#wanted !== null && !this.#closed) {
      const checkpoint = this.#wanted;
      try {
        this.#witness ??= openWitness(this.#target, this.#options.env);
        const { hashAt, now } = this.#options;
        const lines = await this.#witness.publish({ checkpoint, hashAt, nowMs: now() });
        this.#taken = { size: checkpoint.size, atMs: now() };
        this.#failures = 0;
        this.#error = null;
        if (this.#wanted === checkpoint) this.#wanted = null;
        if (lines.length > 0) this.#options.onCosigned(checkpoint, lines);
      } catch (error) {
        this.#failures++;
        // Other errors may quote what was sent, or an address with a password.
        this.#error =
          error instanceof WitnessError || (error instanceof Error && error.name === 'S3Error')
            ? error.message
            : `failed (${codeOf(error)})`;
        this.#options.onTrouble(this.status().name, error);
        break;
      }
    }
    this.#working = false;
    if (this.#wanted === null) return this.#rest();
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#work();
    }, this.#delayMs());
    this.#timer.unref();
  }

  /** Doubled with each failure; half of it at random, so that gateways do not come back together. */
  #delayMs(): number {
    const full = Math.min(LONGEST_DELAY_MS, (this.#options.firstDelayMs ?? FIRST_DELAY_MS) * 2 ** Math.min(this.#failures - 1, 16));
    return full / 2 + (full / 2) * this.#options.random();
  }

  #rest(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
