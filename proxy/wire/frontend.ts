import { protocolViolation } from './errors';
import { FieldReader } from './reader';

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
  const parameters = cells(reader);
  const resultFormats = formats(reader);
  reader.end();
  return { portal, statement, parameterFormats, parameters, resultFormats };
}

/** A count of format codes and the codes: 0 text, 1 binary. */
export function formats(reader: FieldReader): number[] {
  const count = reader.uint16();
  const codes: number[] = [];
  for (let i = 0; i < count; i++) codes.push(format(reader));
  return codes;
}

function format(reader: FieldReader): number {
  const code = reader.int16();
  if (code !== 0 && code !== 1) throw protocolViolation(`unsupported format code: ${code}`);
  return code;
}

/** A count and as many values, each with its length; -1 is SQL NULL. */
function cells(reader: FieldReader): (Buffer | null)[] {
  const count = reader.uint16();
  const values: (Buffer | null)[] = [];
  for (let i = 0; i < count; i++) {
    const size = reader.int32();
    if (size < -1) throw protocolViolation('invalid parameter length');
    values.push(size === -1 ? null : reader.bytes(size));
  }
  return values;
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

export interface FunctionCallMessage {
  oid: number;
  /** 0, 1 or one per argument. */
  argumentFormats: number[];
  /** Views into the message; null is SQL NULL. */
  arguments: (Buffer | null)[];
  resultFormat: number;
}

/** FunctionCall (F). */
export function decodeFunctionCall(bytes: Buffer): FunctionCallMessage {
  const reader = new FieldReader(bytes, 5);
  const oid = reader.uint32();
  const argumentFormats = formats(reader);
  const values = cells(reader);
  const resultFormat = format(reader);
  reader.end();
  return { oid, argumentFormats, arguments: values, resultFormat };
}

/** Sync (S), Flush (H), CopyDone (c). */
export function expectNoBody(bytes: Buffer): void {
  if (bytes.length !== 5) throw protocolViolation('invalid message format');
}

/** CopyFail (f): the client's reason. Unreadable, it ends the session: inside COPY there is no other answer. */
export function decodeCopyFail(bytes: Buffer): string {
  try {
    return decodeText(bytes);
  } catch {
    throw protocolViolation('invalid message format');
  }
}

/** Query (Q), PasswordMessage (p): one string. */
export function decodeText(bytes: Buffer): string {
  const reader = new FieldReader(bytes, 5);
  const text = reader.cstring();
  reader.end();
  return text;
}
