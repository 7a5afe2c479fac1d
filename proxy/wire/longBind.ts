import { protocolViolation } from './errors';
import { type BindMessage, formats } from './frontend';
import { FieldReader } from './reader';

/** The beginning of a Bind too large to be held: names, formats, and the parameters as far as they have arrived. */
export interface LongBind extends Omit<BindMessage, 'resultFormats' | 'parameters'> {
  /** One each; what has not arrived yet has no bytes but its length, where that is known. */
  parameters: readonly LongParameter[];
  /** Follows the rest of the message. */
  rest: LongBindRest;
}

export type LongParameter = { kind: 'null' } | { kind: 'arrived'; bytes: Buffer } | { kind: 'cut'; bytes: Buffer } | { kind: 'later' };

/** Decodes what there is. @throws WireError 08P01 when it is no beginning of a Bind of `sizeBytes` */
export function decodeLongBind(start: Buffer, sizeBytes: number): LongBind {
  const reader = new FieldReader(start, 5);
  const portal = reader.cstring();
  const statement = reader.cstring();
  const parameterFormats = formats(reader);
  const count = reader.uint16();
  const body = start.subarray(start.length - reader.left);
  const parameters: LongParameter[] = [];
  for (let i = 0, at = 0; i < count; i++) {
    if (body.length - at < 4) {
      parameters.push({ kind: 'later' });
      at = body.length;
      continue;
    }
    const size = body.readInt32BE(at);
    at += 4;
    const bytes = body.subarray(at, at + Math.max(0, size));
    parameters.push(size < 0 ? { kind: 'null' } : { kind: bytes.length === size ? 'arrived' : 'cut', bytes });
    at += bytes.length;
  }
  const rest = new LongBindRest(count, sizeBytes - start.length + body.length);
  rest.push(body);
  return { portal, statement, parameterFormats, parameters, rest };
}

/**
 * Checks the body of a Bind behind its parameter count piece by piece: lengths that fit, format codes that exist, and an end where the
 * message ends. Nothing of it is kept.
 */
export class LongBindRest {
  #parametersLeft: number;
  #bytesLeft: number;
  /** Bytes of the value that passes now. */
  #value = 0;
  /** Null until the count of result formats has been read. */
  #formatsLeft: number | null = null;
  /** The beginning of a number that a piece ends in. */
  #carry: Buffer = Buffer.alloc(0);

  constructor(parameters: number, bytes: number) {
    this.#parametersLeft = parameters;
    this.#bytesLeft = bytes;
  }

  /** @throws WireError 08P01 */
  push(piece: Buffer): void {
    this.#bytesLeft -= piece.length;
    const bytes = this.#carry.length === 0 ? piece : Buffer.concat([this.#carry, piece]);
    let at = 0;
    for (;;) {
      const skipped = Math.min(this.#value, bytes.length - at);
      this.#value -= skipped;
      at += skipped;
      const size = this.#parametersLeft > 0 ? 4 : 2;
      if (this.#value > 0 || bytes.length - at < size) break;
      if (this.#formatsLeft === 0) throw tooLong();
      this.#number(size === 4 ? bytes.readInt32BE(at) : bytes.readUInt16BE(at), bytes.length - at - size);
      at += size;
    }
    this.#carry = Buffer.from(bytes.subarray(at));
    if (this.#bytesLeft === 0) this.#end();
  }

  #number(value: number, bytesBehind: number): void {
    if (this.#parametersLeft > 0) {
      this.#parametersLeft--;
      if (value < -1) throw protocolViolation('invalid parameter length');
      if (value > this.#bytesLeft + bytesBehind) throw protocolViolation('a message ends inside a field');
      this.#value = Math.max(0, value);
    } else if (this.#formatsLeft === null) this.#formatsLeft = value;
    else {
      if (value > 1) throw protocolViolation(`unsupported format code: ${value}`);
      this.#formatsLeft--;
    }
  }

  #end(): void {
    if (this.#value > 0 || this.#parametersLeft > 0 || this.#formatsLeft === null || this.#formatsLeft > 0)
      throw protocolViolation('a message ends inside a field');
    if (this.#carry.length > 0) throw tooLong();
  }
}

const tooLong = () => protocolViolation('a message is longer than its fields');
