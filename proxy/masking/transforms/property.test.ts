import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MaskSpec } from '../../../db/schema/shapes';
import type { TypeInfo } from '../../catalog/types';
import { CellOut } from '../cellOut';
import { cellMaskFor } from './cellMaskFor';

const hashKey = Buffer.alloc(32, 7);
const plain = { schema: 'pg_catalog', type: 'b', baseOid: 0, relationOid: 0, delimiter: ',', boundOid: 0, labels: null };
/** Arrays of text, int4, numeric, bytea and timestamptz. */
const ARRAYS = { 1009: 25, 1007: 23, 1231: 1700, 1001: 17, 1185: 1184 };
const types = new Map<number, TypeInfo>(
  Object.entries(ARRAYS).map(([oid, elementOid]) => [
    Number(oid),
    { ...plain, oid: Number(oid), name: `_${elementOid}`, elementOid, category: 'A' },
  ]),
);
const TYPES = [16, 17, 18, 19, 20, 21, 23, 25, 26, 114, 142, 700, 701, 1042, 1082, 1114, 1184, 1700, 2950, 3802, 600, ...[...types.keys()]];

const SPECS: readonly MaskSpec[] = [
  { type: 'redact' },
  { type: 'null' },
  { type: 'partial', keepFirst: 1, keepLast: 2 },
  { type: 'hash' },
  { type: 'email' },
  { type: 'date', truncate: 'month' },
  { type: 'number', bucket: 10 },
  { type: 'number', round: 0.01 },
  { type: 'constant', value: '7' },
];

function mask(spec: MaskSpec, typeOid: number, format: number, cell: Buffer): Buffer | null {
  const out = new CellOut(4);
  const kept = cellMaskFor({ spec, typeOid, format, types, hashKey })(cell, 0, cell.length, out);
  if (!kept) expect(out.length).toBe(0);
  return kept ? Buffer.from(out.bytes.subarray(0, out.length)) : null;
}

/** Bytes near what the types look like, so that more than the first check is met. */
const cell = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc.stringMatching(/^[{}",\\ NUL0-9a@.:+[\]=-]{0,30}$/).map((text) => Buffer.from(text)),
  fc.array(fc.constantFrom(0, 0, 0, 1, 2, 25, 255), { maxLength: 48 }).map((bytes) => Buffer.from(bytes)),
);

describe('whatever the bytes', () => {
  test('no mask throws, reads beyond its cell, or gives up after writing', () => {
    fc.assert(
      fc.property(cell, fc.constantFrom(...SPECS), fc.constantFrom(...TYPES), fc.constantFrom(0, 1), (bytes, spec, typeOid, format) => {
        const alone = mask(spec, typeOid, format, bytes);
        const out = new CellOut(4);
        // The same cell with others around it is masked to the same.
        const framed = Buffer.concat([Buffer.from('"1,{'), bytes, Buffer.from('9},"')]);
        const kept = cellMaskFor({ spec, typeOid, format, types, hashKey })(framed, 4, 4 + bytes.length, out);
        expect(kept ? Buffer.from(out.bytes.subarray(0, out.length)) : null).toEqual(alone);
      }),
      { numRuns: 20_000 },
    );
  });

  test('UTF-8 stays UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom(...SPECS), (value, spec) => {
        const masked = mask(spec, 25, 0, Buffer.from(value));
        if (masked !== null) expect(Buffer.from(masked.toString('utf8'))).toEqual(masked);
      }),
    );
  });
});

const word = fc.string({ unit: fc.constantFrom('a', 'b', '7', 'é', '雪', '🂡', '$', '"', '\\', '{', ',', ' ', '-', '.'), maxLength: 12 });

describe('nothing of what is hidden is left', () => {
  test('partial shows separators and the kept ends alone', () => {
    fc.assert(
      fc.property(word, fc.nat(3), fc.nat(3), (value, keepFirst, keepLast) => {
        const masked = mask({ type: 'partial', keepFirst, keepLast }, 25, 0, Buffer.from(value))?.toString() ?? '';
        const letters = [...value].filter((char) => !' -.,'.includes(char));
        const hidden = letters.map((char, i) => (i < keepFirst || i >= letters.length - keepLast ? char : '*'));
        const expected = [...value].map((char) => (' -.,'.includes(char) ? char : hidden.shift())).join('');
        expect(masked).toBe(letters.length <= keepFirst + keepLast ? '***' : expected);
      }),
      { numRuns: 2_000 },
    );
  });

  test('email shows the first letter and the domain; hash and redact nothing', () => {
    const name = fc.stringMatching(/^[b-z]{2,9}$/);
    fc.assert(
      fc.property(name, name, (user, domain) => {
        const address = Buffer.from(`q${user}@${domain}.org`);
        expect(mask({ type: 'email' }, 25, 0, address)?.toString()).toBe(`q***@${domain}.org`);
        expect(mask({ type: 'hash' }, 25, 0, address)?.toString()).toMatch(/^h_[0-9a-f]{24}$/);
        expect(mask({ type: 'redact' }, 25, 0, address)?.toString()).toBe('***');
      }),
    );
  });

  test('a bucket is the same for all of its values, in text and in binary', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.integer({ min: 2, max: 100_000 }), fc.nat(), (value, step, within) => {
        const start = Math.floor(value / step) * step;
        const other = start + (within % step);
        if (!Number.isSafeInteger(start) || !Number.isSafeInteger(start + step)) return;
        const spec: MaskSpec = { type: 'number', bucket: step };
        expect(mask(spec, 20, 0, Buffer.from(String(value)))?.toString()).toBe(String(start));
        expect(mask(spec, 1700, 0, Buffer.from(String(other)))?.toString()).toBe(String(start));
        const binary = Buffer.alloc(8);
        binary.writeBigInt64BE(BigInt(other));
        expect(mask(spec, 20, 1, binary)?.readBigInt64BE(0)).toBe(BigInt(start));
      }),
    );
  });

  test('integers are permuted: no two have one pseudonym', () => {
    const seen = new Set<number>();
    const value = Buffer.alloc(2);
    for (let i = -32_768; i < 32_768; i += 7) {
      value.writeInt16BE(i);
      const pseudonym = mask({ type: 'hash' }, 21, 1, value)?.readInt16BE(0) ?? Number.NaN;
      expect(mask({ type: 'hash' }, 21, 0, Buffer.from(String(i)))?.toString()).toBe(String(pseudonym));
      seen.add(pseudonym);
    }
    expect(seen.size).toBe(Math.ceil(65_536 / 7));
  });
});

describe('arrays are masked element by element', () => {
  const quote = (value: string) => `"${value.replace(/["\\]/g, '\\$&')}"`;
  /** array_in, for what needs no more than one dimension here. */
  const elementsOf = (text: string): (string | null)[] =>
    [...text.slice(1, -1).matchAll(/"((?:[^"\\]|\\.)*)"|([^,{}"]+)/g)].map(([, quoted, bare]) =>
      quoted === undefined ? (bare === 'NULL' ? null : (bare ?? '')) : quoted.replace(/\\(.)/g, '$1'),
    );
  const elements = fc.array(fc.option(word), { maxLength: 6 });

  test.each<MaskSpec>([{ type: 'partial', keepLast: 2 }, { type: 'hash' }, { type: 'constant', value: ' "\\{' }])('%j', (spec) => {
    fc.assert(
      fc.property(elements, (values) => {
        const expected = values.map((value) => (value === null ? null : (mask(spec, 25, 0, Buffer.from(value))?.toString() ?? null)));
        const text = Buffer.from(`{${values.map((value) => (value === null ? 'NULL' : quote(value))).join(',')}}`);
        expect(elementsOf(mask(spec, 1009, 0, text)?.toString() ?? '')).toEqual(expected);
        expect(mask(spec, 1009, 1, binaryArray(values))).toEqual(binaryArray(expected));
      }),
    );
  });

  function binaryArray(values: readonly (string | null)[]): Buffer {
    const ints = (...numbers: number[]) => {
      const out = new CellOut();
      for (const number of numbers) out.int32(number);
      return out.bytes.subarray(0, out.length);
    };
    const dimension = values.length === 0 ? [] : [values.length, 1];
    return Buffer.concat([
      ints(dimension.length / 2, values.includes(null) ? 1 : 0, 25, ...dimension),
      ...values.flatMap((value) => (value === null ? [ints(-1)] : [ints(Buffer.byteLength(value)), Buffer.from(value)])),
    ]);
  }
});
