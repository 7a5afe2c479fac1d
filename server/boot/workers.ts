import cluster, { type Worker } from 'node:cluster';
import type { PolicyVersions, ToSupervisor, ToWorker } from '../../proxy/worker/messages';
import { createCancelRelay } from './cancelRelay';
import { createPolicyHeld } from './policyHeld';

export interface Workers {
  /** The processes have started and loaded what they need; from now on they may accept. */
  begin(): void;
  /** The proxy's port, once every worker accepts for the first time. Rejects when they cannot. */
  ready: Promise<number>;
  /** How many workers accept now. */
  accepting(): number;
  /** How many died and were replaced since the start. */
  restarts(): number;
  /** True once every worker decides by these versions or later ones; false when one has not said so within the time. */
  untilHeld(wanted: PolicyVersions, withinMs: number): Promise<boolean>;
  /** The store has new keys: those that run hear of them, and those to come begin with them. */
  secretKeys(keys: string): void;
  /** Lets sessions finish their statements for at most `withinMs`; afterwards no worker runs. */
  drain(withinMs: number): Promise<void>;
}

interface Slot {
  /** 1-based; stands in `workerId`. */
  index: number;
  worker: Worker | null;
  accepting: boolean;
  startedAtMs: number;
  /** Deaths in a row that came soon after a start. */
  earlyDeaths: number;
  retry: NodeJS.Timeout | undefined;
}

/** A worker that lived this long was well; its next death is not part of a crash loop. */
const HEALTHY_MS = 30_000;
const LONGEST_BACKOFF_MS = 30_000;
/** proxy/worker/main.ts exits with it when it cannot listen. */
const CANNOT_LISTEN = 3;

/**
 * A young generation that begins at the size it would grow to: with the small one V8 begins with, a burst of sockets is promoted before it
 * is dead, and who signs in behind it waits for a full collection.
 */
const WORKER_FLAGS = ['--enable-source-maps', '--min-semi-space-size=16'];

/**
 * Runs the proxy workers and replaces those that die. They share the listening socket (SCHED_NONE), so no connection and no byte of a
 * client passes through this process.
 *
 * @param options.onDeath closes in the store what the dead worker left open; awaited before its successor starts
 */
export function startWorkers(options: {
  exec: string;
  count: number;
  env: Record<string, string>;
  onDeath(workerId: string, diedAt: Date): Promise<void>;
  say(line: string): void;
}): Workers {
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({ exec: options.exec, args: [], serialization: 'advanced', execArgv: WORKER_FLAGS });
  const slots: Slot[] = Array.from({ length: options.count }, (_, i) => ({
    index: i + 1,
    worker: null,
    accepting: false,
    startedAtMs: 0,
    earlyDeaths: 0,
    retry: undefined,
  }));
  let begun = false;
  let draining = false;
  let restarts = 0;
  let settled = false;
  let resolveReady: (port: number) => void = () => undefined;
  let rejectReady: (error: Error) => void = () => undefined;
  const ready = new Promise<number>((resolve, reject) => {
    resolveReady = resolve;
    rejectReady = reject;
  });

  const send = (slot: Slot | undefined, message: ToWorker) => {
    if (slot?.worker?.isConnected() === true) slot.worker.send(message, () => undefined);
  };

  const cancels = createCancelRelay<Slot>(send);
  const policyHeld = createPolicyHeld<Slot>();

  const onMessage = (slot: Slot, message: ToSupervisor) => {
    switch (message.type) {
      case 'ready':
        slot.accepting = true;
        if (settled || !slots.every((each) => each.accepting)) return;
        settled = true;
        return resolveReady(message.port);
      case 'policyHeld':
        return policyHeld.said(slot, message);
      case 'cancel':
        return cancels.ask(
          slot,
          slots.filter((other) => other !== slot && other.accepting),
          message,
        );
      case 'cancelDone':
        return cancels.done(slot, message.id);
      default:
        message satisfies never;
    }
  };

  const start = (slot: Slot) => {
    slot.startedAtMs = Date.now();
    const worker = cluster.fork({ ...options.env, GATEHOUSE_WORKER: `w${slot.index}` });
    slot.worker = worker;
    worker.on('message', (message: ToSupervisor) => onMessage(slot, message));
    worker.on('error', () => undefined);
    worker.once('exit', (code, signal) => void onExit(slot, code, signal));
    if (begun) send(slot, { type: 'begin' });
  };

  const onExit = async (slot: Slot, code: number | null, signal: string | null) => {
    const diedAt = new Date();
    slot.worker = null;
    slot.accepting = false;
    cancels.gone(slot);
    policyHeld.gone(slot);
    if (draining) return;
    slot.earlyDeaths = Date.now() - slot.startedAtMs > HEALTHY_MS ? 1 : slot.earlyDeaths + 1;
    const how = signal ?? `exit code ${code}`;
    if (!settled && (code === CANNOT_LISTEN || slot.earlyDeaths >= 3)) {
      settled = true;
      return rejectReady(
        new Error(code === CANNOT_LISTEN ? 'the proxy port cannot be opened' : `proxy worker w${slot.index} does not start (${how})`),
      );
    }
    options.say(`proxy worker w${slot.index} died (${how}); its sessions are closed and it is replaced`);
    await options.onDeath(`w${slot.index}`, diedAt);
    if (draining) return;
    const backoffMs = slot.earlyDeaths === 1 ? 0 : Math.min(LONGEST_BACKOFF_MS, 250 * 2 ** slot.earlyDeaths);
    slot.retry = setTimeout(() => {
      restarts++;
      start(slot);
    }, backoffMs);
  };

  for (const slot of slots) start(slot);

  return {
    begin() {
      begun = true;
      for (const slot of slots) send(slot, { type: 'begin' });
    },
    ready,
    accepting: () => slots.filter((slot) => slot.accepting).length,
    restarts: () => restarts,
    untilHeld: policyHeld.until,
    secretKeys(keys) {
      options.env.GATEHOUSE_SECRET_KEY = keys;
      for (const slot of slots) send(slot, { type: 'secretKeys', keys });
    },
    async drain(withinMs) {
      draining = true;
      for (const slot of slots) clearTimeout(slot.retry);
      const running = slots.flatMap((slot) => (slot.worker === null ? [] : [slot.worker]));
      const ended = Promise.all(running.map((worker) => (worker.isDead() ? null : new Promise((resolve) => worker.once('exit', resolve)))));
      for (const slot of slots) send(slot, { type: 'drain', withinMs });
      const deadline = setTimeout(() => {
        for (const worker of running) worker.process.kill('SIGKILL');
      }, withinMs + 2_000);
      await ended;
      clearTimeout(deadline);
    },
  };
}
