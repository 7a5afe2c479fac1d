import { invalidUtf8, protocolViolation } from './errors';
import { invalidBytes } from './utf8';

/** Reads the fields of one message body; every read checks its bounds and refuses with 08P01. */
export class FieldReader {
  readonly #bytes: Buffer;
  #position: number;

  constructor(bytes: Buffer, position = 0) {
    this.#bytes = bytes;
    this.#position = position;
  }

  get left(): number {
    return this.#bytes.length - this.#position;
  }

  #need(bytes: number): void {
    if (bytes < 0 || bytes > this.left) throw protocolViolation('a message ends inside a field');
  }

  int8(): number {
    this.#need(1);
    return this.#bytes.readUInt8(this.#position++);
  }

  /** Counts and format codes; unsigned, as PostgreSQL 14+ treats parameter counts. */
  uint16(): number {
    this.#need(2);
    const value = this.#bytes.readUInt16BE(this.#position);
    this.#position += 2;
    return value;
  }

  int16(): number {
    this.#need(2);
    const value = this.#bytes.readInt16BE(this.#position);
    this.#position += 2;
    return value;
  }

  int32(): number {
    this.#need(4);
    const value = this.#bytes.readInt32BE(this.#position);
    this.#position += 4;
    return value;
  }

  uint32(): number {
    this.#need(4);
    const value = this.#bytes.readUInt32BE(this.#position);
    this.#position += 4;
    return value;
  }

  /** A view, valid as long as the message's bytes are. */
  bytes(count: number): Buffer {
    this.#need(count);
    const view = this.#bytes.subarray(this.#position, this.#position + count);
    this.#position += count;
    return view;
  }

  /** A NUL-terminated string. Invalid UTF-8 is refused: what is judged must be what the server reads. */
  cstring(): string {
    return decodeUtf8(this.#terminated());
  }

  /** Server messages may hold bytes that are no UTF-8 (before sign-in, or quoting bad input); they are shown, never judged. */
  lenientCstring(): string {
    return this.#terminated().toString('utf8');
  }

  #terminated(): Buffer {
    const end = this.#bytes.indexOf(0, this.#position);
    if (end < 0) throw protocolViolation('a string has no terminator');
    const view = this.#bytes.subarray(this.#position, end);
    this.#position = end + 1;
    return view;
  }

  /** A message must be used up: trailing bytes mean that we and the server would disagree about it. */
  end(): void {
    if (this.left !== 0) throw protocolViolation('a message is longer than its fields');
  }
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeUtf8(view: Buffer): string {
  try {
    return strict.decode(view);
  } catch {
    throw invalidUtf8(invalidBytes(view));
  }
}
