import { type ChildProcess, fork } from 'node:child_process';
import type { RecorderStatus } from '../../db/schema/auditShapes';
import type { FromRecorder, ToRecorder } from '../../proxy/record/messages';

export interface RecorderProcess {
  /** What the last run left behind is recorded. Rejects where the recorder refuses this record, with words for the operator. */
  ready: Promise<void>;
  /** As it was a second ago; null before its first word. */
  status(): RecorderStatus | null;
  /** How many died and were replaced since the start. */
  restarts(): number;
  /** The store has new keys: those that run hear of them, and those to come begin with them. */
  secretKeys(keys: string): void;
  /** Lets it take and ship what is left, for at most `withinMs`; afterwards it does not run. */
  drain(withinMs: number): Promise<void>;
}

/** A recorder that lived this long was well. */
const HEALTHY_MS = 30_000;
const LONGEST_BACKOFF_MS = 30_000;
/** So long it has beyond the time it was given. */
const KILL_AFTER_MS = 3_000;

/**
 * A round of the journals is decoded, sealed and written before any of it is let go: in the young generation V8 grows to by itself all of it
 * would be copied several times.
 */
const RECORDER_FLAGS = ['--enable-source-maps', '--max-semi-space-size=32'];

/** Runs the recorder and replaces it when it dies: the journals keep what it has not taken. */
export function startRecorderProcess(options: { exec: string; env: Record<string, string>; say(line: string): void }): RecorderProcess {
  let child: ChildProcess | null = null;
  let last: RecorderStatus | null = null;
  let restarts = 0;
  let earlyDeaths = 0;
  let draining = false;
  let settled = false;
  let retry: NodeJS.Timeout | undefined;
  let resolveReady: () => void = () => undefined;
  let rejectReady: (error: Error) => void = () => undefined;
  const ready = new Promise<void>((resolve, reject) => {
    resolveReady = resolve;
    rejectReady = reject;
  });
  // Whoever waits for it hears of a refusal; a later one is said instead.
  ready.catch(() => undefined);

  const start = (first: boolean) => {
    const startedAtMs = performance.now();
    const started = fork(options.exec, [], {
      env: { ...process.env, ...options.env, GATEHOUSE_FIRST: first ? 'yes' : 'no', GATEHOUSE_WORKER: 'recorder' },
      execArgv: RECORDER_FLAGS,
      serialization: 'advanced',
    });
    child = started;
    started.on('error', () => undefined);
    started.on('message', (message: FromRecorder) => {
      switch (message.type) {
        case 'ready':
          settled = true;
          return resolveReady();
        case 'status':
          last = message.status;
          return;
        case 'refused':
          if (!settled) {
            settled = true;
            draining = true;
            return rejectReady(new Error(message.why));
          }
          return options.say(message.why);
        default:
          message satisfies never;
      }
    });
    started.once('exit', (code, signal) => {
      if (child === started) child = null;
      if (draining) return;
      earlyDeaths = performance.now() - startedAtMs > HEALTHY_MS ? 1 : earlyDeaths + 1;
      const how = signal ?? `exit code ${code}`;
      options.say(`recorder died (${how}); it is replaced, and the journals keep what it has not taken`);
      const backoffMs = earlyDeaths === 1 ? 0 : Math.min(LONGEST_BACKOFF_MS, 250 * 2 ** earlyDeaths);
      retry = setTimeout(() => {
        restarts++;
        // Before the first one was ready there is no worker yet either.
        start(!settled);
      }, backoffMs);
    });
  };
  start(true);

  return {
    ready,
    status: () => last,
    restarts: () => restarts,
    secretKeys(keys) {
      options.env.GATEHOUSE_SECRET_KEY = keys;
      const message: ToRecorder = { type: 'secretKeys', keys };
      if (child?.connected === true) child.send(message, () => undefined);
    },
    async drain(withinMs) {
      draining = true;
      clearTimeout(retry);
      const running = child;
      if (running === null || running.exitCode !== null) return;
      const ended = new Promise((resolve) => running.once('exit', resolve));
      const message: ToRecorder = { type: 'drain', withinMs };
      if (running.connected) running.send(message, () => undefined);
      const deadline = setTimeout(() => running.kill('SIGKILL'), withinMs + KILL_AFTER_MS);
      await ended;
      clearTimeout(deadline);
    },
  };
}
