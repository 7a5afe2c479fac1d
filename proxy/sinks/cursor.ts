import { closeSync, fdatasyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Gap } from './sink';

/** How far a sink has the log, and what it lost. */
export interface Cursor {
  /** The next entry to send. */
  next: number;
  /** Entries it never gets, in all. */
  lost: number;
  /** Skipped, and not said to it yet. */
  gap: Gap | null;
}

/** In a file of its own beside the log: a sink goes on where it was, on any start. */
export function openCursor(directory: string, name: string): { read(): Cursor | null; write(cursor: Cursor): void } {
  const path = join(directory, `${name}.json`);
  return {
    read() {
      try {
        const { next, lost, gap } = JSON.parse(readFileSync(path, 'utf8')) as Cursor;
        return Number.isSafeInteger(next) ? { next, lost, gap } : null;
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code !== 'ENOENT') throw error;
        return null;
      }
    },
    write(cursor) {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      const aside = `${path}.new`;
      const file = openSync(aside, 'w', 0o600);
      try {
        writeSync(file, JSON.stringify(cursor));
        fdatasyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(aside, path);
    },
  };
}
