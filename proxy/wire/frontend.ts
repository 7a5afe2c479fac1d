import { protocolViolation } from './errors';
import { Frontend, MAX_MESSAGE_BYTES } from './messages';
import { FieldReader } from './reader';

/** What the framer hands out of the client's byte stream. */
export type FrontendFrame =
  /** A whole message; `bytes` includes type and length, and is exactly what may be forwarded. */
  | { kind: 'message'; type: number; bytes: Buffer }
  /** A piece of a CopyData message; the first begins with its header. */
  | { kind: 'copyData'; bytes: Buffer; first: boolean }
  /** A message above its limit: its body is skipped, nothing of it is kept. */
  | { kind: 'oversize'; type: number; sizeBytes: number };

const KNOWN = new Set<number>(Object.values(Frontend));

/**
 * Cuts the client's byte stream into messages. Holds at most one incomplete message, up to the limit of its type;
 * CopyData passes in pieces. Unknown types and impossible lengths are refused before anything is allocated.
 */
export class FrontendFramer {
  readonly #limitOf: (type: number) => number;
  #parts: Buffer[] = [];
  #size = 0;
  /** Bytes of the current CopyData message still to pass, or of an oversize message still to skip. */
  #streaming = 0;
  #atHeader = false;
  #skipping = 0;

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
        this.#skipping -= this.#take(Math.min(this.#skipping, this.#parts[0]?.length ?? 0)).length;
        continue;
      }
      if (this.#streaming > 0) {
        const bytes = this.#take(Math.min(this.#streaming, this.#parts[0]?.length ?? 0));
        this.#streaming -= bytes.length;
        const first = this.#atHeader;
        this.#atHeader = false;
        return { kind: 'copyData', bytes, first };
      }
      const header = this.#header();
      if (header === null) return null;
      if (header.type === Frontend.copyData) {
        this.#streaming = header.total;
        this.#atHeader = true;
        continue;
      }
      if (header.total > this.#limitOf(header.type)) {
        this.#skipping = header.total;
        return { kind: 'oversize', type: header.type, sizeBytes: header.total - 5 };
      }
      if (this.#size < header.total) return null;
      return { kind: 'message', type: header.type, bytes: this.#take(header.total) };
    }
    return null;
  }
}

export interface ParseMessage {
  name: string;
  sql: string;
  parameterTypes: number[];
}

/** Parse (P): statement name, text, number of parameter types, types. */
export function decodeParse(bytes: Buffer): ParseMessage {
  const reader = new FieldReader(bytes, 5);
  const name = reader.cstring();
  const sql = reader.cstring();
  const count = reader.uint16();
  const parameterTypes: number[] = [];
  for (let i = 0; i < count; i++) parameterTypes.push(reader.uint32());
  reader.end();
  return { name, sql, parameterTypes };
}

export interface BindMessage {
  portal: string;
  statement: string;
  /** 0, 1 or one per parameter. */
  parameterFormats: number[];
  /** Views into the message; null is SQL NULL. */
  parameters: (Buffer | null)[];
  /** 0, 1 or one per result column. */
  resultFormats: number[];
}

/** Bind (B). */
export function decodeBind(bytes: Buffer): BindMessage {
  const reader = new FieldReader(bytes, 5);
  const portal = reader.cstring();
  const statement = reader.cstring();
  const parameterFormats = formats(reader);
  const count = reader.uint16();
  const parameters: (Buffer | null)[] = [];
  for (let i = 0; i < count; i++) {
    const size = reader.int32();
    if (size < -1) throw protocolViolation('invalid parameter length');
    parameters.push(size === -1 ? null : reader.bytes(size));
  }
  const resultFormats = formats(reader);
  reader.end();
  return { portal, statement, parameterFormats, parameters, resultFormats };
}

function formats(reader: FieldReader): number[] {
  const count = reader.uint16();
  const codes: number[] = [];
  for (let i = 0; i < count; i++) {
    const code = reader.int16();
    if (code !== 0 && code !== 1) throw protocolViolation(`unsupported format code: ${code}`);
    codes.push(code);
  }
  return codes;
}

/** Describe (D) and Close (C): `S` for a statement, `P` for a portal. */
export function decodeTarget(bytes: Buffer): { target: 'S' | 'P'; name: string } {
  const reader = new FieldReader(bytes, 5);
  const target = String.fromCharCode(reader.int8());
  const name = reader.cstring();
  reader.end();
  if (target !== 'S' && target !== 'P') throw protocolViolation('invalid describe or close target');
  return { target, name };
}

/** Execute (E): portal and the most rows wanted, 0 for all. */
export function decodeExecute(bytes: Buffer): { portal: string; maxRows: number } {
  const reader = new FieldReader(bytes, 5);
  const portal = reader.cstring();
  const maxRows = reader.int32();
  reader.end();
  return { portal, maxRows };
}

/** Query (Q), PasswordMessage (p), CopyFail (f): one string. */
export function decodeText(bytes: Buffer): string {
  const reader = new FieldReader(bytes, 5);
  const text = reader.cstring();
  reader.end();
  return text;
}
