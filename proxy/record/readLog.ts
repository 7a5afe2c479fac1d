import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { newestNote, readNotes, readPublicKey } from './checkpointFile';
import { FILE_HEADER_BYTES } from './frame';
import { type HashFile, openHashFile } from './hashFile';
import { type LogPlace, type LogReader, type LogRecord, StoredRecord } from './leaf';
import { lastCommit, listSegments, logDirectory, recordDirectory, type Segment, type SegmentBytes, withSegment } from './segments';

/** Entries `[from, to)` cannot be read: their bytes on disk are not as they were written. What stands behind them can. */
export class LogDamagedError extends Error {
  constructor(
    readonly from: number,
    readonly to: number,
    path: string,
  ) {
    super(`the record is damaged: entries ${from} to ${to - 1} in ${path} are not as they were written`);
  }
}

/** The log on disk, whoever appends to it. */
export interface LogFiles extends LogReader {
  /** Looks again how far the log reaches: another process appends to it. */
  refresh(): void;
  close(): void;
}

const NO_WORDS = Buffer.alloc(0);
const READ_BYTES = 4 * 1024 * 1024;
/** What a few entries take is read, and not a whole chunk for each few. */
const chunkFor = (limit: number): number => Math.min(READ_BYTES, Math.max(64, limit) * 1_024);
/** Between two known places of a file at most so many frames are passed over. */
const MARK_EVERY = 64;

/** Opens the log of a gateway for reading. @throws Error when there is none, or a newer version's */
export function openLogFiles(dataDir: string): LogFiles {
  const reader = new SegmentReader(logDirectory(dataDir));
  const hashPath = join(recordDirectory(dataDir), 'hashes');
  if (!existsSync(hashPath)) throw new Error(`there is no record in ${recordDirectory(dataDir)} yet`);
  const hashes: HashFile = openHashFile(hashPath, 'read');
  reader.refresh();
  return {
    get first() {
      return reader.first;
    },
    get size() {
      return reader.size;
    },
    read: (from, limit) => reader.read(from, limit),
    publicKey: readPublicKey(dataDir),
    checkpoint: () => newestNote(readNotes(dataDir), reader.size),
    hashAt: hashes.hashAt,
    refresh: () => reader.refresh(),
    close: () => hashes.close(),
  };
}

/** Finds entries by their index: remembers places it has seen, and looks through a file from the nearest one. */
export class SegmentReader implements Pick<LogReader, 'first' | 'size' | 'read'> {
  #segments: Segment[] = [];
  /** By first entry of the file: index → offset, in order. */
  readonly #marks = new Map<number, { index: number; offset: number }[]>();
  size = 0;
  /** Where the last reading ended, which is where the next one begins as a rule. */
  #after: { first: number; index: number; offset: number } | null = null;
  #committed: { path: string; end: number } | null = null;

  constructor(readonly directory: string) {}

  get first(): number {
    return this.#segments[0]?.first ?? 0;
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** Reads the list of files, and the last one as far as it has grown. */
  refresh(): void {
    this.#segments = listSegments(this.directory);
    // The newest file may be so new that no group of it is whole.
    for (const segment of this.#segments.slice(-2).reverse()) {
      const known = this.#committed?.path === segment.path ? this.#committed.end : undefined;
      if (known !== undefined && statSync(segment.path).size === known) return;
      const found = lastCommit(segment, known);
      if (found !== null) {
        this.size = found.size;
        this.#committed = { path: segment.path, end: found.end };
        return;
      }
      if (known !== undefined) return;
    }
  }

  /** The writer says what is there: nothing has to be looked for. */
  follow({ segment, size, offset }: LogPlace): void {
    if (this.#segments.at(-1)?.first !== segment.first) this.#segments = listSegments(this.directory);
    this.size = size;
    this.#mark(segment, size, offset);
  }

  read(from: number, limit: number): LogRecord[] {
    const records: LogRecord[] = [];
    let budget = READ_BYTES;
    for (let next = from; next < this.size && records.length < limit && budget > 0; ) {
      const segment = this.segmentOf(next);
      if (segment === undefined) throw new Error(`the record begins with entry ${this.first}: entry ${next} is in the archive, or gone`);
      const end = Math.min(this.#endOf(segment), this.size);
      const before = records.length;
      withSegment(
        segment,
        (bytes) => {
          let offset = this.#offsetOf(segment, bytes, next);
          while (next < end && records.length < limit && budget > 0) {
            const frame = bytes.frameAt(offset);
            if (frame.kind === 'torn' || frame.kind === 'corrupt') {
              if (records.length > 0) return;
              throw new LogDamagedError(next, Math.max(next + 1, this.#nextAfter(segment, bytes, offset)), segment.path);
            }
            if (frame.kind === 'leaf' && frame.index > next) {
              if (records.length > 0) return;
              throw new LogDamagedError(next, frame.index, segment.path);
            }
            if (frame.kind === 'leaf' && frame.index === next) {
              const given = typeof frame.values === 'string' ? null : frame.values;
              records.push(new StoredRecord(next, frame.leaf, given?.sealed ?? null, given?.words ?? NO_WORDS));
              next++;
              budget -= frame.sizeBytes;
            }
            offset += frame.sizeBytes;
            if (frame.kind === 'leaf') this.#mark(segment, next, offset);
          }
          this.#after = { first: segment.first, index: next, offset };
        },
        chunkFor(limit),
      );
      // Damage behind what could be read: whoever reads on hears of it.
      if (records.length === before) break;
    }
    return records;
  }

  /** Where the frame of an entry stands. @throws LogDamagedError when it cannot be read */
  locate(index: number): { segment: Segment; offset: number } {
    const segment = this.segmentOf(index);
    if (segment === undefined || index >= this.size) throw new Error(`the record has no entry ${index}`);
    return { segment, offset: withSegment(segment, (bytes) => this.#frameOf(segment, bytes, index)) };
  }

  segmentOf(index: number): Segment | undefined {
    return this.#segments.findLast(({ first }) => first <= index);
  }

  #endOf(segment: Segment): number {
    return this.#segments.find(({ first }) => first > segment.first)?.first ?? this.size;
  }

  /** A place at or before entry `index`, as near as is known. */
  #offsetOf(segment: Segment, bytes: SegmentBytes, index: number): number {
    if (this.#after?.first === segment.first && this.#after.index === index) return this.#after.offset;
    const marks = this.#marks.get(segment.first) ?? [];
    const near = marks[placeOf(marks, index) - 1] ?? { index: segment.first, offset: FILE_HEADER_BYTES };
    let { offset } = near;
    for (let at = near.index; at < index; ) {
      const frame = bytes.frameAt(offset);
      if (frame.kind === 'torn' || frame.kind === 'corrupt') {
        const next = bytes.nextCommit(offset + 1);
        // The group that the entry is in, or the one before it, is behind the damage.
        if (next === null || next.frame.index > index) return offset;
        offset = next.offset;
        at = next.frame.index;
        continue;
      }
      if (frame.kind === 'leaf' && frame.index >= index) return offset;
      offset += frame.sizeBytes;
      if (frame.kind === 'leaf') {
        at = frame.index + 1;
        this.#mark(segment, at, offset);
      }
    }
    return offset;
  }

  #frameOf(segment: Segment, bytes: SegmentBytes, index: number): number {
    for (let offset = this.#offsetOf(segment, bytes, index); ; ) {
      const frame = bytes.frameAt(offset);
      if (frame.kind === 'torn' || frame.kind === 'corrupt' || (frame.kind === 'leaf' && frame.index > index))
        throw new LogDamagedError(index, index + 1, segment.path);
      if (frame.kind === 'leaf' && frame.index === index) return offset;
      offset += frame.sizeBytes;
    }
  }

  /** The first entry behind damage that can be read again. */
  #nextAfter(segment: Segment, bytes: SegmentBytes, offset: number): number {
    const next = bytes.nextCommit(offset + 1);
    return next === null ? Math.min(this.#endOf(segment), this.size) : next.frame.index;
  }

  #mark(segment: Segment, index: number, offset: number): void {
    const marks = this.#marks.get(segment.first) ?? [];
    if (marks.length === 0) this.#marks.set(segment.first, marks);
    const at = placeOf(marks, index);
    const tooNear = (mark: { index: number } | undefined) => mark !== undefined && Math.abs(mark.index - index) < MARK_EVERY;
    if (!tooNear(marks[at - 1]) && !tooNear(marks[at])) marks.splice(at, 0, { index, offset });
  }
}

/** How many marks stand at or before an index. */
function placeOf(marks: readonly { index: number }[], index: number): number {
  let low = 0;
  let high = marks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((marks[middle]?.index ?? 0) <= index) low = middle + 1;
    else high = middle;
  }
  return low;
}
