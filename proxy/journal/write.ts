import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { encodeEntry, type JournalEntry } from './entries';

/** The journal of one worker process: append-only segment files that no other process writes. */
export interface Journal {
  /**
   * Hands the entry to the kernel before it returns, so a killed process loses nothing that was forwarded.
   * @throws Error when it could not be written whole; the statement must not be executed.
   */
  append(entry: JournalEntry): void;
  close(): void;
}

const SEGMENT_BYTES = 64 * 1024 * 1024;

/** `<dataDir>/journal/<name>/<segment>.log` */
export const journalDirectory = (dataDir: string) => join(dataDir, 'journal');
export const segmentFile = (segment: number) => `${String(segment).padStart(8, '0')}.log`;

export function openJournal(dataDir: string, name: string, segmentBytes: number = SEGMENT_BYTES): Journal {
  const directory = join(journalDirectory(dataDir), name);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  let segment = 0;
  let written = 0;
  let file = openSync(join(directory, segmentFile(segment)), 'ax', 0o600);
  // After a short write the tail is torn; nothing may follow it in this segment.
  let torn = false;

  const roll = () => {
    const next = openSync(join(directory, segmentFile(segment + 1)), 'ax', 0o600);
    closeSync(file);
    file = next;
    segment++;
    written = 0;
    torn = false;
  };

  return {
    append(entry) {
      const bytes = encodeEntry(entry);
      if (torn || (written > 0 && written + bytes.length > segmentBytes)) roll();
      let count = 0;
      try {
        count = writeSync(file, bytes);
      } finally {
        written += count;
        torn = count !== bytes.length && count > 0;
      }
      if (count !== bytes.length) throw new Error('the journal took only part of an entry');
    },
    close() {
      closeSync(file);
    },
  };
}
