import { linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { startedAt } from './process';

export interface Lock {
  release(): void;
}

/** Another live process holds the lock. */
export class LockedError extends Error {
  constructor(
    readonly path: string,
    readonly pid: number,
  ) {
    super(`${path} is held by process ${pid}`);
  }
}

/** A holder that was just killed takes a moment to be gone: so many looks, 50 ms apart, before it counts as alive. */
const DYING_ATTEMPTS = 15;

/**
 * Takes a lock file that names its holder. A lock whose holder is gone (kill -9, power cut) is taken over; a live one throws {@link LockedError}.
 * The file appears whole (written aside, then linked), so it is never read half-written.
 */
export function takeLock(path: string): Lock {
  const mine = JSON.stringify({ pid: process.pid, startedAt: startedAt(process.pid) });
  const aside = `${path}.${process.pid}`;
  writeFileSync(aside, mine, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 3 * DYING_ATTEMPTS; attempt++) {
      if (linked(aside, path)) return { release: () => releaseLock(path, mine) };
      const holder = readHolder(path);
      if (holder?.live === false) breakLock(path);
      else if (holder?.live === true) {
        if (holder.pid === process.pid || attempt >= DYING_ATTEMPTS) throw new LockedError(path, holder.pid);
        sleep(50);
      }
    }
  } finally {
    rmSync(aside, { force: true });
  }
  throw new Error(`${path} could not be taken; remove ${path}.breaking if no gatehouse is starting`);
}

/** Blocks: nothing else runs in a process that waits for its lock. */
function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Null when the file is gone. Unreadable content is a stale lock: locks are only ever linked whole. */
function readHolder(path: string): { pid: number; live: boolean } | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    const holder = JSON.parse(text) as { pid: number; startedAt: string | null };
    const now = startedAt(holder.pid);
    return { pid: holder.pid, live: now !== null && now === holder.startedAt };
  } catch {
    return { pid: 0, live: false };
  }
}

/** Removes a stale lock. A second file lets one breaker in at a time, so that nobody removes the lock that another just took. */
function breakLock(path: string): void {
  const breaking = `${path}.breaking`;
  try {
    writeFileSync(breaking, '', { flag: 'wx' });
  } catch {
    const since = statSync(breaking, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    // A breaker works for microseconds; one that is this old was killed in there.
    if (Date.now() - since > 10_000) rmSync(breaking, { force: true });
    return;
  }
  try {
    if (readHolder(path)?.live === false) rmSync(path, { force: true });
  } finally {
    rmSync(breaking, { force: true });
  }
}

function releaseLock(path: string, mine: string): void {
  try {
    if (readFileSync(path, 'utf8') === mine) rmSync(path, { force: true });
  } catch {
    // Someone removed the data directory: nothing is left to release.
  }
}
