import { closeSync, fdatasync, fdatasyncSync, fsyncSync, ftruncateSync, mkdirSync, openSync, unlinkSync, writeSync } from 'node:fs';

/** What the journal asks of the file system; another one stands in for disks that fail. */
export interface JournalFiles {
  makeDirectory(path: string): void;
  /** Makes a file that is not there yet. */
  create(path: string): number;
  /** Bytes written: fewer than asked where there was no room for the rest. */
  write(file: number, bytes: Uint8Array, length: number, position: number): number;
  truncate(file: number, sizeBytes: number): void;
  /** Resolves when what was written is on the disk. */
  sync(file: number, done: (error: Error | null) => void): void;
  syncNow(file: number): void;
  /** What was made in the directory will be found there after the machine has died. */
  syncDirectory(path: string): void;
  close(file: number): void;
  remove(path: string): void;
}

export const diskFiles: JournalFiles = {
  makeDirectory: (path) => void mkdirSync(path, { recursive: true, mode: 0o700 }),
  create: (path) => openSync(path, 'wx', 0o600),
  write: (file, bytes, length, position) => writeSync(file, bytes, 0, length, position),
  truncate: ftruncateSync,
  sync: fdatasync,
  syncNow: fdatasyncSync,
  syncDirectory(path) {
    const directory = openSync(path, 'r');
    try {
      fsyncSync(directory);
    } finally {
      closeSync(directory);
    }
  },
  close: closeSync,
  remove: unlinkSync,
};
