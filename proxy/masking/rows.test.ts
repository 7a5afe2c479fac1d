import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Backend } from '../wire/messages';
import { MessageWriter } from '../wire/writer';
import { maskRow } from './rows';

function encode(cells: readonly (Buffer | null)[]): Buffer {
  const writer = new MessageWriter().begin(Backend.dataRow).int16(cells.length);
  for (const cell of cells) {
    writer.int32(cell === null ? -1 : cell.length);
    if (cell !== null) writer.bytes(cell);
  }
  return writer.end().take();
}

describe('maskRow', () => {
  test('a row rewritten is the row of the rewritten cells', () => {
    const cell = fc.option(fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)));
    const action = fc.constantFrom('keep', 'null', 'stars');
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, action), { maxLength: 20 }), (columns) => {
        const masks = columns.map(([, kind]) => (kind === 'keep' ? null : () => (kind === 'null' ? null : Buffer.from('***'))));
        const expected = columns.map(([value, kind]) =>
          value === null || kind === 'keep' ? value : kind === 'null' ? null : Buffer.from('***'),
        );
        expect(maskRow(encode(columns.map(([value]) => value)), masks).equals(encode(expected))).toBe(true);
      }),
    );
  });

  test('a row that does not fit its description is never released', () => {
    const row = encode([Buffer.from('a'), Buffer.from('b')]);
    expect(() => maskRow(row, [null])).toThrow();
    expect(() => maskRow(row.subarray(0, row.length - 1), [null, () => null])).toThrow();
    expect(() => maskRow(Buffer.concat([row, Buffer.from([0])]), [null, () => null])).toThrow();
  });
});
