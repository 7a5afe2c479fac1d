import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** How much may be read between two collections. */
const EVERY_BYTES = 16 * 1024 * 1024;

/**
 * Keeps memory flat while large results pass. Every read is a fresh buffer outside the heap, and V8 collects those only when it feels about
 * 100 MB of them, however dead they are. A collection of the young generation frees them in about a millisecond, so one is asked for each
 * time this many bytes have been read.
 */
export function createYoungCollection(): (readBytes: number) => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: { type: 'minor' }) => void;
  let sinceLast = 0;
  return (readBytes) => {
    sinceLast += readBytes;
    if (sinceLast < EVERY_BYTES) return;
    sinceLast = 0;
    collect({ type: 'minor' });
  };
}
