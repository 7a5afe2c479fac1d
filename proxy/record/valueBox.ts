import { createCipheriv, createDecipheriv, hash, hkdfSync, timingSafeEqual } from 'node:crypto';
import { commitmentOfBytes, SALT_BYTES } from '../tlog/commitment';
import type { SealedValues } from './leaf';

/** Seals what one principal sent on one day. */
export interface ValueKey {
  id: string;
  /** 32 bytes */
  key: Buffer;
}

export type OpenedValues = Readonly<Record<string, readonly [salt: string, value: string]>>;

const BLOCK_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Of SHA-256, which HMAC (RFC 2104) pads its key to. */
const HASH_BLOCK_BYTES = 64;
const HASH_BYTES = 32;
/** Nonce and number of the first block: the counter block that the first bytes are enciphered with. */
const HEAD_BYTES = BLOCK_BYTES;

/**
 * A box is `nonce (12 bytes), first block u32, ciphertext, tag (16 bytes)`: AES-256 in counter mode (NIST SP 800-38A, 6.5), and over all of
 * it the first half of HMAC-SHA-256, each with a key of its own. Not GCM, because a statement is sealed in a few microseconds or not at all:
 * setting up a cipher for each costs more than all else that is done to it, and a counter mode's stream can be made ahead for dozens.
 */
class Sealer {
  readonly #cipherKey: Buffer;
  /** First blocks of the two hashes that an HMAC is. */
  readonly inner: Buffer;
  readonly outer: Buffer;
  nonce: Buffer = Buffer.alloc(NONCE_BYTES);
  /** In words of the machine: it is only ever combined with words of it. */
  stream = new Uint32Array(0);
  #next = 0;
  #blocks = 0;

  constructor({ id, key }: ValueKey) {
    this.#cipherKey = derive(key, 'gatehouse values cipher');
    // A box of another key's is not opened by this one, whatever the key is.
    const tagKey = derive(key, `gatehouse values tag ${id}`);
    this.inner = Buffer.alloc(HASH_BLOCK_BYTES, 0x36);
    this.outer = Buffer.alloc(HASH_BLOCK_BYTES, 0x5c);
    for (const [at, byte] of tagKey.entries()) {
      this.inner[at] = 0x36 ^ byte;
      this.outer[at] = 0x5c ^ byte;
    }
  }

  /** So many blocks of the stream that nothing was enciphered with and nothing else will be; the number of the first. */
  take(blocks: number, random: (sizeBytes: number) => Buffer): number {
    if (this.#next + blocks > this.#blocks) this.#make(Math.max(blocks, Math.min(this.#blocks * 2 || FEWEST_BLOCKS, MOST_BLOCKS)), random);
    const first = this.#next;
    this.#next += blocks;
    return first;
  }

  #make(blocks: number, random: (sizeBytes: number) => Buffer): void {
    // Behind 32 bits of counter no block of one nonce comes again.
    if (blocks >= 2 ** 32) throw new Error('values of 64 GiB are not sealed');
    this.nonce = random(NONCE_BYTES);
    const bytes = createCipheriv('aes-256-ctr', this.#cipherKey, counterBlock(this.nonce, 0)).update(Buffer.alloc(blocks * BLOCK_BYTES));
    this.stream = new Uint32Array(bytes.buffer, bytes.byteOffset, (blocks * BLOCK_BYTES) / 4);
    this.#next = 0;
    this.#blocks = blocks;
  }

  /** What a large value took is not kept. */
  letGo(): void {
    if (this.#blocks <= MOST_BLOCKS) return;
    this.stream = new Uint32Array(0);
    this.#next = this.#blocks = 0;
  }

  decipher(head: Buffer, ciphertext: Buffer): Buffer {
    return createDecipheriv('aes-256-ctr', this.#cipherKey, head).update(ciphertext);
  }
}

/** A stream of 2 KiB at first, as many principals say little; 16 KiB for those who say much. */
const FEWEST_BLOCKS = 128;
const MOST_BLOCKS = 1_024;

const derive = (key: Buffer, use: string): Buffer => Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), use, 32));

function counterBlock(nonce: Buffer, first: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  nonce.copy(block);
  block.writeUInt32BE(first, NONCE_BYTES);
  return block;
}

const sealers = new WeakMap<ValueKey, Sealer>();

function sealerOf(key: ValueKey): Sealer {
  let sealer = sealers.get(key);
  if (sealer === undefined) {
    sealer = new Sealer(key);
    sealers.set(key, sealer);
  }
  return sealer;
}

/** Where the first value begins: behind the block that the hash begins with and the head of the box. */
const START = HASH_BLOCK_BYTES + HEAD_BYTES;
const LENGTH_BYTES = 4;
const ROOM_BYTES = 64 * 1024;
/** Room for a larger box is not kept. */
const KEPT_BYTES = 1024 * 1024;

/**
 * Makes boxes, one after the other in the same bytes: a value is written once, and there it is committed to, enciphered and authenticated.
 * Of each value `length u32, salt (16 bytes), name, 0x00, value in UTF-8`; what is behind the length is what its commitment is of.
 */
export class BoxMaker {
  #bytes: Buffer = Buffer.alloc(ROOM_BYTES);
  #words = wordsOf(this.#bytes);
  readonly #outer = Buffer.alloc(HASH_BLOCK_BYTES + HASH_BYTES);
  #salts: Buffer = Buffer.alloc(0);
  #salt = 0;
  #end = START;

  /** @param salts SALT_BYTES for each value that will be put */
  begin(salts: Buffer): void {
    this.#salts = salts;
    this.#salt = 0;
    this.#end = START;
  }

  /** @returns the value's commitment */
  put(name: string, value: string): string {
    const start = this.#end + LENGTH_BYTES;
    // No UTF-16 unit takes more than three bytes.
    this.#reserve(start + SALT_BYTES + name.length + 1 + value.length * 3);
    const bytes = this.#bytes;
    if (this.#salt + SALT_BYTES > this.#salts.length) throw new Error('there is no salt for another value');
    for (let at = 0; at < SALT_BYTES; at++) bytes[start + at] = this.#salts[this.#salt++] ?? 0;
    let end = start + SALT_BYTES;
    for (let at = 0; at < name.length; at++) bytes[end++] = name.charCodeAt(at);
    bytes[end++] = 0;
    end += bytes.write(value, end);
    bytes.writeUInt32BE(end - start, this.#end);
    this.#end = end;
    return commitmentOfBytes(bytes.subarray(start, end));
  }

  /** The box of what was put since `begin`. */
  seal(key: ValueKey, random: (sizeBytes: number) => Buffer): SealedValues {
    const bytes = this.#bytes;
    const sealer = sealerOf(key);
    const blocks = Math.ceil((this.#end - START) / BLOCK_BYTES);
    const first = sealer.take(blocks, random);
    bytes.set(sealer.inner, 0);
    bytes.set(sealer.nonce, HASH_BLOCK_BYTES);
    bytes.writeUInt32BE(first, HASH_BLOCK_BYTES + NONCE_BYTES);
    const words = this.#words;
    const { stream } = sealer;
    const end = (START + blocks * BLOCK_BYTES) / 4;
    for (let at = START / 4, from = (first * BLOCK_BYTES) / 4; at < end; at++, from++) words[at] = (words[at] ?? 0) ^ (stream[from] ?? 0);
    sealer.letGo();
    const box = Buffer.allocUnsafe(this.#end - HASH_BLOCK_BYTES + TAG_BYTES);
    bytes.copy(box, 0, HASH_BLOCK_BYTES, this.#end);
    box.write(this.#tagOf(sealer), box.length - TAG_BYTES, TAG_BYTES, 'latin1');
    if (bytes.length > KEPT_BYTES) this.#takeRoom(Buffer.alloc(ROOM_BYTES));
    return { keyId: key.id, box };
  }

  /** HMAC-SHA-256 of what stands behind the first block, as a string of its bytes: see proxy/tlog/hash.ts. */
  #tagOf({ outer }: Sealer): string {
    this.#outer.set(outer);
    this.#outer.write(hash('sha256', this.#bytes.subarray(0, this.#end), 'binary'), HASH_BLOCK_BYTES, 'latin1');
    return hash('sha256', this.#outer, 'binary');
  }

  /** Also for the rest of the last block. */
  #reserve(count: number): void {
    const needed = count + BLOCK_BYTES;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.alloc(Math.ceil(Math.max(this.#bytes.length * 2, needed) / BLOCK_BYTES) * BLOCK_BYTES);
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#takeRoom(larger);
  }

  #takeRoom(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#words = wordsOf(bytes);
  }
}

const wordsOf = (bytes: Buffer): Uint32Array => new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);

/** Salts and values of a box. @throws Error when the key is another or a byte differs; the message never holds a value */
export function openValues({ keyId, box }: SealedValues, key: Buffer): OpenedValues {
  try {
    return readValues(openBox({ id: keyId, key }, box)) ?? openEarlier(keyId, box, key);
  } catch {
    throw new Error(`values sealed with ${keyId} do not open: they, or the key, are not as they were written`);
  }
}

/** Null where its tag is not this key's. */
function openBox(key: ValueKey, box: Buffer): Buffer | null {
  if (box.length < HEAD_BYTES + TAG_BYTES) return null;
  const sealer = new Sealer(key);
  const sealed = box.subarray(0, -TAG_BYTES);
  const inner = Buffer.from(hash('sha256', Buffer.concat([sealer.inner, sealed]), 'hex'), 'hex');
  const tag = Buffer.from(hash('sha256', Buffer.concat([sealer.outer, inner]), 'hex'), 'hex').subarray(0, TAG_BYTES);
  if (!timingSafeEqual(tag, box.subarray(-TAG_BYTES))) return null;
  return sealer.decipher(sealed.subarray(0, HEAD_BYTES), sealed.subarray(HEAD_BYTES));
}

function readValues(bytes: Buffer | null): OpenedValues | null {
  if (bytes === null) return null;
  const values: Record<string, readonly [string, string]> = {};
  for (let at = 0; at < bytes.length; ) {
    const start = at + LENGTH_BYTES;
    at = start + bytes.readUInt32BE(at);
    const nameAt = start + SALT_BYTES;
    const nameEnd = bytes.indexOf(0, nameAt);
    if (nameEnd < 0 || nameEnd >= at || at > bytes.length) throw new Error('no values');
    values[bytes.toString('latin1', nameAt, nameEnd)] = [bytes.toString('base64', start, nameAt), bytes.toString('utf8', nameEnd + 1, at)];
  }
  return values;
}

/** Boxes of earlier versions: `nonce (12 bytes), ciphertext, tag (16 bytes)`, AES-256-GCM over JSON of OpenedValues. @throws when it is none */
function openEarlier(keyId: string, box: Buffer, key: Buffer): OpenedValues {
  const decipher = createDecipheriv('aes-256-gcm', key, box.subarray(0, NONCE_BYTES));
  decipher.setAAD(Buffer.from(keyId));
  decipher.setAuthTag(box.subarray(-TAG_BYTES));
  const text = Buffer.concat([decipher.update(box.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]).toString('utf8');
  return JSON.parse(text) as OpenedValues;
}
