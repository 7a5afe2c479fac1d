import { Backend, type TransactionStatus } from './messages';
import { FieldReader } from './reader';
import { MessageWriter } from './writer';

/** One column of a RowDescription. */
export interface ColumnDescription {
  name: string;
  /** 0 when the column is no plain column of a relation. */
  tableOid: number;
  attributeNumber: number;
  typeOid: number;
  typeSize: number;
  typeModifier: number;
  /** 0 text, 1 binary; always 0 in the answer to Describe of a statement. */
  format: number;
}

export function decodeRowDescription(bytes: Buffer): ColumnDescription[] {
  const reader = new FieldReader(bytes, 5);
  const count = reader.uint16();
  const columns: ColumnDescription[] = [];
  for (let i = 0; i < count; i++) {
    columns.push({
      name: reader.cstring(),
      tableOid: reader.uint32(),
      attributeNumber: reader.int16(),
      typeOid: reader.uint32(),
      typeSize: reader.int16(),
      typeModifier: reader.int32(),
      format: reader.int16(),
    });
  }
  reader.end();
  return columns;
}

export function decodeParameterDescription(bytes: Buffer): number[] {
  const reader = new FieldReader(bytes, 5);
  const count = reader.uint16();
  const types: number[] = [];
  for (let i = 0; i < count; i++) types.push(reader.uint32());
  return types;
}

/** The number at the end of a command tag is the row count: `SELECT 3`, `INSERT 0 1`; null for tags without one. */
export function decodeCommandTag(bytes: Buffer): { tag: string; rows: number | null } {
  const text = new FieldReader(bytes, 5).cstring();
  const space = text.lastIndexOf(' ');
  const last = text.slice(space + 1);
  if (space < 0 || !/^\d+$/.test(last)) return { tag: text, rows: null };
  return { tag: text.slice(0, space).replace(/^INSERT \d+$/, 'INSERT'), rows: Number(last) };
}

/** Field code → value of an ErrorResponse or NoticeResponse. */
export function decodeFields(bytes: Buffer): Map<string, string> {
  const reader = new FieldReader(bytes, 5);
  const fields = new Map<string, string>();
  for (let code = reader.int8(); code !== 0; code = reader.int8()) fields.set(String.fromCharCode(code), reader.lenientCstring());
  return fields;
}

export function encodeFieldMap(type: number, fields: Iterable<readonly [string, string]>): Buffer {
  const writer = new MessageWriter().begin(type);
  for (const [code, value] of fields) writer.int8(code.charCodeAt(0)).cstring(value);
  return writer.int8(0).end().take();
}

export function decodeParameterStatus(bytes: Buffer): { name: string; value: string } {
  const reader = new FieldReader(bytes, 5);
  return { name: reader.cstring(), value: reader.cstring() };
}

export const encodeParameterStatus = (name: string, value: string) =>
  new MessageWriter().begin(Backend.parameterStatus).cstring(name).cstring(value).end().take();

export const encodeBackendKeyData = (processId: number, secret: Uint8Array) =>
  new MessageWriter().begin(Backend.backendKeyData).int32(processId).bytes(secret).end().take();

export const encodeReadyForQuery = (status: TransactionStatus) =>
  new MessageWriter().begin(Backend.readyForQuery).int8(status.charCodeAt(0)).end().take();

/** The byte of ReadyForQuery as a status; anything else is a broken server. */
export function decodeReadyForQuery(bytes: Buffer): TransactionStatus {
  const status = String.fromCharCode(new FieldReader(bytes, 5).int8());
  if (status !== 'I' && status !== 'T' && status !== 'E') throw new Error(`unknown transaction status ${JSON.stringify(status)}`);
  return status;
}

export const encodeAuthenticationOk = () => new MessageWriter().begin(Backend.authentication).int32(0).end().take();
export const encodeAuthenticationCleartext = () => new MessageWriter().begin(Backend.authentication).int32(3).end().take();

/** NegotiateProtocolVersion: the newest minor version we speak and the options we do not know. */
export function encodeNegotiateProtocolVersion(version: number, unknownOptions: readonly string[]): Buffer {
  const writer = new MessageWriter().begin(Backend.negotiateProtocolVersion).int32(version).int32(unknownOptions.length);
  for (const name of unknownOptions) writer.cstring(name);
  return writer.end().take();
}
