import { describe, expect, test } from 'vitest';
import type { MaskSpec } from '../../db/schema/shapes';
import { cellMask, cellTypeOf, maskEmail, partial } from './cells';

const key = Buffer.alloc(32, 7);
const text = (spec: MaskSpec, value: string, oid = 25, format = 0) =>
  cellMask(spec, cellTypeOf(oid), format, key)(Buffer.from(value))?.toString() ?? null;

describe('masks on text', () => {
  test.each<[MaskSpec, string, string | null]>([
    [{ type: 'redact' }, 'anything', '***'],
    [{ type: 'null' }, 'anything', null],
    [{ type: 'constant', value: 'hidden' }, 'x', 'hidden'],
    [{ type: 'partial', keepLast: 4 }, '123-45-6789', '***-**-6789'],
    [{ type: 'partial', keepFirst: 1, keepLast: 1 }, 'Müller', 'M****r'],
    [{ type: 'partial', keepLast: 4 }, '6789', '***'],
    [{ type: 'email' }, 'ana@example.com', 'a***@example.com'],
    [{ type: 'email' }, 'no address', '***'],
    [{ type: 'date', truncate: 'year' }, '2020-05-17', null],
  ])('%j of %s', (spec, value, expected) => {
    expect(text(spec, value)).toBe(expected);
  });

  test('a short value is hidden whole, and nothing of it is left', () => {
    expect(partial('ab', 1, 1)).toBe('***');
    expect(maskEmail('@x')).toBe('***');
  });

  test('pseudonyms are equal for equal values and differ by key', () => {
    const a = text({ type: 'hash' }, 'ana');
    expect(a).toMatch(/^h_[0-9a-f]{24}$/);
    expect(text({ type: 'hash' }, 'ana')).toBe(a);
    expect(text({ type: 'hash' }, 'bo')).not.toBe(a);
    expect(cellMask({ type: 'hash' }, 'text', 0, Buffer.alloc(32))(Buffer.from('ana'))?.toString()).not.toBe(a);
  });
});

describe('masks keep the type', () => {
  test('what a type cannot hold becomes NULL', () => {
    for (const spec of [
      { type: 'redact' },
      { type: 'partial', keepLast: 4 },
      { type: 'hash' },
      { type: 'email' },
      { type: 'constant', value: 'x' },
    ] as const) {
      expect(text(spec, '1', 2950)).toBeNull();
      expect(text(spec, '1', 23, 1)).toBeNull();
    }
  });

  test('dates in text and binary', () => {
    const year: MaskSpec = { type: 'date', truncate: 'year' };
    const month: MaskSpec = { type: 'date', truncate: 'month' };
    expect(text(year, '2020-05-17', 1082)).toBe('2020-01-01');
    expect(text(month, '2020-05-17 10:11:12.5+02', 1184)).toBe('2020-05-01 00:00:00+02');
    expect(text(year, 'infinity', 1082)).toBeNull();
    expect(text(year, '0044-03-15 BC', 1082)).toBeNull();
    const day = Buffer.alloc(4);
    day.writeInt32BE(Math.round((Date.UTC(2020, 4, 17) - Date.UTC(2000, 0, 1)) / 86_400_000));
    const masked = cellMask(month, 'date', 1, key)(day);
    expect(masked?.readInt32BE(0)).toBe(Math.round((Date.UTC(2020, 4, 1) - Date.UTC(2000, 0, 1)) / 86_400_000));
    const before2000 = Buffer.alloc(8);
    before2000.writeBigInt64BE(BigInt(Date.UTC(1999, 11, 31, 23) - Date.UTC(2000, 0, 1)) * 1000n);
    expect(cellMask(year, 'timestamp', 1, key)(before2000)?.readBigInt64BE(0)).toBe(
      BigInt(Date.UTC(1999, 0, 1) - Date.UTC(2000, 0, 1)) * 1000n,
    );
  });

  test('numbers in text and binary', () => {
    expect(text({ type: 'number', bucket: 1000 }, '12345', 23)).toBe('12000');
    expect(text({ type: 'number', round: 100 }, '12345.67', 1700)).toBe('12300');
    expect(text({ type: 'number', bucket: 1000 }, 'NaN', 1700)).toBeNull();
    const cell = Buffer.alloc(4);
    cell.writeInt32BE(-1);
    expect(cellMask({ type: 'number', bucket: 10 }, 'int4', 1, key)(cell)?.readInt32BE(0)).toBe(-10);
    expect(cellMask({ type: 'number', bucket: 10 }, 'numeric', 1, key)(cell)).toBeNull();
  });
});
