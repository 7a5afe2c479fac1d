import { createHmac } from 'node:crypto';
import type { MaskSpec } from '../../db/schema/shapes';

/** Masks one non-NULL cell in the column's own format; null makes it SQL NULL. NULL cells stay NULL and never get here. */
export type CellMask = (cell: Buffer) => Buffer | null;

/** How a type stores its values, as far as masks care. Domains are resolved to their base type before. */
export type CellType = 'text' | 'date' | 'timestamp' | 'int2' | 'int4' | 'int8' | 'float4' | 'float8' | 'numeric' | 'other';

const CELL_TYPES: ReadonlyMap<number, CellType> = new Map([
  [19, 'text'], // name
  [25, 'text'], // text
  [1042, 'text'], // character
  [1043, 'text'], // character varying
  [1082, 'date'],
  [1114, 'timestamp'],
  [1184, 'timestamp'],
  [21, 'int2'],
  [23, 'int4'],
  [20, 'int8'],
  [700, 'float4'],
  [701, 'float8'],
  [1700, 'numeric'],
]);

export const cellTypeOf = (baseTypeOid: number): CellType => CELL_TYPES.get(baseTypeOid) ?? 'other';

const REDACTED = Buffer.from('***');
const toNull: CellMask = () => null;

/**
 * The mask for one output column. A type that cannot hold the masked value (a uuid cannot become `***`) gets NULL:
 * what leaves is always a value of the column's type, in text (format 0) and binary (format 1).
 */
export function cellMask(spec: MaskSpec, type: CellType, format: number, hashKey: Buffer): CellMask {
  switch (spec.type) {
    case 'null':
      return toNull;
    case 'redact':
      return type === 'text' ? () => REDACTED : toNull;
    case 'constant': {
      const value = Buffer.from(spec.value);
      return type === 'text' ? () => value : toNull;
    }
    case 'partial':
      return type === 'text' ? (cell) => Buffer.from(partial(cell.toString('utf8'), spec.keepFirst ?? 0, spec.keepLast ?? 0)) : toNull;
    case 'email':
      return type === 'text' ? (cell) => Buffer.from(maskEmail(cell.toString('utf8'))) : toNull;
    case 'hash':
      return type === 'text' ? (cell) => Buffer.from(pseudonym(cell, hashKey)) : toNull;
    case 'date':
      return dateMask(spec.truncate, type, format);
    case 'number':
      return numberMask(spec, type, format);
    default:
      spec satisfies never;
      return toNull;
  }
}

/**
 * Replaces letters and digits by `*` but for the first and last kept ones; separators stay, so that a card still looks like one.
 * A value too short to hide anything is hidden whole.
 */
export function partial(value: string, keepFirst: number, keepLast: number): string {
  const chars = [...value];
  const hideable = chars.filter((char) => /[\p{L}\p{N}]/u.test(char)).length;
  if (hideable <= keepFirst + keepLast) return '***';
  let seen = 0;
  return chars
    .map((char) => {
      if (!/[\p{L}\p{N}]/u.test(char)) return char;
      seen++;
      return seen <= keepFirst || seen > hideable - keepLast ? char : '*';
    })
    .join('');
}

/** `a***@example.com`; anything that is no address is redacted whole. */
export function maskEmail(value: string): string {
  const match = /^([^@\s])[^@\s]*@([^@\s]+)$/.exec(value);
  return match === null ? '***' : `${match[1]}***@${match[2]}`;
}

/** A keyed pseudonym: equal values give equal pseudonyms under one key, so joins still work; 96 bits. */
function pseudonym(cell: Buffer, key: Buffer): string {
  return `h_${createHmac('sha256', key).update(cell).digest('hex').slice(0, 24)}`;
}

const DAY_US = 86_400_000_000n;
/** PostgreSQL counts days and microseconds from 2000-01-01 (src/include/datatype/timestamp.h). */
const EPOCH_2000_MS = Date.UTC(2000, 0, 1);

function dateMask(truncate: 'year' | 'month' | 'day', type: CellType, format: number): CellMask {
  if (type !== 'date' && type !== 'timestamp') return toNull;
  if (format === 0) {
    return (cell) => {
      // Only ISO output is understood; DateStyle may say otherwise, and BC and infinity have no place in the pattern.
      const match = /^(\d{4,})-(\d\d)-(\d\d)(?: \d\d:\d\d:\d\d(?:\.\d+)?([+-]\d\d(?::\d\d)?)?)?$/.exec(cell.toString('latin1'));
      if (match === null) return null;
      const month = truncate === 'year' ? '01' : match[2];
      const day = truncate === 'day' ? match[3] : '01';
      const time = type === 'timestamp' ? ` 00:00:00${match[4] ?? ''}` : '';
      return Buffer.from(`${match[1]}-${month}-${day}${time}`);
    };
  }
  const truncateDays = (days: number): number | null => {
    const date = new Date(EPOCH_2000_MS + days * 86_400_000);
    if (Number.isNaN(date.getTime())) return null;
    const start = Date.UTC(date.getUTCFullYear(), truncate === 'year' ? 0 : date.getUTCMonth(), truncate === 'day' ? date.getUTCDate() : 1);
    return Math.round((start - EPOCH_2000_MS) / 86_400_000);
  };
  if (type === 'date') {
    return (cell) => {
      const days = cell.length === 4 ? truncateDays(cell.readInt32BE(0)) : null;
      if (days === null) return null;
      const out = Buffer.alloc(4);
      out.writeInt32BE(days);
      return out;
    };
  }
  return (cell) => {
    if (cell.length !== 8) return null;
    const micros = cell.readBigInt64BE(0);
    const floored = micros / DAY_US - (micros % DAY_US < 0n ? 1n : 0n);
    const days = truncateDays(Number(floored));
    if (days === null) return null;
    const out = Buffer.alloc(8);
    out.writeBigInt64BE(BigInt(days) * DAY_US);
    return out;
  };
}

function numberMask(spec: { round?: number; bucket?: number }, type: CellType, format: number): CellMask {
  const step = spec.bucket ?? spec.round;
  if (step === undefined || !(step > 0)) return toNull;
  const coarse = (value: number): number | null => {
    if (!Number.isFinite(value)) return null;
    return (spec.bucket === undefined ? Math.round(value / step) : Math.floor(value / step)) * step;
  };
  if (type === 'text' || type === 'date' || type === 'timestamp' || type === 'other') return toNull;
  if (format === 0) {
    return (cell) => {
      const value = coarse(Number(cell.toString('latin1')));
      return value === null ? null : Buffer.from(String(value));
    };
  }
  const binary = BINARY_NUMBERS[type];
  if (binary === undefined) return toNull;
  return (cell) => {
    if (cell.length !== binary.size) return null;
    const value = coarse(binary.read(cell));
    if (value === null || value < binary.min || value > binary.max) return null;
    const out = Buffer.alloc(binary.size);
    binary.write(out, value);
    return out;
  };
}

interface BinaryNumber {
  size: number;
  min: number;
  max: number;
  read(cell: Buffer): number;
  write(out: Buffer, value: number): void;
}

/** numeric has no fixed binary form; it is masked to NULL there. */
const BINARY_NUMBERS: Partial<Record<CellType, BinaryNumber>> = {
  int2: { size: 2, min: -32768, max: 32767, read: (c) => c.readInt16BE(0), write: (o, v) => o.writeInt16BE(Math.trunc(v)) },
  int4: { size: 4, min: -2147483648, max: 2147483647, read: (c) => c.readInt32BE(0), write: (o, v) => o.writeInt32BE(Math.trunc(v)) },
  int8: {
    size: 8,
    min: Number.MIN_SAFE_INTEGER,
    max: Number.MAX_SAFE_INTEGER,
    read: (c) => Number(c.readBigInt64BE(0)),
    write: (o, v) => o.writeBigInt64BE(BigInt(Math.trunc(v))),
  },
  float4: { size: 4, min: -3.4e38, max: 3.4e38, read: (c) => c.readFloatBE(0), write: (o, v) => o.writeFloatBE(v) },
  float8: { size: 8, min: -Number.MAX_VALUE, max: Number.MAX_VALUE, read: (c) => c.readDoubleBE(0), write: (o, v) => o.writeDoubleBE(v) },
};
