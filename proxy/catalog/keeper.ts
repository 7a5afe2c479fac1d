import type pg from 'pg';
import { withFormerNames } from './formerNames';
import { catalogFingerprint, loadCatalog } from './load';
import { LOCK_TIMEOUT_MS } from './texts';
import type { CatalogSnapshot, FormerNames } from './types';

/** Keeps the catalog of one upstream current through its own control connection. */
export interface CatalogKeeper {
  /** A snapshot that can be vouched for, read now if there is none. Rejects when the upstream cannot be read. */
  ready(): Promise<CatalogSnapshot>;
  /** The snapshot while it can be vouched for; null before the first, while a change is being read, and when the upstream is out of reach. */
  current(): CatalogSnapshot | null;
  /** The last snapshot that was whole, for what does not depend on its being current; null before the first. */
  latest(): CatalogSnapshot | null;
  /** Asks the upstream now, whatever the poll last saw; calls that overlap share one reading that began after them. */
  refresh(): Promise<CatalogSnapshot>;
  close(): Promise<void>;
}

export interface KeeperOptions {
  connect(): Promise<pg.Client>;
  pollMs: number;
  /** What columns were called when the gateway last saw them, asked for once; without an answer there is no snapshot. */
  formerNames(): Promise<FormerNames>;
  onError(error: unknown): void;
}

/** A reading that takes longer means a connection that is gone without saying so. */
const READ_TIMEOUT_MS = 30_000;
const MAX_BACKOFF_MS = 30_000;

/**
 * Opens a keeper; it connects at the first use. The fingerprint is compared every `pollMs`; when it moved, the snapshot is withdrawn
 * until the new one is whole. A snapshot that has not been confirmed for three polls is no longer vouched for. One with texts that were
 * locked is read again at every poll and stands meanwhile: what could not be read is answered for by the safe answer.
 */
export function openCatalogKeeper(options: KeeperOptions): CatalogKeeper {
  let client: pg.Client | null = null;
  let snapshot: CatalogSnapshot | null = null;
  let whole: CatalogSnapshot | null = null;
  let kept: FormerNames | null = null;
  let confirmedAtMs = Number.NEGATIVE_INFINITY;
  let version = 0;
  let failures = 0;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<CatalogSnapshot> | null = null;
  let queued: Promise<CatalogSnapshot> | null = null;

  const vouched = () => (snapshot !== null && performance.now() - confirmedAtMs <= options.pollMs * 3 ? snapshot : null);

  const drop = () => {
    const lost = client;
    client = null;
    void lost?.end().catch(() => undefined);
  };

  const connected = async (): Promise<pg.Client> => {
    if (client !== null) return client;
    const fresh = await options.connect();
    fresh.on('error', () => {
      if (client === fresh) client = null;
    });
    if (closed) {
      void fresh.end().catch(() => undefined);
      throw new Error('the catalog keeper is closed');
    }
    client = fresh;
    // Nothing here waits for other sessions' locks; the fingerprint is read outside of any transaction.
    await withTimeout(fresh.query(`SET lock_timeout = ${LOCK_TIMEOUT_MS}`));
    return fresh;
  };

  const read = async (): Promise<CatalogSnapshot> => {
    const startedAtMs = performance.now();
    const connection = await connected();
    const fingerprint = await withTimeout(catalogFingerprint(connection));
    if (snapshot?.fingerprint !== fingerprint) snapshot = null;
    if (snapshot === null || snapshot.unreadable.length > 0) {
      kept ??= await withTimeout(options.formerNames());
      const loaded = withFormerNames(await withTimeout(loadCatalog(connection)), whole, kept);
      if (snapshot === null || !isSame(snapshot, loaded)) snapshot = { ...loaded, version: ++version };
      whole = snapshot;
    }
    confirmedAtMs = startedAtMs;
    return snapshot;
  };

  /** A connection that was open may have died unseen; what fails on it is tried once on a new one. */
  const readAgain = async (): Promise<CatalogSnapshot> => {
    const reused = client !== null;
    try {
      return await read();
    } catch (error) {
      if (!reused || closed) throw error;
      drop();
      return read();
    }
  };

  const run = (): Promise<CatalogSnapshot> => {
    running = readAgain()
      .then((fresh) => {
        failures = 0;
        return fresh;
      })
      .catch((error: unknown) => {
        failures += 1;
        drop();
        throw error;
      })
      .finally(() => {
        running = null;
        schedule();
      });
    return running;
  };

  const refresh = (): Promise<CatalogSnapshot> => {
    if (closed) return Promise.reject(new Error('the catalog keeper is closed'));
    if (running === null) return run();
    queued ??= running
      .catch(() => undefined)
      .then(() => {
        queued = null;
        return running ?? run();
      });
    return queued;
  };

  const schedule = () => {
    clearTimeout(timer);
    if (closed) return;
    const delayMs = failures === 0 ? options.pollMs : Math.min(options.pollMs * 2 ** (failures - 1), MAX_BACKOFF_MS);
    timer = setTimeout(() => void refresh().catch(options.onError), delayMs);
    timer.unref();
  };

  return {
    async ready() {
      return vouched() ?? refresh();
    },
    current: vouched,
    latest: () => whole,
    refresh,
    async close() {
      closed = true;
      clearTimeout(timer);
      const last = client;
      client = null;
      snapshot = null;
      whole = null;
      await last?.end().catch(() => undefined);
    },
  };
}

/** The same catalog with the same gaps: no reason for a new version, which would make every session think again. */
function isSame(a: CatalogSnapshot, b: CatalogSnapshot): boolean {
  return a.fingerprint === b.fingerprint && a.unreadable.join() === b.unreadable.join();
}

function withTimeout<T>(work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the upstream did not answer in time')), READ_TIMEOUT_MS);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
