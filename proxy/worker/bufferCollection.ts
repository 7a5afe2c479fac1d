import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** How much may be read between two collections. */
const EVERY_BYTES = 16 * 1024 * 1024;

/** Above this many bytes outside the heap the old generation is collected too, no more than once a second. */
const OLD_BYTES = 32 * 1024 * 1024;
const OLD_EVERY_MS = 1_000;

/**
 * Keeps memory flat while large results pass. Every read is a fresh buffer outside the heap, and V8 collects those only when it feels about
 * 100 MB of them, however dead they are. A collection of the young generation frees them in about a millisecond, so one is asked for each
 * time this many bytes have been read. A buffer that waits for a slow peer through two of them is of the old generation by then, and takes a
 * collection of that one.
 */
export function createBufferCollection(): (readBytes: number) => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: { type: 'minor' | 'major' }) => void;
  let sinceLast = 0;
  let limitBytes = OLD_BYTES;
  let lastOldMs = 0;
  return (readBytes) => {
    sinceLast += readBytes;
    if (sinceLast < EVERY_BYTES) return;
    sinceLast = 0;
    collect({ type: 'minor' });
    const heldBytes = process.memoryUsage().arrayBuffers;
    // What was in use at a busier time no longer is.
    limitBytes = Math.min(limitBytes, Math.max(OLD_BYTES, 2 * heldBytes));
    if (heldBytes < limitBytes || performance.now() - lastOldMs < OLD_EVERY_MS) return;
    collect({ type: 'major' });
    lastOldMs = performance.now();
    // What is in use stays, and is not looked for again.
    limitBytes = Math.max(OLD_BYTES, 2 * process.memoryUsage().arrayBuffers);
  };
}
