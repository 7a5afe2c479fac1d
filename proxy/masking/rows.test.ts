import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Backend } from '../wire/messages';
import { MessageWriter } from '../wire/writer';
import { type CellMask, CellOut } from './cellOut';
import { maskRow, type RowMask } from './rows';

function encode(cells: readonly (Buffer | null)[]): Buffer {
  const writer = new MessageWriter().begin(Backend.dataRow).int16(cells.length);
  for (const cell of cells) {
    writer.int32(cell === null ? -1 : cell.length);
    if (cell !== null) writer.bytes(cell);
  }
  return writer.end().take();
}

const toNull: CellMask = (_bytes, _start, _end, out) => {
  // What a mask leaves behind when it gives up is never sent.
  out.text('left behind');
  return false;
};
const stars: CellMask = (_bytes, _start, _end, out) => {
  out.text('***');
  return true;
};
/** Proves that a mask is given its own cell and nothing else. */
const twice: CellMask = (bytes, start, end, out) => {
  out.append(bytes, start, end);
  out.append(bytes, start, end);
  return true;
};
const MASKS = { keep: null, null: toNull, stars, twice };

describe('maskRow', () => {
  test('a row rewritten is the row of the rewritten cells, behind what was there', () => {
    const cell = fc.option(fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)));
    const action = fc.constantFrom('keep', 'null', 'stars', 'twice');
    const out = new CellOut(8);
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, action), { maxLength: 20 }), (columns) => {
        out.length = 0;
        out.text('behind');
        const expected = columns.map(([value, kind]) => {
          if (value === null || kind === 'keep') return value;
          return kind === 'null' ? null : kind === 'stars' ? Buffer.from('***') : Buffer.concat([value, value]);
        });
        maskRow(
          encode(columns.map(([value]) => value)),
          columns.map(([, kind]) => MASKS[kind]),
          out,
        );
        expect(Buffer.from(out.bytes.subarray(6, out.length)).equals(encode(expected))).toBe(true);
      }),
    );
  });

  test('a row that does not fit its description is never released, not even in part', () => {
    const row = encode([Buffer.from('a'), Buffer.from('b')]);
    const out = new CellOut();
    const rejects = (bytes: Buffer, masks: RowMask) => {
      expect(() => maskRow(bytes, masks, out)).toThrow();
      expect(out.length).toBe(0);
    };
    rejects(row, [null]);
    rejects(row.subarray(0, 6), [stars, null]);
    rejects(row.subarray(0, row.length - 1), [stars, toNull]);
    rejects(Buffer.concat([row, Buffer.from([0])]), [stars, toNull]);
  });

  test('1,664 columns, the most a result can have', () => {
    const cells = Array.from({ length: 1_664 }, (_, i) => Buffer.from(`cell ${i}`));
    const out = new CellOut();
    maskRow(
      encode(cells),
      cells.map((_, i) => (i % 2 === 0 ? stars : null)),
      out,
    );
    expect(Buffer.from(out.bytes.subarray(0, out.length))).toEqual(
      encode(cells.map((cell, i) => (i % 2 === 0 ? Buffer.from('***') : cell))),
    );
  });
});
