import { closeSync, fdatasync, fdatasyncSync, fsyncSync, ftruncateSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Frontier } from '../tlog/frontier';
import { leafHash } from '../tlog/hash';
import { rootAt } from '../tlog/subtrees';
import { encodeFileHeader, erasedValues } from './frame';
import { LeafGroup } from './group';
import { openHashFile } from './hashFile';
import type { LogPlace } from './leaf';
import { LogDamagedError, type LogFiles, SegmentReader } from './readLog';
import { lastCommit, listSegments, logDirectory, recordDirectory, segmentPath, withSegment } from './segments';

/**
 * The log of one gateway, for the one process that appends to it.
 *
 * On disk, in `<dataDir>/record/log`, files named by their first entry; entries come in groups, each ended by a frame that also holds what
 * the recorder has to know to go on (`state`). A group counts when that frame is there: what a crash left behind it was never in the log.
 */
export interface AppendLog extends Omit<LogFiles, 'publicKey' | 'checkpoint'> {
  /** As the last group says; empty for a log that begins. */
  readonly state: string;
  /** For readers elsewhere: what is before it is on disk. */
  readonly place: LogPlace;
  /** What was found at the start that is not as it was written. */
  readonly broken: { index: number; what: string } | null;
  /**
   * Appends one group, behind those that are on their way, and has it on disk when it resolves, with the index of its first entry. The
   * group must not change until then.
   * @throws Error when the disk took it not whole; the log is then as before, and appending may be tried again
   */
  append(group: LeafGroup, state: string): Promise<number>;
  /** Resolves when nothing is on its way: it may be closed. */
  settled(): Promise<void>;
  /** Root of the first `size` entries. */
  root(size?: number): Buffer;
  /** Overwrites the values beside an entry; false where there are none any more. */
  eraseValues(index: number): boolean;
  /** Removes whole files of entries before `index`; their hashes stay, and with them every proof. */
  dropBefore(index: number): void;
}

const SEGMENT_BYTES = 64 * 1024 * 1024;
const synchronise = promisify(fdatasync);

/** @throws Error when the log is a newer version's, or damaged so that it cannot be appended to */
export function openAppendLog(dataDir: string, segmentBytes: number = SEGMENT_BYTES): AppendLog {
  const directory = logDirectory(dataDir);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const found = openLastFile(directory);
  let { segment, file, end, size, state } = found;
  const reader = new SegmentReader(directory);
  reader.refresh();
  const hashes = openHashFile(join(recordDirectory(dataDir), 'hashes'), 'append');
  const broken = mendHashes(hashes, reader, size);
  const frontier = Frontier.at(size, hashes.hashAt);
  // Hashes of the log that the disk had no room for.
  let owed: Buffer[] = [];
  let hashed = size;
  // After a write that failed: bytes behind the last group, which go before the next one.
  let torn = false;

  /** The log has its entries already: a disk that is full here is no reason to say that it has not. */
  const keepHashes = () => {
    try {
      if (hashes.size() !== hashed) hashes.cutTo(hashed);
      hashes.append(owed);
      hashed = size;
      owed = [];
    } catch {
      // Tried again with the next group, and made anew from the log after a restart.
    }
  };

  const roll = () => {
    hashes.sync();
    const next = startFile(directory, size, state);
    closeSync(file);
    ({ segment, file, end } = next);
  };

  const write = async (group: LeafGroup, newState: string): Promise<number> => {
    if (torn) {
      ftruncateSync(file, end);
      torn = false;
    }
    if (end >= segmentBytes) roll();
    const bytes = group.frames(size, newState);
    torn = true;
    writeWhole(file, bytes, end);
    const synced = synchronise(file);
    // While the disk is busy. Where it fails, nobody hears of them.
    const hashes = [...group.hashes()];
    await synced;
    torn = false;
    const from = size;
    end += bytes.length;
    size += group.count;
    state = newState;
    // Without a sync: whatever is missing after a crash is made again from the log.
    for (const hash of hashes) owed.push(...frontier.append(hash));
    keepHashes();
    reader.follow({ segment, size, offset: end });
    return from;
  };
  /** The group before: they go into the file one after the other. */
  let last: Promise<void> = Promise.resolve();

  return {
    get first() {
      return reader.first;
    },
    get size() {
      return size;
    },
    get state() {
      return state;
    },
    get place() {
      return { segment, size, offset: end };
    },
    broken,
    read: (from, limit) => reader.read(from, limit),
    hashAt: hashes.hashAt,
    refresh: () => undefined,
    append(group, newState) {
      const appended = last.then(() => write(group, newState));
      last = appended.then(
        () => undefined,
        () => undefined,
      );
      return appended;
    },
    settled: () => last,
    root: (at = size) => (at === size ? frontier.root() : rootAt(at, hashes.hashAt)),
    eraseValues(index) {
      const { segment: holder, offset } = reader.locate(index);
      const frame = withSegment(holder, (bytes) => bytes.frameAt(offset));
      if (frame.kind !== 'leaf' || typeof frame.values === 'string') return false;
      const writer = openSync(holder.path, 'r+');
      try {
        writeWhole(writer, erasedValues(frame.sizeBytes - frame.valuesAt), offset + frame.valuesAt);
        fdatasyncSync(writer);
      } finally {
        closeSync(writer);
      }
      return true;
    },
    dropBefore(index) {
      hashes.sync();
      const files = listSegments(directory);
      for (const [at, old] of files.entries()) {
        const next = files[at + 1];
        if (next === undefined || next.first > index) break;
        rmSync(old.path, { force: true });
      }
      reader.refresh();
    },
    close() {
      hashes.sync();
      hashes.close();
      closeSync(file);
    },
  };
}

interface OpenFile {
  segment: { first: number; path: string };
  file: number;
  /** Where the last whole group ends. */
  end: number;
  size: number;
  state: string;
}

/** Opens the newest file that has a whole group, and cuts off what a crash left behind it. */
function openLastFile(directory: string): OpenFile {
  for (const segment of listSegments(directory).reverse()) {
    const last = lastCommit(segment);
    if (last === null) {
      // Its first group is its beginning: without it nothing was ever in it.
      rmSync(segment.path, { force: true });
      continue;
    }
    const file = openSync(segment.path, 'r+');
    ftruncateSync(file, last.end);
    fdatasyncSync(file);
    return { segment, file, ...last };
  }
  return startFile(directory, 0, '');
}

function startFile(directory: string, first: number, state: string): OpenFile {
  const path = segmentPath(directory, first);
  const file = openSync(path, 'wx+', 0o600);
  const bytes = Buffer.concat([encodeFileHeader(first), new LeafGroup().frames(first, state)]);
  try {
    writeWhole(file, bytes, 0);
    fdatasyncSync(file);
    syncDirectory(directory);
  } catch (error) {
    closeSync(file);
    rmSync(path, { force: true });
    throw error;
  }
  return { segment: { first, path }, file, end: bytes.length, size: first, state };
}

/** A new name is on disk when its directory is. */
function syncDirectory(directory: string): void {
  const file = openSync(directory, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function writeWhole(file: number, bytes: Buffer, at: number): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written, bytes.length - written, at + written);
}

/** Brings the hashes to the size of the log, and compares those of its newest file with its entries. */
function mendHashes(hashes: ReturnType<typeof openHashFile>, reader: SegmentReader, size: number): { index: number; what: string } | null {
  const known = Math.min(hashes.size(), size);
  // Also what was written of the next entry's hashes alone.
  hashes.cutTo(known);
  const frontier = Frontier.at(known, hashes.hashAt);
  const newest = reader.segments.at(-1)?.first ?? 0;
  let broken: { index: number; what: string } | null = null;
  for (let index = Math.min(known, newest); index < size; ) {
    try {
      const records = reader.read(index, 10_000);
      if (records.length === 0) throw new Error(`the record has no entry ${index} where one should be; restore the record from a backup`);
      for (const record of records) {
        const hash = leafHash(record.bytes);
        if (index >= known) hashes.append(frontier.append(hash));
        else if (!hash.equals(hashes.hashAt(0, index)))
          broken ??= { index, what: `entry ${index} does not have the hash it was recorded with` };
        index++;
      }
    } catch (error) {
      if (!(error instanceof LogDamagedError)) throw error;
      // Their hashes are gone with them: nothing can be appended to a tree that is not known.
      if (error.to > known) throw new Error(`${error.message}; restore the record from a backup`);
      broken ??= { index: error.from, what: error.message };
      index = error.to;
    }
  }
  return broken;
}
