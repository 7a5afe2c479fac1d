import { putU32 } from './bytes';
import { checksumOf } from './checksum';

/**
 * How a segment file is laid out. It begins with a header, written twice so that one bad sector does not cost the whole file:
 *
 *     "GHJRNL" u16 version | u32 segment | u32 salt | u48 first number | u32 zero | u32 crc32 of the 28 bytes before it   (32 bytes)
 *
 * Behind it stand frames, and behind the last of them zeros: room that is there already when something has to be written.
 *
 *     u16 mark | u32 crc32 | u8 kind | u32 length of the payload | u48 number | payload
 *
 * All numbers are little-endian. The checksum covers everything behind itself and begins from the segment's salt, which no client knows: a
 * text that looks like a frame is not taken for one when what surrounds it is damaged. `number` is the entry's own in its journal, from 0
 * without a gap; frames that are no entries bear the number of the next one.
 */

/** Since 2 a text names what is judged of it (definitions.ts); 1 is read too. */
export const JOURNAL_VERSION = 2;

export const HEADER_BYTES = 64;
export const FRAME_BYTES = 17;
/** No payload is larger: statements are capped well below. Anything above is a broken length. */
export const MAX_PAYLOAD_BYTES = 64 * 1024 * 1024;

const MAGIC = Buffer.from('GHJRNL', 'latin1');
const COPY_BYTES = HEADER_BYTES / 2;
/** 0xf7 stands in no UTF-8, so no text holds a mark, and looking for the next frame stays linear whatever a client sent. */
const MARK = Buffer.from([0xa5, 0xf7]);
const CHECKED_FROM = 6;

/** What a payload is. define, statement and outcome are in the compact form of definitions.ts and records.ts, entry is JSON. */
export const FrameKind = {
  /** What many entries, or other definitions, share; they name it by the place of this frame in the segment. */
  define: 1,
  statement: 2,
  outcome: 3,
  entry: 4,
  /** JSON `{ from, to, why }`: numbers that were given and could not be written; nothing of theirs was forwarded. */
  gap: 5,
  /** The writer is done with the segment; JSON `{ last }`, and where `last` is true with the journal. */
  end: 6,
} as const;
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

const KINDS: ReadonlySet<number> = new Set(Object.values(FrameKind));
const isKind = (value: number | undefined): value is FrameKind => value !== undefined && KINDS.has(value);

export interface SegmentHeader {
  version: number;
  segment: number;
  salt: number;
  /** The number of its first entry. */
  firstSeq: number;
}

export function encodeHeader({ version, segment, salt, firstSeq }: SegmentHeader): Buffer {
  const copy = Buffer.alloc(COPY_BYTES);
  MAGIC.copy(copy);
  copy.writeUInt16LE(version, 6);
  copy.writeUInt32LE(segment, 8);
  copy.writeUInt32LE(salt, 12);
  copy.writeUIntLE(firstSeq, 16, 6);
  copy.writeUInt32LE(checksumOf(copy, 0, 28), 28);
  return Buffer.concat([copy, copy]);
}

/** Null where neither copy is whole. The magic and the version stay where they are in every version. */
export function decodeHeader(bytes: Buffer): SegmentHeader | null {
  for (const start of [0, COPY_BYTES]) {
    const copy = bytes.subarray(start, start + COPY_BYTES);
    if (copy.length < COPY_BYTES || !copy.subarray(0, MAGIC.length).equals(MAGIC)) continue;
    if (checksumOf(copy, 0, 28) !== copy.readUInt32LE(28)) continue;
    return {
      version: copy.readUInt16LE(6),
      segment: copy.readUInt32LE(8),
      salt: copy.readUInt32LE(12),
      firstSeq: copy.readUIntLE(16, 6),
    };
  }
  return null;
}

/** Writes the frame around a payload that stands at `at + FRAME_BYTES` already, and returns where it ends. */
export function sealFrame(
  bytes: Buffer,
  at: number,
  { kind, length, seq, salt }: { kind: FrameKind; length: number; seq: number; salt: number },
): number {
  const end = at + FRAME_BYTES + length;
  bytes[at] = MARK[0] ?? 0;
  bytes[at + 1] = MARK[1] ?? 0;
  bytes[at + 6] = kind;
  putU32(bytes, length, at + 7);
  putU32(bytes, seq, at + 11);
  const high = Math.floor(seq / 2 ** 32);
  bytes[at + 15] = high;
  bytes[at + 16] = high >>> 8;
  putU32(bytes, checksumOf(bytes, at + CHECKED_FROM, end, salt), at + 2);
  return end;
}

export function encodeFrame(kind: FrameKind, payload: Buffer, seq: number, salt: number): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_BYTES + payload.length);
  payload.copy(bytes, FRAME_BYTES);
  sealFrame(bytes, 0, { kind, length: payload.length, seq, salt });
  return bytes;
}

export interface Frame {
  kind: FrameKind;
  seq: number;
  payload: Buffer;
  sizeBytes: number;
}

/**
 * What stands at `at`. zero: nothing was written here. short: it may go on behind the bytes that are here; `needBytes` of them would tell.
 * bad: it is no frame, or a damaged one.
 */
export type FrameAt = ({ is: 'frame' } & Frame) | { is: 'zero' } | { is: 'short'; needBytes: number } | { is: 'bad' };

export function frameAt(bytes: Buffer, at: number, salt: number): FrameAt {
  const left = bytes.length - at;
  if (left < FRAME_BYTES) return isZero(bytes, at) ? { is: 'zero' } : { is: 'short', needBytes: FRAME_BYTES };
  if (bytes[at] !== MARK[0] || bytes[at + 1] !== MARK[1]) return isZero(bytes, at, at + FRAME_BYTES) ? { is: 'zero' } : { is: 'bad' };
  const kind = bytes[at + 6];
  const length = bytes.readUInt32LE(at + 7);
  if (!isKind(kind) || length > MAX_PAYLOAD_BYTES) return { is: 'bad' };
  const sizeBytes = FRAME_BYTES + length;
  if (left < sizeBytes) return { is: 'short', needBytes: sizeBytes };
  if (checksumOf(bytes, at + CHECKED_FROM, at + sizeBytes, salt) !== bytes.readUInt32LE(at + 2)) return { is: 'bad' };
  return {
    is: 'frame',
    kind,
    seq: bytes.readUIntLE(at + 11, 6),
    payload: bytes.subarray(at + FRAME_BYTES, at + sizeBytes),
    sizeBytes,
  };
}

/** Where the next whole frame begins, from `from` on; -1 where there is none. */
export function findFrame(bytes: Buffer, from: number, salt: number): number {
  for (let at = bytes.indexOf(MARK, from); at >= 0; at = bytes.indexOf(MARK, at + 1)) {
    if (frameAt(bytes, at, salt).is === 'frame') return at;
  }
  return -1;
}

export function isZero(bytes: Buffer, from = 0, to = bytes.length): boolean {
  for (let at = from; at < to; at++) if (bytes[at] !== 0) return false;
  return true;
}
