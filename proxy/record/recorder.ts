import { eq, sql } from 'drizzle-orm';
import type { RecorderStatus } from '../../db/schema/auditShapes';
import { type AuditSettings, DEFAULT_AUDIT_SETTINGS } from '../../db/schema/auditShapes';
import { nodes } from '../../db/schema/record';
import type { Store } from '../../db/store';
import { carryEarlier } from '../ship/carry';
import { dayOf } from '../ship/days';
import { mayBeLetGo } from '../ship/letGo';
import { createShipper } from '../ship/ship';
import { createShipThread } from '../ship/shipThread';
import { createSinks } from '../sinks/sinks';
import type { NoteSigner } from '../tlog/noteKey';
import { createWitnesses } from '../witnesses/witnesses';
import { codeOf } from '../worker/shownError';
import { openAppendLog } from './appendLog';
import { readAuditSettings } from './auditSettings';
import { Checkpointer, compareWithStore, ForkError, thinCheckpoints } from './checkpoints';
import { watchWriters } from './deadJournals';
import { eraseFromLog } from './eraseFromLog';
import { LeafGroup } from './group';
import type { LogReader } from './leaf';
import { sealEntry } from './seal';
import { logDirectory, recordDirectory } from './segments';
import { SelfCheck } from './selfCheck';
import { Sequencer } from './sequencer';
import { Ledger } from './state';
import { takeActions } from './takeActions';
import { createKeyring } from './valueKeys';
import { wordKey } from './words';

export interface RecorderOptions {
  store: Store;
  storeUrl: string;
  secretKey: Buffer;
  dataDir: string;
  gatewayId: string;
  node: string;
  signer: NoteSigner;
  /** Before any worker of this run. */
  first: boolean;
  now(): number;
  random(sizeBytes: number): Buffer;
  /** The operator hears of it; it is tried again. */
  onTrouble(part: string, error: unknown): void;
  /** proxy/ship/main.ts, built: shipping then has a thread of its own, and else it is done in this one. */
  shipThread?: string;
  /** The operator hears of a sink; words without addresses and secrets. */
  onSinkTrouble(sink: string, words: string): void;
}

const IDLE_MS = 100;
/** A group of the log costs a synchronised write, however few entries are in it: as long as few come, they are gathered. */
const GATHER_MS = 25;
const FEW_ENTRIES = 500;
const ACTIONS_EVERY_MS = 500;
const CHECK_EVERY_MS = 250;
const STATUS_EVERY_MS = 2_000;
const HOUSE_EVERY_MS = 30_000;
const KEYS_EVERY_MS = 2_000;
const DAY_MS = 86_400_000;
const SHIP_IDLE_MS = 100;

/** What one recorder does, all of it in one process: only it appends to the log. */
export interface Recorder {
  log: LogReader;
  status(): RecorderStatus;
  /** Something of the store's is new: an action, an erasure, settings. */
  wake(): void;
  /** Resolves when what was in the journals at the start is in the log, and in the store if that answers. */
  ready: Promise<void>;
  /** Takes what is left, signs, ships, and closes; what did not come to its end by then is taken up by the next start. */
  drain(withinMs: number): Promise<void>;
}

/** @throws ForkError, or Error with words, when this log may not be gone on with */
export async function startRecorder(options: RecorderOptions): Promise<Recorder> {
  const { store, secretKey, dataDir, gatewayId, node, signer, now, random } = options;
  const log = openAppendLog(dataDir);
  const ledger = new Ledger(log);
  const keyring = createKeyring({ store, secretKey });
  const shared = { store, ledger, dataDir, node, gatewayId, signer, keyring, wordKey: wordKey(secretKey), random, now };
  const checkpointer = new Checkpointer(shared);
  const check = new SelfCheck(log);
  // While the store is away it cannot contradict; what it says later is heard at the next start.
  await compareWithStore(store, node, log).catch((error: unknown) => {
    if (error instanceof ForkError) throw error;
    options.onTrouble('store', error);
  });
  if (!checkpointer.holds()) check.say({ index: 0, what: 'the entries under the last checkpoint are not those that were signed' });
  const sequencer = new Sequencer({ ...shared, isDead: watchWriters(dataDir, options.first) });
  const start = sealEntry(
    { type: 'start', atMs: now(), gatewayId },
    { node, journal: null, valueKey: null, wordKey: shared.wordKey, random },
  );
  await ledger.append(LeafGroup.of([start]), () => ({}));

  const reader: LogReader = {
    get first() {
      return log.first;
    },
    get size() {
      return log.size;
    },
    read: (from, limit) => log.read(from, limit),
    hashAt: log.hashAt,
    publicKey: signer.text,
    checkpoint: () => checkpointer.note(),
  };

  const sinks = createSinks({
    log: reader,
    directory: recordDirectory(dataDir),
    node,
    now,
    random: Math.random,
    onTrouble: options.onSinkTrouble,
  });

  let settings: AuditSettings = DEFAULT_AUDIT_SETTINGS;
  const troubles = new Map<string, string>();
  let draining = false;
  let ended = false;
  const shipping = { storeUrl: options.storeUrl, node, onRefused: (error: unknown) => options.onTrouble('store', error) };
  const shipper =
    options.shipThread === undefined
      ? createShipper({ ...shipping, log: reader })
      : createShipThread({ ...shipping, file: options.shipThread, directory: logDirectory(dataDir), place: () => log.place });
  const witnesses = createWitnesses({
    hashAt: log.hashAt,
    env: process.env,
    now,
    random: Math.random,
    onCosigned: (checkpoint, lines) => void attempt('checkpoint', () => checkpointer.cosign(checkpoint.size, lines)),
    onTrouble: (name, error) => options.onTrouble(`witness ${name}`, error),
  });
  const due = { actions: 0, checkpoint: Number.NEGATIVE_INFINITY, check: 0, status: 0, keys: 0, house: 0 };
  let wakeRecord: () => void = () => undefined;
  let wakeAttend: () => void = () => undefined;
  let stopCarrying: () => void = () => undefined;

  /** Runs one part; what it throws is said and does not stop the others. */
  const attempt = async <T>(part: string, work: () => Promise<T> | T): Promise<T | undefined> => {
    try {
      const result = await work();
      troubles.delete(part);
      return result;
    } catch (error) {
      troubles.set(part, `${part}: ${codeOf(error)}`);
      options.onTrouble(part, error);
      return undefined;
    }
  };

  const sign = async () => {
    await attempt('checkpoint store', () => checkpointer.pull());
    const note = await attempt('checkpoint', () => checkpointer.sign());
    if (note != null) witnesses.publish(note);
    await attempt('checkpoint store', () => checkpointer.push());
  };
  const readSettings = async () => {
    settings = await readAuditSettings(store, secretKey);
    witnesses.configure(settings.witnesses);
  };
  const keepHouse = async () => {
    await attempt('settings', readSettings);
    await attempt('sinks', () => sinks.apply(settings.sinks));
    await attempt('erasure', async () => {
      while (await eraseFromLog({ store, log, node, stopped: () => ended })) keyring.forget();
    });
    await attempt('checkpoint store', () => thinCheckpoints(store, node));
    if (settings.retention !== null)
      await attempt('retention', async () => {
        const index = await mayBeLetGo(store, node);
        if (index > log.first)
          // A sink that is behind keeps its entries, as far as its budget reaches.
          log.dropBefore(Math.min(index, sinks.needs() ?? Number.POSITIVE_INFINITY));
      });
  };

  const statusNow = (): RecorderStatus => ({
    node,
    publicKey: signer.text,
    first: log.first,
    size: log.size,
    checkpoint: checkpointer.last,
    journalLagBytes: sequencer.lagBytes(),
    shipLagEntries: shipper.lag(),
    witnesses: witnesses.status(),
    sinks: sinks.status(),
    verified: { upTo: check.upTo, completedAtMs: check.completedAtMs },
    broken: check.broken,
    refusedJournals: [...sequencer.refused].map(([journal, why]) => ({ journal, why })),
    trouble: [...troubles.values()][0] ?? null,
  });

  const sayInStore = async () => {
    await store.update(nodes).set({ status: statusNow(), seenAt: sql`now()` }).where(eq(nodes.name, node));
  };

  /** What comes with statements, and what must not be done beside it. */
  const record = async () => {
    while (!draining) {
      const taken = (await attempt('journals', () => sequencer.round())) ?? 0;
      if (taken > 0) sinks.wake();
      if (performance.now() >= due.house) {
        due.house = performance.now() + HOUSE_EVERY_MS;
        // Not beside a round: what is erased must not be sealed meanwhile with the key that goes.
        await keepHouse();
      }
      if (taken >= FEW_ENTRIES) await letOthersRun();
      else if (!draining) await pause(taken === 0 ? IDLE_MS : GATHER_MS, (wake) => (wakeRecord = wake));
    }
  };
  /** What is due of all else. */
  const attend = async () => {
    while (!draining) {
      const nowMs = performance.now();
      if (nowMs >= due.actions) {
        due.actions = nowMs + ACTIONS_EVERY_MS;
        const before = log.size;
        await attempt('actions', () => takeActions(shared));
        if (log.size > before) sinks.wake();
      }
      if (nowMs >= due.checkpoint + settings.checkpointEveryMs) {
        due.checkpoint = nowMs;
        await sign();
      }
      if (nowMs >= due.check) {
        due.check = nowMs + CHECK_EVERY_MS;
        await attempt('self-check', () => check.step(now()));
      }
      if (nowMs >= due.status) {
        due.status = nowMs + STATUS_EVERY_MS;
        await attempt('status', sayInStore);
      }
      if (nowMs >= due.keys) {
        due.keys = nowMs + KEYS_EVERY_MS;
        await attempt('value keys', () => keyring.prepare(dayOf(now() + DAY_MS)));
      }
      if (!draining) await pause(IDLE_MS, (wake) => (wakeAttend = wake));
    }
  };
  const shipRound = async (): Promise<number> => {
    const count = await attempt('store', () => shipper.round());
    return count ?? -1;
  };
  const ship = async () => {
    while (!draining) {
      const count = await shipRound();
      if (count < FEW_ENTRIES && !draining) await pause(count < 0 ? 1_000 : SHIP_IDLE_MS);
    }
  };

  const ready = (async () => {
    while (((await attempt('journals', () => sequencer.round())) ?? 0) > 0);
    while ((await shipRound()) > 0);
  })();
  /** Beside everything else, once: it may be a million rows. */
  const carrying = async () => {
    const { keyring: keys, wordKey: words } = shared;
    const carry = () => carryEarlier({ storeUrl: options.storeUrl, keyring: keys, wordKey: words, stopped: () => draining });
    while (!draining && (await attempt('earlier record', carry)) === undefined) await pause(5_000, (wake) => (stopCarrying = wake));
  };
  const running = ready.then(() => Promise.all([record(), attend(), ship(), carrying()]));

  return {
    log: reader,
    ready,
    wake() {
      due.actions = 0;
      due.house = 0;
      wakeRecord();
      wakeAttend();
    },
    status: statusNow,
    async drain(withinMs) {
      const until = performance.now() + withinMs;
      draining = true;
      wakeRecord();
      wakeAttend();
      stopCarrying();
      await Promise.race([running, pause(withinMs)]);
      while (performance.now() < until && ((await attempt('journals', () => sequencer.round())) ?? 0) > 0);
      await attempt('actions', () => takeActions(shared));
      await sign();
      while (performance.now() < until && (await shipRound()) > 0);
      // What they have not taken they get after the next start.
      await sinks.stop();
      ended = true;
      await witnesses.settle(Math.max(0, until - performance.now()));
      witnesses.close();
      await shipper.close();
      await log.settled();
      log.close();
    },
  };
}

const letOthersRun = () => new Promise<void>((resolve) => setImmediate(resolve));

const pause = (ms: number, onWake: (wake: () => void) => void = () => undefined) =>
  new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    onWake(() => {
      clearTimeout(timer);
      resolve();
    });
  });
