import type { ParameterValue } from '../../db/schema/shapes';
import type { LongParameter } from '../wire/longBind';

const MAX_SHOWN_BYTES = 1_024;
/** Of all parameters of one Bind together; what is beyond shows that it was there and not what it was. */
const MAX_SHOWN_TOTAL_BYTES = 64 * 1_024;
const MAX_SHOWN_PARAMETERS = 2_000;
/** Of a Bind that passes in pieces, what had not arrived when it was judged. */
const NOT_SHOWN = '(not shown: it stands behind a large parameter)';
const EPOCH_2000_MS = Date.UTC(2000, 0, 1);

/** Binary forms that have a plain text form here, by type OID (src/include/catalog/pg_type.dat). */
const BINARY: ReadonlyMap<number, (bytes: Buffer) => string> = new Map([
  [16, (b) => (b[0] === 1 ? 'true' : 'false')],
  [20, (b) => b.readBigInt64BE(0).toString()],
  [21, (b) => String(b.readInt16BE(0))],
  [23, (b) => String(b.readInt32BE(0))],
  [26, (b) => String(b.readUInt32BE(0))],
  [700, (b) => String(Math.fround(b.readFloatBE(0)))],
  [701, (b) => String(b.readDoubleBE(0))],
  [18, utf8],
  [19, utf8],
  [25, utf8],
  [114, utf8],
  [1042, utf8],
  [1043, utf8],
  [1082, (b) => new Date(EPOCH_2000_MS + b.readInt32BE(0) * 86_400_000).toISOString().slice(0, 10)],
  [1114, timestamp],
  [1184, timestamp],
  [2950, (b) => b.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')],
  [3802, (b) => b.subarray(1).toString('utf8')],
]);

function utf8(bytes: Buffer): string {
  return bytes.toString('utf8');
}

function timestamp(bytes: Buffer): string {
  return new Date(EPOCH_2000_MS + Number(bytes.readBigInt64BE(0) / 1000n)).toISOString();
}

/** The parameters of a Bind as the record and the reviewer see them. Formats: none, one for all, or one each (chapter 54.7, Bind). */
export function showParameters(
  parameters: readonly (Buffer | null | LongParameter)[],
  formats: readonly number[],
  types: readonly number[],
): ParameterValue[] {
  let left = MAX_SHOWN_TOTAL_BYTES;
  const shown = parameters.slice(0, MAX_SHOWN_PARAMETERS).map((parameter, i): ParameterValue => {
    if (parameter !== null && 'kind' in parameter && parameter.kind === 'later')
      return { typeOid: types[i] ?? 0, value: NOT_SHOWN, truncated: true };
    const bytes = bytesOf(parameter);
    const typeOid = types[i] ?? 0;
    const format = formats.length === 0 ? 0 : formats.length === 1 ? formats[0] : formats[i];
    const limit = Math.min(left, MAX_SHOWN_BYTES);
    left -= Math.min(bytes?.length ?? 0, limit);
    const value = show(bytes, typeOid, format ?? 0, limit);
    return parameter !== null && 'kind' in parameter && parameter.kind === 'cut' ? { ...value, truncated: true } : value;
  });
  if (parameters.length > shown.length) shown.push({ typeOid: 0, value: `and ${parameters.length - shown.length} more`, truncated: true });
  return shown;
}

function bytesOf(parameter: Buffer | null | Exclude<LongParameter, { kind: 'later' }>): Buffer | null {
  if (parameter === null || !('kind' in parameter)) return parameter;
  return parameter.kind === 'null' ? null : parameter.bytes;
}

function show(bytes: Buffer | null, typeOid: number, format: number, limitBytes: number): ParameterValue {
  if (bytes === null) return { typeOid, value: null };
  const cut = bytes.length > limitBytes;
  const truncated = cut ? { truncated: true } : {};
  const shown = cut ? bytes.subarray(0, limitBytes) : bytes;
  if (format === 0) return { typeOid, value: shown.toString('utf8'), ...truncated };
  return { typeOid, value: showBinary(shown, typeOid), ...truncated };
}

/** A value in binary format as text; `\\x…` where its type has no known text form. */
export const showBinary = (bytes: Buffer, typeOid: number): string => decodeBinary(bytes, typeOid) ?? `\\x${bytes.toString('hex')}`;

function decodeBinary(bytes: Buffer, typeOid: number): string | null {
  try {
    return BINARY.get(typeOid)?.(bytes) ?? null;
  } catch {
    // The length does not fit the type; the server will say so. Shown as hexadecimal.
    return null;
  }
}
