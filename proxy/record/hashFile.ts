import { closeSync, fdatasyncSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { HASH_BYTES } from '../tlog/hash';
import { type HashAt, storedCount, storedIndex } from '../tlog/subtrees';

const HEADER = Buffer.from('GATEHOUSE HASHES 1\n'.padEnd(HASH_BYTES, '\n'));

/**
 * The hashes of the log's complete subtrees, one behind the other as they become complete, so that any proof is a few reads. They follow
 * from the log: what a crash left out is made again.
 */
export interface HashFile {
  /** Entries whose hashes are all there. */
  size(): number;
  hashAt: HashAt;
  append(hashes: readonly Buffer[]): void;
  /** Takes back what stands behind the first `size` entries. */
  cutTo(size: number): void;
  sync(): void;
  close(): void;
}

/** @throws Error when the file is another, or a newer version's */
export function openHashFile(path: string, mode: 'append' | 'read'): HashFile {
  const file = openSync(path, mode === 'read' ? 'r' : 'a+', 0o600);
  if (fstatSync(file).size < HEADER.length && mode === 'append') {
    ftruncateSync(file, 0);
    writeSync(file, HEADER);
  }
  const found = Buffer.alloc(HEADER.length);
  readSync(file, found, 0, HEADER.length, 0);
  if (!found.equals(HEADER)) {
    closeSync(file);
    throw new Error(`${path} is no file of hashes that this version of Gatehouse reads`);
  }
  const stored = () => Math.floor((fstatSync(file).size - HEADER.length) / HASH_BYTES);

  return {
    size: () => sizeOf(stored()),
    hashAt(level, index) {
      const hash = Buffer.allocUnsafe(HASH_BYTES);
      const count = readSync(file, hash, 0, HASH_BYTES, HEADER.length + storedIndex(level, index) * HASH_BYTES);
      if (count !== HASH_BYTES) throw new Error(`${path} has no hash at level ${level}, index ${index}`);
      return hash;
    },
    append(hashes) {
      const bytes = Buffer.concat(hashes);
      if (writeSync(file, bytes) !== bytes.length) throw new Error(`${path} took only part of its hashes`);
    },
    cutTo: (size) => ftruncateSync(file, HEADER.length + storedCount(size) * HASH_BYTES),
    sync: () => fdatasyncSync(file),
    close: () => closeSync(file),
  };
}

/** The number of entries that `count` hashes are enough for. */
function sizeOf(count: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (storedCount(middle) <= count) low = middle;
    else high = middle - 1;
  }
  return low;
}
