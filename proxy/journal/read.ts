import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { type Definition, readDefinition } from './definitions';
import type { JournalEntry } from './entries';
import {
  decodeHeader,
  FRAME_BYTES,
  type Frame,
  FrameKind,
  findFrame,
  frameAt,
  HEADER_BYTES,
  isZero,
  JOURNAL_VERSION,
  MAX_PAYLOAD_BYTES,
} from './frames';
import { segmentFile } from './places';
import { readOutcome, readStatement } from './records';

/** Where a reader stands. What it has read may be deleted: every segment before `segment`. */
export interface JournalPosition {
  segment: number;
  /** Bytes from the start of the segment. */
  offset: number;
  /** The number the next entry should have; null where that is not known, and then nothing is said of what may lie between. */
  seq: number | null;
}

export const JOURNAL_START: JournalPosition = { segment: 0, offset: 0, seq: 0 };

/** Bytes in which nothing could be read, or, with `fromByte` = `toByte`, a place where entries are missing. */
export interface JournalDamage {
  segment: number;
  fromByte: number;
  toByte: number;
  why: string;
}

export interface JournalRead {
  entries: { seq: number; entry: JournalEntry }[];
  /** Equal to the position asked for where there is nothing new. */
  next: JournalPosition;
  damage: JournalDamage[];
  /** The writer is done: nothing will ever follow `next`. */
  ended: boolean;
}

/** The segment is of a version this program does not know; nothing of it was read and nothing may be passed over. */
export class JournalVersionError extends Error {
  override name = 'JournalVersionError';
}

/**
 * What stands in a journal from `position` on, about `limitBytes` of it, whole entries only. Its writer may be writing meanwhile.
 * What cannot be read is reported with its place, and reading goes on behind it; at the very end it is left alone while its writer may
 * still be at it (proxy/journal/cut.ts says that a dead one is not).
 * @param kept of this journal, where it is read on and on
 * @throws JournalVersionError
 */
export function readJournal(
  directory: string,
  position: JournalPosition,
  limitBytes: number,
  kept: KeptDefinitions = new KeptDefinitions(),
): JournalRead {
  const read: JournalRead = { entries: [], next: { ...position }, damage: [], ended: false };
  let left = limitBytes;
  while (left > 0 && !read.ended) {
    const segment = openSegment(directory, read.next.segment);
    if (segment === null) {
      const later = laterSegment(directory, read.next.segment);
      if (later === null) break;
      read.damage.push({ segment: read.next.segment, fromByte: 0, toByte: 0, why: 'its file is missing' });
      read.next = { segment: later, offset: 0, seq: read.next.seq };
      continue;
    }
    try {
      const before = read.next.offset;
      const movedOn = readSegment(segment, read, left, kept);
      left -= movedOn ? HEADER_BYTES : read.next.offset - before;
      if (!movedOn) break;
    } finally {
      closeSync(segment.file);
    }
  }
  return read;
}

/**
 * Sessions and judgements are referred to from all over a segment: they are not read again with each piece of it. Texts are not kept: they
 * are the most of a journal, and hardly one is referred to again from far away.
 */
export class KeptDefinitions {
  #segment = -1;
  #salt = 0;
  #known = new Map<number, Definition>();

  /** Those of a segment, by their places in it; none of another is kept. */
  of(segment: number, salt: number): Map<number, Definition> {
    if (segment !== this.#segment || salt !== this.#salt || this.#known.size > MOST_KEPT) this.#known = new Map();
    this.#segment = segment;
    this.#salt = salt;
    return this.#known;
  }
}

const MOST_KEPT = 5_000;
/** A client can make each of them as large as it likes. */
const MOST_KEPT_BYTES = 4_096;

interface Segment {
  file: number;
  number: number;
  sizeBytes: number;
  /** Its writer will add nothing: a later one is there. */
  finished: boolean;
  later: number | null;
}

function openSegment(directory: string, number: number): Segment | null {
  // Asked for before its size: a later segment is made only when this one has its last byte.
  const later = laterSegment(directory, number);
  const path = join(directory, segmentFile(number));
  if (!existsSync(path)) return null;
  const file = openSync(path, 'r');
  return { file, number, sizeBytes: fstatSync(file).size, finished: later !== null, later };
}

/** The next segment that is there behind this one. */
function laterSegment(directory: string, number: number): number | null {
  if (existsSync(join(directory, segmentFile(number + 1)))) return number + 1;
  if (!existsSync(directory)) return null;
  const numbers = readdirSync(directory).map((name) => Number.parseInt(name, 10));
  const later = numbers.filter((other) => other > number);
  return later.length === 0 ? null : Math.min(...later);
}

/** Reads from `read.next` on; true when it moved to another segment. */
function readSegment(segment: Segment, read: JournalRead, limitBytes: number, kept: KeptDefinitions): boolean {
  const header = decodeHeader(readBytes(segment.file, 0, HEADER_BYTES));
  if (header === null) return segment.finished && leave(segment, read, 'neither copy of its header can be read');
  if (header.version > JOURNAL_VERSION) throw newer(segment, header.version);
  if (read.next.offset < HEADER_BYTES) {
    missing(segment, read, HEADER_BYTES, header.firstSeq);
    read.next.offset = HEADER_BYTES;
  }
  const scan = new Scan(segment, header.salt, read, kept.of(segment.number, header.salt));
  return scan.run(limitBytes);
}

const newer = (segment: Segment, version: number) =>
  new JournalVersionError(
    `journal segment ${segmentFile(segment.number)} was written by a newer version of Gatehouse (format ${version}, this one reads up to ${JOURNAL_VERSION}): start that version, or a newer one, again`,
  );

/** Says that what is left of the segment cannot be read, and moves behind it. */
function leave(segment: Segment, read: JournalRead, why: string): boolean {
  if (segment.later === null) return false;
  if (!isZero(readBytes(segment.file, 0, segment.sizeBytes)))
    read.damage.push({ segment: segment.number, fromByte: read.next.offset, toByte: segment.sizeBytes, why });
  read.next = { segment: segment.number + 1, offset: 0, seq: read.next.seq };
  return true;
}

/** Numbers between what was expected and what is there. */
function missing(segment: Segment, read: JournalRead, at: number, seq: number): void {
  const { seq: expected } = read.next;
  if (expected !== null && seq <= expected) return;
  if (expected !== null)
    read.damage.push({ segment: segment.number, fromByte: at, toByte: at, why: `${numbers(expected, seq - 1)} missing` });
  read.next.seq = seq;
}

const numbers = (from: number, to: number) => (from === to ? `entry ${from} is` : `entries ${from} to ${to} are`);

/** A quiet journal is asked ten times a second, and has room made ahead: little is read until there turns out to be more. */
const FIRST_READ_BYTES = 16 * 1024;
const READ_BYTES = 1024 * 1024;
/** How far is looked at once for what can be read again behind damage. */
const SEARCH_BYTES = 4 * 1024 * 1024;

/** Goes through one segment, chunk by chunk. */
class Scan {
  readonly #segment: Segment;
  readonly #salt: number;
  readonly #read: JournalRead;
  /** Texts, which are referred to from nearby as a rule, and what is too large to be kept. */
  readonly #near = new Map<number, Definition>();
  readonly #kept: Map<number, Definition>;
  /** Definitions that were passed on the way and nobody asked for yet, as they stand. */
  readonly #passed = new Map<number, Buffer>();

  constructor(segment: Segment, salt: number, read: JournalRead, kept: Map<number, Definition>) {
    this.#kept = kept;
    this.#segment = segment;
    this.#salt = salt;
    this.#read = read;
  }

  /** True when the segment is behind us. */
  run(limitBytes: number): boolean {
    const until = this.#read.next.offset + limitBytes;
    for (let size = FIRST_READ_BYTES; this.#read.next.offset < until && !this.#read.ended; size = Math.min(size * 4, READ_BYTES)) {
      const start = this.#read.next.offset;
      const chunk = this.#chunk(start, Math.min(size, Math.max(limitBytes, FRAME_BYTES)));
      const moved = this.#frames(chunk, start);
      if (moved !== 'on') return moved === 'next';
    }
    return false;
  }

  #chunk(start: number, size: number): Buffer {
    const bytes = readBytes(this.#segment.file, start, size);
    const first = frameAt(bytes, 0, this.#salt);
    return first.is === 'short' && first.needBytes > bytes.length ? readBytes(this.#segment.file, start, first.needBytes) : bytes;
  }

  /** Takes what is whole in the chunk. on: there may be more; wait: not now; next: the segment is over. */
  #frames(chunk: Buffer, start: number): 'on' | 'wait' | 'next' {
    for (let at = 0; ; ) {
      const found = frameAt(chunk, at, this.#salt);
      this.#read.next.offset = start + at;
      if (found.is === 'frame' && !this.#isStale(found)) {
        const over = this.#take(found, start + at);
        at += found.sizeBytes;
        this.#read.next.offset = start + at;
        if (over) return this.#next();
        continue;
      }
      // The chunk ends inside it, or with it.
      if ((found.is === 'short' && at > 0) || (at > 0 && at === chunk.length)) return 'on';
      return this.#hole(start + at);
    }
  }

  /** A number that was read before: the frame is left over from elsewhere. */
  #isStale({ seq, kind }: Frame): boolean {
    const { seq: expected } = this.#read.next;
    return expected !== null && seq < expected && kind !== FrameKind.end;
  }

  /** True when it says that the segment is over. */
  #take(frame: Frame, at: number): boolean {
    const { kind, seq, payload, sizeBytes } = frame;
    const segment = this.#segment;
    try {
      switch (kind) {
        case FrameKind.define:
          this.#passed.set(at, payload);
          return false;
        case FrameKind.gap:
          this.#gap(JSON.parse(payload.toString('utf8')), at);
          return false;
        case FrameKind.end:
          missing(segment, this.#read, at, seq);
          this.#read.ended = JSON.parse(payload.toString('utf8')).last === true;
          return true;
        default: {
          missing(segment, this.#read, at, seq);
          const entry = this.#entry(kind, payload);
          this.#read.entries.push({ seq, entry });
          this.#read.next.seq = seq + 1;
          return false;
        }
      }
    } catch (error) {
      const why = `entry ${seq}: ${error instanceof Error ? error.message : String(error)}`;
      this.#read.damage.push({ segment: segment.number, fromByte: at, toByte: at + sizeBytes, why });
      this.#read.next.seq = seq + 1;
      return false;
    }
  }

  #gap({ from, to, why }: { from: number; to: number; why: string }, at: number): void {
    const { next, damage } = this.#read;
    if (next.seq !== null && next.seq > to) return;
    damage.push({
      segment: this.#segment.number,
      fromByte: at,
      toByte: at,
      why: `entries ${Math.max(from, next.seq ?? from)} to ${to} could not be written (${why}); nothing of them was forwarded`,
    });
    next.seq = to + 1;
  }

  #entry(kind: FrameKind, payload: Buffer): JournalEntry {
    if (kind === FrameKind.statement) return readStatement(payload, (place) => this.#definitionAt(place));
    if (kind === FrameKind.outcome) return readOutcome(payload);
    // It was written by a worker of this version, and its checksum holds.
    return JSON.parse(payload.toString('utf8')) as JournalEntry;
  }

  #definitionAt(place: number): Definition {
    const known = this.#near.get(place) ?? this.#kept.get(place);
    if (known !== undefined) return known;
    const payload = this.#passed.get(place) ?? this.#definedAt(place);
    const definition = readDefinition(payload, (other) => this.#definitionAt(other));
    this.#passed.delete(place);
    const isKept = !('text' in definition) && payload.length <= MOST_KEPT_BYTES;
    (isKept ? this.#kept : this.#near).set(place, definition);
    return definition;
  }

  #definedAt(place: number): Buffer {
    let frame = frameAt(readBytes(this.#segment.file, place, 4096), 0, this.#salt);
    if (frame.is === 'short') frame = frameAt(readBytes(this.#segment.file, place, frame.needBytes), 0, this.#salt);
    if (frame.is !== 'frame' || frame.kind !== FrameKind.define)
      throw new RangeError(`what it refers to, at byte ${place}, cannot be read`);
    return frame.payload;
  }

  /** No frame stands here. Where the writer may still be at it that is the end for now. */
  #hole(at: number): 'on' | 'wait' | 'next' {
    const { file, number } = this.#segment;
    const sizeBytes = fstatSync(file).size;
    const finished = this.#segment.finished || endsItself(file, sizeBytes, this.#salt);
    if (!finished && isZero(readBytes(file, at, FRAME_BYTES))) return 'wait';
    const behind = this.#findBehind(at, sizeBytes);
    // Written since it was looked at.
    if (behind !== null && behind.at === at) return 'on';
    if (behind !== null) {
      // While its writer lives the bytes in front may have been read before they were written, and those behind after.
      if (!finished && this.#isWhole(at)) return 'on';
      const { seq: expected } = this.#read.next;
      const gone =
        expected === null || behind.frame.seq <= expected ? 'no entry is missing' : `${numbers(expected, behind.frame.seq - 1)} gone`;
      this.#read.damage.push({ segment: number, fromByte: at, toByte: behind.at, why: `damaged: ${gone}` });
      this.#read.next.seq = behind.frame.seq;
      this.#read.next.offset = behind.at;
      return 'on';
    }
    if (!finished) return 'wait';
    const end = at + lastByte(readBytes(file, at, Math.max(0, sizeBytes - at)));
    if (end > at) this.#read.damage.push({ segment: number, fromByte: at, toByte: end, why: 'damaged, with nothing whole behind it' });
    return this.#next();
  }

  #isWhole(at: number): boolean {
    const found = frameAt(this.#chunk(at, READ_BYTES), 0, this.#salt);
    return found.is === 'frame' && !this.#isStale(found);
  }

  /** The first whole frame from `at` on that was not read before. */
  #findBehind(at: number, sizeBytes: number): { at: number; frame: Frame } | null {
    for (let from = at, size = SEARCH_BYTES; from < sizeBytes; ) {
      const bytes = readBytes(this.#segment.file, from, size);
      for (let found = findFrame(bytes, 0, this.#salt); found >= 0; found = findFrame(bytes, found + 1, this.#salt)) {
        const frame = frameAt(bytes, found, this.#salt);
        if (frame.is === 'frame' && !this.#isStale(frame)) return { at: from + found, frame };
      }
      if (bytes.length < size) return null;
      // One that begins here may end behind the window: from its first half on it is looked for again, in a larger one.
      from += Math.floor(size / 2);
      size = Math.min(size * 2, MAX_PAYLOAD_BYTES * 2);
    }
    return null;
  }

  #next(): 'wait' | 'next' {
    const { next, ended } = this.#read;
    if (ended) return 'wait';
    this.#read.next = { segment: this.#segment.number + 1, offset: 0, seq: next.seq };
    return 'next';
  }
}

/** Whether its last bytes are the words that its writer ends with. */
function endsItself(file: number, sizeBytes: number, salt: number): boolean {
  const start = Math.max(HEADER_BYTES, sizeBytes - 64);
  const tail = readBytes(file, start, sizeBytes - start);
  const at = findFrame(tail, 0, salt);
  if (at < 0) return false;
  const frame = frameAt(tail, at, salt);
  return frame.is === 'frame' && frame.kind === FrameKind.end && at + frame.sizeBytes === tail.length;
}

/** Where the zeros begin that go on to the end. */
function lastByte(bytes: Buffer): number {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return end;
}

/** Fewer at the end of the file. */
function readBytes(file: number, offset: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  let count = 0;
  while (count < size) {
    const got = readSync(file, bytes, count, size - count, offset + count);
    if (got === 0) break;
    count += got;
  }
  return bytes.subarray(0, count);
}
