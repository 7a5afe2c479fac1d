import { describe, expect, test } from 'vitest';
import type { MaskSpec } from '../../../db/schema/shapes';
import type { TypeInfo } from '../../catalog/types';
import { CellOut } from '../cellOut';
import { cellMaskFor, redactionFor } from './cellMaskFor';

const key = Buffer.alloc(32, 7);

function typeInfo(oid: number, name: string, more: Partial<TypeInfo>): TypeInfo {
  return {
    ...{ oid, schema: 'public', name, type: 'b', baseOid: 0, elementOid: 0, category: 'U' },
    ...{ relationOid: 0, delimiter: ',', boundOid: 0, labels: null, ...more },
  };
}

const types = new Map(
  [
    typeInfo(1009, '_text', { elementOid: 25, category: 'A' }),
    typeInfo(1007, '_int4', { elementOid: 23, category: 'A' }),
    typeInfo(3904, 'int4range', { type: 'r', boundOid: 23 }),
    typeInfo(3912, 'daterange', { type: 'r', boundOid: 1082 }),
    typeInfo(3910, 'tstzrange', { type: 'r', boundOid: 1184 }),
    typeInfo(4451, 'int4multirange', { type: 'm', boundOid: 23 }),
    typeInfo(9001, 'mood', { type: 'e', labels: ['sad', 'happy'] }),
    typeInfo(9002, 'address', { type: 'd', baseOid: 9003 }),
    typeInfo(9003, 'line', { type: 'd', baseOid: 25 }),
    typeInfo(9004, 'citext', { category: 'S' }),
    typeInfo(9005, '_address', { elementOid: 9002, category: 'A' }),
    typeInfo(9006, 'loop', { type: 'd', baseOid: 9006 }),
  ].map((type) => [type.oid, type]),
);

function masked(spec: MaskSpec, cell: Buffer, typeOid: number, format: number, hashKey = key): Buffer | null {
  const out = new CellOut(4);
  out.text('before');
  // The cell stands in the middle of other bytes, as it does in a row.
  const framed = Buffer.concat([Buffer.from('12'), cell, Buffer.from('34')]);
  const kept = cellMaskFor({ spec, typeOid, format, types, hashKey })(framed, 2, 2 + cell.length, out);
  expect(out.bytes.toString('latin1', 0, 6)).toBe('before');
  if (!kept) expect(out.length).toBe(6);
  return kept ? Buffer.from(out.bytes.subarray(6, out.length)) : null;
}
const text = (spec: MaskSpec, value: string, oid = 25, hashKey = key) =>
  masked(spec, Buffer.from(value), oid, 0, hashKey)?.toString() ?? null;

const int = (value: number, size: 2 | 4) => {
  const cell = Buffer.alloc(size);
  cell.writeIntBE(value, 0, size);
  return cell;
};

describe('masks on text', () => {
  test.each<[MaskSpec, string, string | null]>([
    [{ type: 'redact' }, 'anything', '***'],
    [{ type: 'null' }, 'anything', null],
    [{ type: 'constant', value: 'hidden' }, 'x', 'hidden'],
    [{ type: 'partial', keepLast: 4 }, '123-45-6789', '***-**-6789'],
    [{ type: 'partial', keepFirst: 1, keepLast: 1 }, 'Müller', 'M****r'],
    [{ type: 'partial', keepLast: 1 }, 'สวัสดี', '*****ี'],
    [{ type: 'partial', keepLast: 1 }, '🂡🂢🂣', '**🂣'],
    [{ type: 'partial', keepLast: 2 }, 'p$w%d', '***%d'],
    [{ type: 'partial', keepLast: 4 }, '6789', '***'],
    [{ type: 'partial', keepFirst: 1, keepLast: 1 }, 'ab', '***'],
    [{ type: 'partial', keepLast: 1 }, '--', '***'],
    [{ type: 'partial', keepLast: 1 }, '', '***'],
    [{ type: 'email' }, 'ana@example.com', 'a***@example.com'],
    [{ type: 'email' }, 'ü.x@bücher.example', 'ü***@bücher.example'],
    [{ type: 'email' }, 'a@example.com', '***@example.com'],
    [{ type: 'email' }, 'no address', '***'],
    [{ type: 'email' }, 'p@ssword', '***'],
    [{ type: 'email' }, '@x.org', '***'],
    [{ type: 'email' }, 'a@b@c.org', '***'],
    [{ type: 'email' }, 'ana@x..org', '***'],
    [{ type: 'email' }, 'ana@.org', '***'],
    [{ type: 'email' }, 'ana@x.', '***'],
    [{ type: 'email' }, 'ana@x.org, bo@y.org', '***'],
    [{ type: 'date', truncate: 'year' }, '2020-05-17', null],
    [{ type: 'number', round: 10 }, '2020', null],
  ])('%j of %s', (spec, value, expected) => {
    expect(text(spec, value)).toBe(expected);
  });

  test('bytes that are no UTF-8 count one by one', () => {
    expect(masked({ type: 'partial', keepLast: 1 }, Buffer.from([0x41, 0x80, 0x81, 0x82]), 25, 0)).toEqual(
      Buffer.from([0x2a, 0x2a, 0x2a, 0x82]),
    );
  });

  test('pseudonyms are equal for equal values and differ by key', () => {
    const a = text({ type: 'hash' }, 'ana');
    expect(a).toMatch(/^h_[0-9a-f]{24}$/);
    expect(text({ type: 'hash' }, 'ana')).toBe(a);
    expect(text({ type: 'hash' }, 'bo')).not.toBe(a);
    expect(text({ type: 'hash' }, 'ana', 25, Buffer.alloc(32))).not.toBe(a);
    expect(masked({ type: 'hash' }, Buffer.from('ana'), 1043, 1)?.toString()).toBe(a);
    expect(text({ type: 'hash' }, 'ana   ', 1042)).toBe(a);
    expect(text({ type: 'hash' }, 'ANA', 9004)).toBe(a);
    expect(text({ type: 'hash' }, 'ANA')).not.toBe(a);
  });
});

describe('pseudonyms of other types', () => {
  const hash: MaskSpec = { type: 'hash' };

  test('a bytea has the same in hex, in escapes and in binary, whatever its bytes', () => {
    const pseudonym = masked(hash, Buffer.from([0xff, 0x00, 0x5c, 0x41]), 17, 1);
    expect(pseudonym).toHaveLength(16);
    for (const written of ['\\xff005c41', '\\377\\000\\\\A']) expect(text(hash, written, 17)).toBe(`\\x${pseudonym?.toString('hex')}`);
    for (const odd of ['\\xf', '\\xzz', '\\9', '\\777', 'a\\']) expect(text(hash, odd, 17)).toBeNull();
  });

  test('int8 and numeric share theirs, so that they can be joined', () => {
    expect(text(hash, '45', 20)).toBe(text(hash, '45.00', 1700));
    expect(text(hash, '1.5', 1700)).toBe(text(hash, '1.50', 1700));
    expect(text(hash, '1.5', 1700)).not.toBe(text(hash, '15', 1700));
    expect(Number(text(hash, '45', 20))).toBeLessThan(2 ** 53);
  });

  test('a jsonb is a string, a uuid of version 8', () => {
    expect(text(hash, '{"a": 1}', 3802)).toMatch(/^"h_[0-9a-f]{24}"$/);
    expect(masked(hash, Buffer.from('\u0001{"a": 1}'), 3802, 1)?.toString()).toBe(`\u0001${text(hash, '{"a": 1}', 3802)}`);
    expect(text(hash, '6f9619ff-8b86-d011-b42d-00cf4fc964ff', 2950)).toMatch(
      /^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/,
    );
  });
});

describe('masks keep the type', () => {
  test('what a type cannot hold becomes NULL', () => {
    for (const spec of [
      { type: 'redact' },
      { type: 'partial', keepLast: 4 },
      { type: 'email' },
      { type: 'constant', value: 'x' },
    ] as const) {
      for (const oid of [2950, 23, 1082, 869, 600, 9001, 424242, 9006]) expect(text(spec, '1', oid)).toBeNull();
      expect(masked(spec, int(1, 4), 23, 1)).toBeNull();
    }
    expect(text({ type: 'constant', value: 'happy' }, 'sad', 9001)).toBe('happy');
  });

  test.each<[number, number, string | null]>([
    [25, 0, '***'],
    [1043, 1, '***'],
    [9002, 0, '***'],
    [18, 0, '*'],
    [142, 0, '***'],
    [114, 0, '"***"'],
    [3802, 0, '"***"'],
    [3802, 1, '\u0001"***"'],
    [23, 0, null],
    [1009, 0, null],
    [2249, 0, null],
    [25, 2, null],
  ])('an expression of type %i in format %i is redacted to %s', (typeOid, format, expected) => {
    const out = new CellOut();
    const kept = redactionFor({ typeOid, format, types })(Buffer.from('secret'), 0, 6, out);
    expect(kept ? out.bytes.toString('latin1', 0, out.length) : null).toBe(expected);
  });

  test('dates in text and binary', () => {
    const year: MaskSpec = { type: 'date', truncate: 'year' };
    const month: MaskSpec = { type: 'date', truncate: 'month' };
    const day: MaskSpec = { type: 'date', truncate: 'day' };
    expect(text(year, '2020-05-17', 1082)).toBe('2020-01-01');
    expect(text(day, '2020-02-29 23:59:59.999', 1114)).toBe('2020-02-29 00:00:00');
    // In UTC, as in binary: the offset would tell summer from winter.
    expect(text(year, '2020-07-17 10:11:12.5+02', 1184)).toBe('2020-01-01 00:00:00+00');
    expect(text(month, '2020-05-01 01:00:00+02', 1184)).toBe('2020-04-01 00:00:00+00');
    expect(text(day, '2020-05-01 23:00:00-05:30', 1184)).toBe('2020-05-02 00:00:00+00');
    expect(text(year, '0044-03-15 BC', 1082)).toBe('0044-01-01 BC');
    for (const odd of ['infinity', '-infinity', '05/17/2020', '17.05.2020', '2020-13-01', '2019-02-29', ''])
      expect(text(year, odd, 1082)).toBeNull();
    const cell = Buffer.alloc(4);
    cell.writeInt32BE(Math.round((Date.UTC(2020, 4, 17) - Date.UTC(2000, 0, 1)) / 86_400_000));
    expect(masked(month, cell, 1082, 1)?.readInt32BE(0)).toBe(Math.round((Date.UTC(2020, 4, 1) - Date.UTC(2000, 0, 1)) / 86_400_000));
    const before2000 = Buffer.alloc(8);
    before2000.writeBigInt64BE(BigInt(Date.UTC(1999, 11, 31, 23) - Date.UTC(2000, 0, 1)) * 1000n);
    expect(masked(year, before2000, 1114, 1)?.readBigInt64BE(0)).toBe(BigInt(Date.UTC(1999, 0, 1) - Date.UTC(2000, 0, 1)) * 1000n);
  });

  test.each<[MaskSpec, string, number, string | null]>([
    [{ type: 'number', bucket: 1000 }, '12345', 23, '12000'],
    [{ type: 'number', bucket: 1000 }, '-1', 23, '-1000'],
    [{ type: 'number', round: 10 }, '-15', 21, '-20'],
    [{ type: 'number', round: 10 }, '-4', 21, '0'],
    [{ type: 'number', round: 1000 }, '32767', 21, null],
    [{ type: 'number', round: 1000 }, '9223372036854775807', 20, null],
    [{ type: 'number', bucket: 1000 }, '9223372036854775807', 20, '9223372036854775000'],
    [{ type: 'number', bucket: 0.5 }, '7', 23, null],
    [{ type: 'number', bucket: 1 }, '7', 23, null],
    [{ type: 'number', round: 100 }, '12345.67', 1700, '12300'],
    [{ type: 'number', round: 0.1 }, '12345.67', 1700, '12345.7'],
    [{ type: 'number', bucket: 1000 }, '-0.01', 1700, '-1000'],
    [{ type: 'number', bucket: 1000 }, 'NaN', 1700, null],
    [{ type: 'number', round: 0.01 }, '1.239', 701, '1.24'],
    [{ type: 'number', round: 10 }, '-4', 700, '0'],
    [{ type: 'number', round: 10 }, 'Infinity', 701, null],
    [{ type: 'number', bucket: 10 }, '$12.00', 790, null],
  ])('%j of %s in type %i', (spec, value, oid, expected) => {
    expect(text(spec, value, oid)).toBe(expected);
  });

  test('integers in binary', () => {
    expect(masked({ type: 'number', bucket: 10 }, int(-1, 4), 23, 1)?.readInt32BE(0)).toBe(-10);
    expect(masked({ type: 'number', bucket: 10 }, int(-1, 4), 21, 1)).toBeNull();
  });

  test.each<[MaskSpec, string, number, string | null]>([
    [{ type: 'partial', keepLast: 1 }, '{ab,NULL,"x,y",""}', 1009, '{*b,NULL,"*,y",***}'],
    [{ type: 'partial', keepLast: 1 }, '{{ab,abc},{"q\\"q","n\\\\m"}}', 1009, '{{*b,**c},{**q,**m}}'],
    [{ type: 'constant', value: 'null' }, '[0:1]={a,b}', 1009, '[0:1]={"null","null"}'],
    [{ type: 'constant', value: 'a"\\ {' }, '{a}', 1009, '{"a\\"\\\\ {"}'],
    [{ type: 'number', bucket: 10 }, '{15,NULL,-1}', 1007, '{10,NULL,-10}'],
    [{ type: 'email' }, '{"ana@example.com"}', 9005, '{a***@example.com}'],
    [{ type: 'redact' }, '{a,b}', 1009, null],
    [{ type: 'email' }, '{1}', 1007, null],
    [{ type: 'partial', keepLast: 1 }, '{}', 1009, '{}'],
    ...['', '{', '}', '{a', '{a}}', '{a}{b}', '{a,}', '{,a}', '{"a}', '{"a\\', 'a', '{a"b"}', '[x]={a}', '{{a}b}'].map(
      (value): [MaskSpec, string, number, null] => [{ type: 'partial', keepLast: 0 }, value, 1009, null],
    ),
  ])('%j of array %s in type %i', (spec, value, oid, expected) => {
    expect(text(spec, value, oid)).toBe(expected);
  });

  test.each<[MaskSpec, string, number, string | null]>([
    [{ type: 'number', bucket: 10 }, '[12,37)', 3904, '[10,30)'],
    [{ type: 'number', bucket: 10 }, '[12,17)', 3904, '[10,10]'],
    [{ type: 'number', bucket: 10 }, '(,17)', 3904, '(,10)'],
    [{ type: 'number', bucket: 10 }, '[12,)', 3904, '[10,)'],
    [{ type: 'number', bucket: 10 }, '(,)', 3904, '(,)'],
    [{ type: 'number', bucket: 10 }, 'empty', 3904, 'empty'],
    [{ type: 'number', bucket: 10 }, '{[12,37),[55,)}', 4451, '{[10,30),[50,)}'],
    [{ type: 'number', bucket: 10 }, '{}', 4451, '{}'],
    [{ type: 'date', truncate: 'year' }, '[2020-05-17,infinity)', 3912, null],
    [
      { type: 'date', truncate: 'year' },
      '["2020-05-17 10:00:00+02","2021-05-17 10:00:00+02")',
      3910,
      '["2020-01-01 00:00:00+00","2021-01-01 00:00:00+00")',
    ],
    [{ type: 'date', truncate: 'year' }, '[1,2)', 3904, null],
    [{ type: 'hash' }, '[1,2)', 3904, null],
    ...['', '[', '[1', '[1,', '[1,2', '1,2)', '[1,2)x', '["1,2)', '[1,2,3)', '{[1,2)}', 'emptyx', 'empt'].map(
      (value): [MaskSpec, string, number, null] => [{ type: 'number', bucket: 10 }, value, 3904, null],
    ),
    ...['{', '{[1,2)', '{[1,2),}', '{,[1,2)}', '{[1,2)[3,4)}', '{x}'].map((value): [MaskSpec, string, number, null] => [
      { type: 'number', bucket: 10 },
      value,
      4451,
      null,
    ]),
  ])('%j of range %s in type %i', (spec, value, oid, expected) => {
    expect(text(spec, value, oid)).toBe(expected);
  });
});
