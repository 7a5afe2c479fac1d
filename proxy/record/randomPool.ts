import { randomFillSync } from 'node:crypto';

const POOL_BYTES = 16 * 1024;

/** Unforeseeable bytes out of a pool: a call of the system for each salt costs more than hashing it. No byte is given twice. */
export function createRandomPool(): (sizeBytes: number) => Buffer {
  let pool = Buffer.alloc(0);
  let at = 0;
  return (sizeBytes) => {
    // What was given out stays as it is: a new pool is new memory.
    if (pool.length - at < sizeBytes) {
      pool = randomFillSync(Buffer.allocUnsafeSlow(Math.max(POOL_BYTES, sizeBytes)));
      at = 0;
    }
    const from = at;
    at += sizeBytes;
    return pool.subarray(from, at);
  };
}
