/** Up to here a loop is faster than a call out of JavaScript. */
const SMALL_CHARACTERS = 40;

/** What Buffer's own does, without its checks of what it is given. */
export function putU32(bytes: Buffer, value: number, at: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

/** Bytes that grow at the end, little-endian. One of them is used over and over. */
export class ByteWriter {
  bytes: Buffer;
  length = 0;

  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafe(capacity);
  }

  /** Makes room for `count` more; `bytes` may be another buffer afterwards. */
  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.length + count));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }

  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  u16(value: number): void {
    this.reserve(2);
    const { bytes, length } = this;
    bytes[length] = value;
    bytes[length + 1] = value >>> 8;
    this.length = length + 2;
  }

  u32(value: number): void {
    this.reserve(4);
    putU32(this.bytes, value, this.length);
    this.length += 4;
  }

  f64(value: number): void {
    this.reserve(8);
    this.length = this.bytes.writeDoubleLE(value, this.length);
  }

  copy(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** UTF-8 behind its length. */
  text(value: string): void {
    this.reserve(4 + value.length * 3);
    const start = this.length + 4;
    const end = value.length <= SMALL_CHARACTERS ? this.#ascii(value, start) : -1;
    this.length = end >= 0 ? end : start + this.bytes.write(value, start, 'utf8');
    putU32(this.bytes, this.length - start, start - 4);
  }

  optionalText(value: string | null | undefined): void {
    this.u8(value == null ? 0 : 1);
    if (value != null) this.text(value);
  }

  /** Where it ends; -1 where it is not all ASCII. */
  #ascii(value: string, start: number): number {
    const { bytes } = this;
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) return -1;
      bytes[start + i] = code;
    }
    return start + value.length;
  }
}

/** Reads what ByteWriter wrote. @throws RangeError behind the end */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#move(1));
  }

  u16(): number {
    return this.#bytes.readUInt16LE(this.#move(2));
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#move(4));
  }

  f64(): number {
    return this.#bytes.readDoubleLE(this.#move(8));
  }

  text(): string {
    const length = this.u32();
    const start = this.#move(length);
    if (this.#at > this.#bytes.length) throw new RangeError('a text goes on behind the end of its entry');
    return this.#bytes.toString('utf8', start, this.#at);
  }

  optionalText(): string | null {
    return this.u8() === 0 ? null : this.text();
  }

  #move(count: number): number {
    const at = this.#at;
    this.#at += count;
    return at;
  }
}

/** What a number stands for. @throws RangeError where that is nothing */
export function oneOf<T>(values: readonly T[], index: number): T {
  const value = values[index];
  if (value === undefined) throw new RangeError('it holds a number that stands for nothing');
  return value;
}
