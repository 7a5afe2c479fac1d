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
      let text: string;
      try {
        text = readFileSync(path, 'utf8');
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
        throw error;
      }
      return cursorOf(text);
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

/** Where it is not as it was written, all that is there is sent again: a receiver sees an entry twice rather than never. */
function cursorOf(text: string): Cursor {
  try {
    const { next, lost, gap } = JSON.parse(text) as Cursor;
    if (Number.isSafeInteger(next) && Number.isSafeInteger(lost)) return { next, lost, gap };
  } catch {
    // Said below.
  }
  return { next: 0, lost: 0, gap: null };
}
