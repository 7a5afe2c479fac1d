import type { CellMask, CellOut } from '../cellOut';
import type { IntegerType } from './family';

interface Bounds {
  size: 2 | 4 | 8;
  min: bigint;
  max: bigint;
}

const BOUNDS: Readonly<Record<IntegerType, Bounds>> = {
  int2: { size: 2, min: -32_768n, max: 32_767n },
  int4: { size: 4, min: -2_147_483_648n, max: 2_147_483_647n },
  int8: { size: 8, min: -(2n ** 63n), max: 2n ** 63n - 1n },
  oid: { size: 4, min: 0n, max: 4_294_967_295n },
};

/** The value of an integer cell, a bigint only where a number could not hold it; null when this is none. */
export function readInteger(bytes: Buffer, start: number, end: number, integer: IntegerType, format: number): number | bigint | null {
  if (format === 0) return readDigits(bytes, start, end);
  if (end - start !== BOUNDS[integer].size) return null;
  switch (integer) {
    case 'int2':
      return bytes.readInt16BE(start);
    case 'int4':
      return bytes.readInt32BE(start);
    case 'oid':
      return bytes.readUInt32BE(start);
    case 'int8': {
      const high = bytes.readInt32BE(start);
      const value = high * 4_294_967_296 + bytes.readUInt32BE(start + 4);
      return Number.isSafeInteger(value) ? value : bytes.readBigInt64BE(start);
    }
    default:
      integer satisfies never;
      return null;
  }
}

function readDigits(bytes: Buffer, start: number, end: number): number | bigint | null {
  const negative = bytes[start] === 0x2d;
  const first = negative ? start + 1 : start;
  if (first >= end || end - first > 19) return null;
  let value = 0;
  for (let i = first; i < end; i++) {
    const digit = (bytes[i] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return null;
    value = value * 10 + digit;
  }
  if (end - first > 15) return BigInt(bytes.toString('latin1', start, end));
  return negative && value !== 0 ? -value : value;
}

/** Appends an integer in the column's format; false when the type has no room for it. */
export function writeInteger(value: number | bigint, type: IntegerType, format: number, out: CellOut): boolean {
  const { size, min, max } = BOUNDS[type];
  if (value < min || value > max) return false;
  if (format === 0) {
    out.text(String(value));
    return true;
  }
  out.reserve(size);
  if (type === 'int2') out.bytes.writeInt16BE(Number(value), out.length);
  else if (type === 'int4') out.bytes.writeInt32BE(Number(value), out.length);
  else if (type === 'oid') out.bytes.writeUInt32BE(Number(value), out.length);
  else out.bytes.writeBigInt64BE(BigInt(value), out.length);
  out.length += size;
  return true;
}

/** Rounds to a multiple of `step` (halves away from zero, as PostgreSQL's round does), or down to one. `step` is a whole number from 2. */
export function integerMask(step: number, bucket: boolean, type: IntegerType, format: number): CellMask {
  return (bytes, start, end, out) => {
    const value = readInteger(bytes, start, end, type, format);
    if (value === null) return false;
    const coarse = typeof value === 'number' ? coarseNumber(value, step, bucket) : coarseBigint(value, BigInt(step), bucket);
    return writeInteger(coarse, type, format, out);
  };
}

function coarseNumber(value: number, step: number, bucket: boolean): number {
  const rest = value % step;
  const towardsZero = value - rest;
  if (bucket) return rest < 0 ? towardsZero - step : towardsZero;
  return Math.abs(rest) * 2 < step ? towardsZero : towardsZero + (rest < 0 ? -step : step);
}

/** Exact, whatever the size: shared with numeric. */
export function coarseBigint(value: bigint, step: bigint, bucket: boolean): bigint {
  const rest = value % step;
  const towardsZero = value - rest;
  if (bucket) return rest < 0n ? towardsZero - step : towardsZero;
  const size = rest < 0n ? -rest : rest;
  return size * 2n < step ? towardsZero : towardsZero + (rest < 0n ? -step : step);
}
