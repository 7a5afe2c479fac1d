import { checksumOf } from '../journal/checksum';
import { type SealedValues, WORD_BYTES } from './leaf';
import type { Pieces } from './leafText';

/**
 * How the log lies on disk. A frame is a header of 24 bytes and two parts:
 * `magic 4, body length u32, values length u32, crc32 u32, index u64, body, values`; numbers are big-endian. The checksum covers the header
 * without itself, and the body. The values part begins with a byte that says what is there and has a checksum of its own, so that values
 * can be overwritten in place and nothing else changes.
 */
export type Frame =
  | { kind: 'leaf'; index: number; leaf: Buffer; values: FrameValues; sizeBytes: number; valuesAt: number }
  /** Ends a group: what stands before it up to the last one counts, and together. `index` is the size of the log then. */
  | { kind: 'commit'; index: number; state: string; sizeBytes: number };

export type FrameValues = 'none' | 'erased' | { sealed: SealedValues; words: Buffer };

/**
 * torn: the bytes end within it. corrupt: they are no frame, or not as they were written. The buffers of a frame are parts of what it was
 * read from: whoever keeps one for long copies it.
 */
export type DecodedFrame = Frame | { kind: 'torn'; needBytes: number } | { kind: 'corrupt' };

export const HEADER_BYTES = 24;
const LEAF = Buffer.from('GHL1');
export const COMMIT_MAGIC = Buffer.from('GHC1');
/** Journal entries end at 64 MiB, and may be longer as JSON beside a box; anything larger is a broken header. */
export const MAX_FRAME_BYTES = 256 * 1024 * 1024;
const LEAF_NUMBER = LEAF.readUInt32BE(0);
const COMMIT_NUMBER = COMMIT_MAGIC.readUInt32BE(0);
const PRESENT = 1;
const ERASED = 2;

type Values = { sealed: SealedValues; words: Buffer } | null;

/** Room for the frame of a leaf: what it takes, or somewhat more. */
export const roomForLeaf = (text: Pieces, values: Values): number =>
  HEADER_BYTES + roomFor(text) + (values === null ? 0 : sizeOfValues(values));

export const roomForCommit = (state: string): number => HEADER_BYTES + roomFor([state]);

/** Counting the bytes of a short string takes longer than leaving room for the most it can have. */
const SHORT_CHARS = 64 * 1024;

function roomFor(text: Pieces): number {
  let bytes = 0;
  for (const piece of text)
    if (typeof piece !== 'string') bytes += piece.length;
    // No UTF-16 unit takes more than three bytes.
    else bytes += piece.length <= SHORT_CHARS ? piece.length * 3 : Buffer.byteLength(piece);
  return bytes;
}

/** Writes the frame of a leaf but for what `finishFrame` does; where it ends. There is room for it. */
export function putLeaf(bytes: Buffer, at: number, text: Pieces, values: Values): number {
  const valuesBytes = values === null ? 0 : sizeOfValues(values);
  const bodyEnd = putBody(bytes, at, text, { magic: LEAF_NUMBER, valuesBytes });
  if (values !== null) putValues(bytes, bodyEnd, values);
  return bodyEnd + valuesBytes;
}

/** Writes the frame that ends a group, as putLeaf does. */
export const putCommit = (bytes: Buffer, at: number, state: string): number =>
  putBody(bytes, at, [state], { magic: COMMIT_NUMBER, valuesBytes: 0 });

function putBody(bytes: Buffer, at: number, body: Pieces, { magic, valuesBytes }: { magic: number; valuesBytes: number }): number {
  let end = at + HEADER_BYTES;
  for (const piece of body) end += typeof piece === 'string' ? bytes.write(piece, end) : piece.copy(bytes, end);
  bytes.writeUInt32BE(magic, at);
  bytes.writeUInt32BE(end - at - HEADER_BYTES, at + 4);
  bytes.writeUInt32BE(valuesBytes, at + 8);
  return end;
}

/** Gives a frame its number and its checksum. */
export function finishFrame(bytes: Buffer, at: number, index: number): void {
  bytes.writeUInt32BE(Math.floor(index / TWO_32), at + 16);
  bytes.writeUInt32BE(index % TWO_32, at + 20);
  bytes.writeUInt32BE(checksum(bytes, at, at + HEADER_BYTES + bytes.readUInt32BE(at + 4)), at + 12);
}

const TWO_32 = 4_294_967_296;

/** Of a frame but for the place of the sum itself. */
const checksum = (bytes: Buffer, at: number, end: number): number => checksumOf(bytes, at + 16, end, checksumOf(bytes, at, at + 12));

/** `present u8, crc32 u32, key id length u8, key id, number of words u32, words of 8 bytes, box` */
function putValues(bytes: Buffer, at: number, { sealed, words }: { sealed: SealedValues; words: Buffer }): void {
  bytes[at] = PRESENT;
  let end = at + 6 + bytes.write(sealed.keyId, at + 6);
  bytes[at + 5] = end - at - 6;
  end = bytes.writeUInt32BE(words.length / WORD_BYTES, end);
  end += words.copy(bytes, end);
  end += sealed.box.copy(bytes, end);
  bytes.writeUInt32BE(checksumOf(bytes, at + 5, end), at + 1);
}

const sizeOfValues = ({ sealed, words }: { sealed: SealedValues; words: Buffer }): number =>
  10 + Buffer.byteLength(sealed.keyId) + words.length + sealed.box.length;

function decodeValues(bytes: Buffer): FrameValues | null {
  if (bytes.length === 0) return 'none';
  if (bytes[0] === ERASED) return 'erased';
  if (bytes[0] !== PRESENT || bytes.length < 6 || checksumOf(bytes, 5, bytes.length) !== bytes.readUInt32BE(1)) return null;
  const keyEnd = 6 + (bytes[5] ?? 0);
  if (bytes.length < keyEnd + 4) return null;
  const count = bytes.readUInt32BE(keyEnd);
  const wordsEnd = keyEnd + 4 + count * WORD_BYTES;
  if (bytes.length < wordsEnd) return null;
  return {
    sealed: { keyId: bytes.toString('utf8', 6, keyEnd), box: bytes.subarray(wordsEnd) },
    words: bytes.subarray(keyEnd + 4, wordsEnd),
  };
}

/** What stands in place of values once they are erased. */
export function erasedValues(sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  bytes[0] = ERASED;
  return bytes;
}

/** The frame at `at`. */
export function decodeFrame(bytes: Buffer, at: number): DecodedFrame {
  if (bytes.length - at < HEADER_BYTES) return { kind: 'torn', needBytes: HEADER_BYTES };
  const magic = bytes.readUInt32BE(at);
  const isLeaf = magic === LEAF_NUMBER;
  if (!isLeaf && magic !== COMMIT_NUMBER) return { kind: 'corrupt' };
  const bodyBytes = bytes.readUInt32BE(at + 4);
  const valuesBytes = bytes.readUInt32BE(at + 8);
  const sizeBytes = HEADER_BYTES + bodyBytes + valuesBytes;
  if (sizeBytes > MAX_FRAME_BYTES) return { kind: 'corrupt' };
  if (bytes.length - at < sizeBytes) return { kind: 'torn', needBytes: sizeBytes };
  const bodyEnd = at + HEADER_BYTES + bodyBytes;
  if (checksum(bytes, at, bodyEnd) !== bytes.readUInt32BE(at + 12)) return { kind: 'corrupt' };
  const body = bytes.subarray(at + HEADER_BYTES, bodyEnd);
  const index = bytes.readUInt32BE(at + 16) * TWO_32 + bytes.readUInt32BE(at + 20);
  if (!isLeaf) return { kind: 'commit', index, state: body.toString('utf8'), sizeBytes };
  const values = decodeValues(bytes.subarray(bodyEnd, at + sizeBytes));
  if (values === null) return { kind: 'corrupt' };
  return { kind: 'leaf', index, leaf: body, values, sizeBytes, valuesAt: HEADER_BYTES + bodyBytes };
}

const FILE_MAGIC = Buffer.from('GATEHLOG');
export const FILE_HEADER_BYTES = 20;
const FILE_VERSION = 1;

/** `GATEHLOG, version u32, index of the first entry u64` */
export function encodeFileHeader(first: number): Buffer {
  const bytes = Buffer.alloc(FILE_HEADER_BYTES);
  FILE_MAGIC.copy(bytes);
  bytes.writeUInt32BE(FILE_VERSION, 8);
  bytes.writeBigUInt64BE(BigInt(first), 12);
  return bytes;
}

/** Index of the first entry; null where the file was cut within its header. @throws Error for another format or a newer version */
export function decodeFileHeader(bytes: Buffer, path: string): number | null {
  if (bytes.length < FILE_HEADER_BYTES) return null;
  if (!bytes.subarray(0, 8).equals(FILE_MAGIC)) throw new Error(`${path} is no file of a record`);
  const version = bytes.readUInt32BE(8);
  if (version !== FILE_VERSION)
    throw new Error(
      `${path} was written by a newer version of Gatehouse (format ${version}, this one reads ${FILE_VERSION}); run that version`,
    );
  return Number(bytes.readBigUInt64BE(12));
}
