import { protocolViolation } from './errors';
import { Frontend, MAX_MESSAGE_BYTES } from './messages';

/** What the framer hands out of the client's byte stream. */
export type FrontendFrame =
  /** A whole message; `bytes` includes type and length, and is exactly what may be forwarded. */
  | { kind: 'message'; type: number; bytes: Buffer }
  /**
   * The beginning of a message handed out in pieces, header included: every CopyData, and a Bind above STREAMED_BIND_BYTES, of which this
   * is at least the first BIND_HEAD_BYTES. `sizeBytes` is the whole, header included.
   */
  | { kind: 'head'; type: number; bytes: Buffer; sizeBytes: number }
  /** The next piece of it. */
  | { kind: 'more'; bytes: Buffer; last: boolean }
  /** A message above its limit: its body is skipped, nothing of it is kept. */
  | { kind: 'oversize'; type: number; sizeBytes: number };

/** A Bind above this is not held whole. */
export const STREAMED_BIND_BYTES = 1024 * 1024;
/** Enough for two names and all format codes there can be. */
const BIND_HEAD_BYTES = 256 * 1024;
/** What is never streamed, or must be seen whole for another reason, is held up to this. */
export const MAX_WHOLE_BYTES = 64 * 1024 * 1024;

const KNOWN = new Set<number>(Object.values(Frontend));

/**
 * Cuts the client's byte stream into messages. Holds at most one incomplete message, up to the limit of its type; CopyData and large Binds
 * pass in pieces. Unknown types and impossible lengths are refused before anything is allocated.
 */
export class FrontendFramer {
  readonly #limitOf: (type: number) => number;
  #parts: Buffer[] = [];
  #size = 0;
  /** Bytes of the message in pieces still to pass, or of an oversize message still to skip. */
  #streaming = 0;
  #skipping = 0;
  /** Where the next header stands that `saysTerminate` has not looked at; 0 once something was handed out. */
  #lookedTo = 0;
  /** The message in front is to be handed out whole, whatever its type. */
  #whole = false;

  constructor(limitOf: (type: number) => number) {
    this.#limitOf = limitOf;
  }

  /** Bytes that were pushed and not yet handed out. */
  get bufferedBytes(): number {
    return this.#size;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#parts.push(chunk);
    this.#size += chunk.length;
  }

  /** Whether the client has said Terminate somewhere in what waits here; looks at headers only. */
  saysTerminate(): boolean {
    let at = Math.max(this.#streaming + this.#skipping, this.#lookedTo);
    for (; this.#size - at >= 5; this.#lookedTo = at) {
      if (this.#byteAt(at) === Frontend.terminate) return true;
      const length =
        ((this.#byteAt(at + 1) << 24) | (this.#byteAt(at + 2) << 16) | (this.#byteAt(at + 3) << 8) | this.#byteAt(at + 4)) >>> 0;
      if (length < 4) return false;
      at += length + 1;
    }
    return false;
  }

  /** From the end, where what is new is: a client that sends single bytes while it waits must not make us go over all of them each time. */
  #byteAt(at: number): number {
    let start = this.#size;
    for (let index = this.#parts.length - 1; index >= 0; index--) {
      const part = this.#parts[index] as Buffer;
      start -= part.length;
      if (at >= start) return part[at - start] ?? 0;
    }
    return 0;
  }

  /** Takes the start of a message back: it is wanted whole after all, as far as MAX_WHOLE_BYTES allow. */
  wantWhole(start: Buffer): void {
    this.#parts.unshift(start);
    this.#size += start.length;
    this.#lookedTo = 0;
    this.#streaming = 0;
    this.#whole = true;
  }

  #join(): Buffer {
    const [first] = this.#parts;
    if (first !== undefined && this.#parts.length === 1) return first;
    const joined = Buffer.concat(this.#parts, this.#size);
    this.#parts = [joined];
    return joined;
  }

  /** Takes `count` bytes, which must be there, joining chunks only when they are split. */
  #take(count: number): Buffer {
    let [first] = this.#parts;
    if (first === undefined || first.length < count) first = this.#join();
    const taken = first.subarray(0, count);
    if (first.length === count) this.#parts.shift();
    else this.#parts[0] = first.subarray(count);
    this.#size -= count;
    this.#lookedTo = 0;
    return taken;
  }

  #header(): { type: number; total: number } | null {
    if (this.#size < 5) return null;
    let [first] = this.#parts;
    if (first === undefined || first.length < 5) first = this.#join();
    const type = first.readUInt8(0);
    const length = first.readUInt32BE(1);
    if (!KNOWN.has(type)) throw protocolViolation(`unknown message type 0x${type.toString(16).padStart(2, '0')}`);
    if (length < 4 || length > MAX_MESSAGE_BYTES) throw protocolViolation('invalid message length');
    return { type, total: length + 1 };
  }

  /** The next frame, or null until more bytes are pushed. @throws WireError 08P01 */
  next(): FrontendFrame | null {
    while (this.#size > 0) {
      if (this.#skipping > 0) {
        this.#skipping -= this.#piece(this.#skipping).length;
        continue;
      }
      if (this.#streaming > 0) {
        const bytes = this.#piece(this.#streaming);
        this.#streaming -= bytes.length;
        return { kind: 'more', bytes, last: this.#streaming === 0 };
      }
      const header = this.#header();
      if (header === null) return null;
      const { type, total } = header;
      const limit = this.#limitOf(type);
      if (total > limit || (this.#whole && total > MAX_WHOLE_BYTES)) {
        this.#whole = false;
        this.#skipping = total;
        return { kind: 'oversize', type, sizeBytes: total - 5 };
      }
      const needed = this.#neededForHead(type, total);
      if (this.#size < (needed ?? total)) return null;
      this.#whole = false;
      if (needed === null) return { kind: 'message', type, bytes: this.#take(total) };
      const bytes = type === Frontend.copyData ? this.#piece(total) : this.#take(needed);
      this.#streaming = total - bytes.length;
      return { kind: 'head', type, bytes, sizeBytes: total };
    }
    return null;
  }

  /** How much of a message must be there before its first piece is handed out; null for messages that are handed out whole. */
  #neededForHead(type: number, total: number): number | null {
    if (type === Frontend.copyData) return 5;
    return type === Frontend.bind && total > STREAMED_BIND_BYTES && !this.#whole ? BIND_HEAD_BYTES : null;
  }

  /** What is there of the next `count` bytes without joining anything. */
  #piece(count: number): Buffer {
    return this.#take(Math.min(count, this.#parts[0]?.length ?? 0));
  }
}
