import { WORD_BYTES } from '../record/leaf';

/** Days from 1970 to 2000 in milliseconds: PostgreSQL counts from 2000. */
const EPOCH_MS = 946_684_800_000;
const TWO_32 = 4_294_967_296;
const TEXT_OID = 25;
const INT8_OID = 20;
/** "PGCOPY\n\377\r\n\0", flags and the length of an extension there is none of. */
const HEADER = Buffer.from([0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0x00, 0, 0, 0, 0, 0, 0, 0, 0]);

/** A little more than what is sent at once (PIECE_BYTES in copyIn.ts), so that most rows fit without being moved. */
const ROOM_BYTES = 96 * 1024;
const NOTHING = Buffer.alloc(0);

/** A call to where strings are encoded costs more than writing an id. */
const SHORT_CHARS = 32;

/**
 * Fields of rows for `COPY … FROM STDIN WITH (FORMAT binary)` (PostgreSQL: COPY, "Binary Format"), one after the other, of exactly the types
 * of the table's columns. Binary, because it needs no escaping and costs both sides less than text.
 */
export class CopyFields {
  /** Room is made when something is written. */
  #bytes: Buffer = NOTHING;
  #at = 0;

  /** Bytes that are written and not taken. */
  get length(): number {
    return this.#at;
  }

  /** What is written so far; it goes on in other bytes. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#at);
    this.#bytes = NOTHING;
    this.#at = 0;
    return taken;
  }

  /** Fields that were written elsewhere. */
  fieldsOf(other: CopyFields, from: number, to: number): void {
    this.#room(to - from);
    this.#at += other.#bytes.copy(this.#bytes, this.#at, from, to);
  }

  null(): void {
    this.#room(4);
    this.#at = this.#bytes.writeInt32BE(-1, this.#at);
  }

  text(value: string | null): void {
    if (value === null) return this.null();
    // No UTF-16 unit takes more than three bytes.
    this.#room(4 + value.length * 3);
    const count =
      value.length <= SHORT_CHARS && this.#ascii(value, this.#at + 4) ? value.length : this.#bytes.write(storable(value), this.#at + 4);
    this.#at = this.#bytes.writeInt32BE(count, this.#at) + count;
  }

  /** Whether all of it is ASCII without U+0000, and then written. */
  #ascii(value: string, from: number): boolean {
    for (let at = 0; at < value.length; at++) {
      const code = value.charCodeAt(at);
      if (code === 0 || code >= 0x80) return false;
      this.#bytes[from + at] = code;
    }
    return true;
  }

  /** An integer that JavaScript holds exactly. */
  int8(value: number | null): void {
    if (value === null) return this.null();
    this.#room(12);
    this.#at = this.#bytes.writeInt32BE(8, this.#at);
    this.#integer(value);
  }

  /** Bytes that are no field. */
  protected raw(bytes: Buffer): void {
    this.#room(bytes.length);
    this.#at += bytes.copy(this.#bytes, this.#at);
  }

  /** A number that is no field. */
  protected int2(value: number): void {
    this.#room(2);
    this.#at = this.#bytes.writeInt16BE(value, this.#at);
  }

  int4(value: number | null): void {
    if (value === null) return this.null();
    this.#room(8);
    this.#at = this.#bytes.writeInt32BE(4, this.#at);
    this.#at = this.#bytes.writeInt32BE(value, this.#at);
  }

  bool(value: boolean): void {
    this.#room(5);
    this.#at = this.#bytes.writeInt32BE(1, this.#at);
    this.#at = this.#bytes.writeUInt8(value ? 1 : 0, this.#at);
  }

  float4(value: number | null): void {
    if (value === null) return this.null();
    this.#room(8);
    this.#at = this.#bytes.writeInt32BE(4, this.#at);
    this.#at = this.#bytes.writeFloatBE(value, this.#at);
  }

  /** timestamptz of milliseconds since 1970. */
  instant(ms: number): void {
    this.#room(12);
    this.#at = this.#bytes.writeInt32BE(8, this.#at);
    this.#integer(Math.round((ms - EPOCH_MS) * 1_000));
  }

  bytea(value: Buffer | null): void {
    if (value === null) return this.null();
    this.#room(4 + value.length);
    this.#at = this.#bytes.writeInt32BE(value.length, this.#at);
    this.#at += value.copy(this.#bytes, this.#at);
  }

  /** jsonb, version 1. */
  json(value: unknown): void {
    if (value === null || value === undefined) return this.null();
    const text = storableJson(value);
    this.#room(5 + text.length * 3);
    const count = this.#bytes.write(text, this.#at + 5);
    this.#at = this.#bytes.writeInt32BE(count + 1, this.#at);
    this.#at = this.#bytes.writeUInt8(1, this.#at) + count;
  }

  /** bigint[] of words of 8 bytes, one behind the other; null for none. */
  words(values: Buffer): void {
    if (values.length === 0) return this.null();
    const count = values.length / WORD_BYTES;
    this.#array(INT8_OID, count, (4 + WORD_BYTES) * count);
    for (let from = 0; from < values.length; from += WORD_BYTES) {
      this.#at = this.#bytes.writeInt32BE(WORD_BYTES, this.#at);
      this.#at += values.copy(this.#bytes, this.#at, from, from + WORD_BYTES);
    }
  }

  texts(values: readonly string[]): void {
    const encoded = values.map((value) => Buffer.from(storable(value)));
    const size = encoded.reduce((sum, one) => sum + 4 + one.length, 0);
    this.#array(TEXT_OID, values.length, size);
    for (const one of encoded) {
      this.#at = this.#bytes.writeInt32BE(one.length, this.#at);
      this.#at += one.copy(this.#bytes, this.#at);
    }
  }

  #integer(value: number): void {
    const high = Math.floor(value / TWO_32);
    this.#at = this.#bytes.writeInt32BE(high, this.#at);
    this.#at = this.#bytes.writeUInt32BE(value - high * TWO_32, this.#at);
  }

  /** An array's length and header: dimensions, has nulls, type, elements, lower bound. An empty one has no dimension. */
  #array(oid: number, count: number, elementBytes: number): void {
    this.#room(24 + elementBytes);
    const head = count === 0 ? [12, 0, 0, oid] : [20 + elementBytes, 1, 0, oid, count, 1];
    for (const value of head) this.#at = this.#bytes.writeInt32BE(value, this.#at);
  }

  #room(count: number): void {
    if (this.#at + count <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(ROOM_BYTES, this.#bytes.length * 2, this.#at + count));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

/** The rows of one COPY, in pieces: each begins with `row()`, and its fields come in the order of the columns. */
export class CopyRows extends CopyFields {
  /** @param columns of a row */
  constructor(private readonly columns: number) {
    super();
    this.raw(HEADER);
  }

  row(): void {
    this.int2(this.columns);
  }

  /** What is left, with the trailer. */
  end(): Buffer {
    this.int2(-1);
    return this.take();
  }
}

/** text cannot hold U+0000; the log keeps the exact bytes. */
export const storable = (text: string): string => (text.includes('\0') ? text.replaceAll('\0', '\u2400') : text);

/** Neither can jsonb. */
export function storableJson(value: unknown): string {
  const text = JSON.stringify(value);
  return text.includes('\\u0000') ? JSON.stringify(value, (_key, part) => (typeof part === 'string' ? storable(part) : part)) : text;
}
