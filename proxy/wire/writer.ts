/**
 * Builds one or more protocol messages in a growing buffer. Lengths are written when a message ends.
 * `take` hands out the bytes and starts afresh; the buffer handed out is never written again.
 */
export class MessageWriter {
  #buffer: Buffer;
  #position = 0;
  #lengthAt = 0;

  constructor(initialBytes = 256) {
    this.#buffer = Buffer.allocUnsafe(initialBytes);
  }

  #reserve(bytes: number): void {
    if (this.#position + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#position + bytes));
    this.#buffer.copy(grown, 0, 0, this.#position);
    this.#buffer = grown;
  }

  /** Starts a message of the given type byte; null for the start-up family, which has none. */
  begin(type: number | null): this {
    this.#reserve(5);
    if (type !== null) this.#buffer[this.#position++] = type;
    this.#lengthAt = this.#position;
    this.#position += 4;
    return this;
  }

  end(): this {
    this.#buffer.writeUInt32BE(this.#position - this.#lengthAt, this.#lengthAt);
    return this;
  }

  int8(value: number): this {
    this.#reserve(1);
    this.#buffer[this.#position++] = value & 0xff;
    return this;
  }

  int16(value: number): this {
    this.#reserve(2);
    this.#position = this.#buffer.writeUInt16BE(value & 0xffff, this.#position);
    return this;
  }

  int32(value: number): this {
    this.#reserve(4);
    this.#position = this.#buffer.writeInt32BE(value | 0, this.#position);
    return this;
  }

  bytes(value: Uint8Array): this {
    this.#reserve(value.length);
    this.#buffer.set(value, this.#position);
    this.#position += value.length;
    return this;
  }

  /** A NUL-terminated string. A NUL inside would end it early and shift every field behind it. */
  cstring(value: string): this {
    if (value.includes('\0')) throw new RangeError('a protocol string cannot hold a NUL byte');
    const size = Buffer.byteLength(value);
    this.#reserve(size + 1);
    this.#buffer.write(value, this.#position, 'utf8');
    this.#position += size;
    this.#buffer[this.#position++] = 0;
    return this;
  }

  take(): Buffer {
    const bytes = this.#buffer.subarray(0, this.#position);
    this.#buffer = Buffer.allocUnsafe(256);
    this.#position = 0;
    return bytes;
  }
}
