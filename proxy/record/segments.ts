import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { COMMIT_MAGIC, decodeFileHeader, decodeFrame, FILE_HEADER_BYTES, type Frame, MAX_FRAME_BYTES } from './frame';

export const recordDirectory = (dataDir: string) => join(dataDir, 'record');
export const logDirectory = (dataDir: string) => join(recordDirectory(dataDir), 'log');

const DIGITS = 16;

/** One file of the log: the entries from `first` on, up to the next file. */
export interface Segment {
  first: number;
  path: string;
}

export const segmentPath = (directory: string, first: number) => join(directory, `${String(first).padStart(DIGITS, '0')}.log`);

/** The files of a log by their first entry. */
export function listSegments(directory: string): Segment[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => /^\d{16}\.log$/.test(name))
    .sort()
    .map((name) => ({ first: Number(name.slice(0, DIGITS)), path: join(directory, name) }));
}

const CHUNK_BYTES = 4 * 1024 * 1024;

/** Bytes of a file that frames are cut from, read in large pieces. */
export class SegmentBytes {
  #bytes: Buffer = Buffer.alloc(0);
  #start = 0;

  constructor(
    readonly file: number,
    readonly end: number,
    /** So much is read at once: whoever wants little of a file need not read more. */
    private readonly chunkBytes: number = CHUNK_BYTES,
  ) {}

  /** The frame at an offset of the file, whatever it is. */
  frameAt(offset: number): ReturnType<typeof decodeFrame> {
    let frame = decodeFrame(this.#bytes, this.#within(offset));
    if (frame.kind !== 'torn') return frame;
    this.#read(offset, this.chunkBytes);
    frame = decodeFrame(this.#bytes, 0);
    while (frame.kind === 'torn' && offset + frame.needBytes <= this.end && frame.needBytes > this.#bytes.length) {
      this.#read(offset, Math.min(frame.needBytes, MAX_FRAME_BYTES));
      frame = decodeFrame(this.#bytes, 0);
    }
    return frame;
  }

  /** Where the next frame that ends a group stands, from an offset on; null when there is none. */
  nextCommit(offset: number): { offset: number; frame: Frame & { kind: 'commit' } } | null {
    for (let at = offset; at < this.end; ) {
      this.#read(at, CHUNK_BYTES);
      const found = this.#bytes.indexOf(COMMIT_MAGIC);
      if (found < 0) {
        at += Math.max(1, this.#bytes.length - COMMIT_MAGIC.length + 1);
        continue;
      }
      const frame = this.frameAt(at + found);
      if (frame.kind === 'commit') return { offset: at + found, frame };
      at += found + 1;
    }
    return null;
  }

  #within(offset: number): number {
    const at = offset - this.#start;
    return at >= 0 && at <= this.#bytes.length ? at : this.#bytes.length;
  }

  #read(offset: number, sizeBytes: number): void {
    const wanted = Math.max(0, Math.min(sizeBytes, this.end - offset));
    const bytes = Buffer.allocUnsafe(wanted);
    const count = wanted === 0 ? 0 : readSync(this.file, bytes, 0, wanted, offset);
    this.#bytes = bytes.subarray(0, count);
    this.#start = offset;
  }
}

/** Runs `work` with the bytes of a file. @throws Error when its header is not that of a log */
export function withSegment<T>(segment: Segment, work: (bytes: SegmentBytes) => T, chunkBytes?: number): T {
  const file = openSync(segment.path, 'r');
  try {
    const header = Buffer.alloc(FILE_HEADER_BYTES);
    const count = readSync(file, header, 0, FILE_HEADER_BYTES, 0);
    const first = decodeFileHeader(header.subarray(0, count), segment.path);
    if (first !== null && first !== segment.first)
      throw new Error(`${segment.path} begins with entry ${first}: the file was renamed or swapped`);
    return work(new SegmentBytes(file, fstatSync(file).size, chunkBytes));
  } finally {
    closeSync(file);
  }
}

/** Where the whole groups of a file end, and what the last one says. Damage before it is passed over: it is not at the end. */
export function lastCommit(segment: Segment, from = FILE_HEADER_BYTES): { end: number; size: number; state: string } | null {
  return withSegment(segment, (bytes) => {
    let found: { end: number; size: number; state: string } | null = null;
    for (let offset = from; ; ) {
      const frame = bytes.frameAt(offset);
      if (frame.kind === 'torn' || frame.kind === 'corrupt') {
        const next = bytes.nextCommit(offset + 1);
        if (next === null) return found;
        offset = next.offset;
        continue;
      }
      offset += frame.sizeBytes;
      if (frame.kind === 'commit') found = { end: offset, size: frame.index, state: frame.state };
    }
  });
}
