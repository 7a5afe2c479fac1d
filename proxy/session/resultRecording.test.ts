import { describe, expect, test } from 'vitest';
import type { ColumnDescription } from '../wire/backend';
import { Backend } from '../wire/messages';
import { MessageWriter } from '../wire/writer';
import { ResultRecording } from './resultRecording';

const column = (name: string, typeOid: number, format: 0 | 1): ColumnDescription => ({
  name,
  tableOid: 0,
  attributeNumber: 0,
  typeOid,
  typeSize: -1,
  typeModifier: -1,
  format,
});

function row(...cells: (Buffer | null)[]): Buffer {
  const writer = new MessageWriter().begin(Backend.dataRow).int16(cells.length);
  for (const cell of cells) cell === null ? writer.int32(-1) : writer.int32(cell.length).bytes(cell);
  return writer.end().take();
}

const take = (recording: ResultRecording, bytes: Buffer) => recording.row(bytes, 0, bytes.length);

describe('rows as they are recorded', () => {
  test('text as it is, binary by its type, NULL as null, what nobody knows as bytes', () => {
    const recording = new ResultRecording();
    recording.describe([column('a', 25, 0), column('b', 23, 1), column('c', 600, 1), column('d', 25, 1), column('e', 23, 0)]);
    take(recording, row(Buffer.from('ä'), Buffer.from([0, 0, 1, 0]), Buffer.from([1, 2]), Buffer.from('x'), null));
    // A cell too short for its type is shown as it is.
    take(recording, row(Buffer.from(''), Buffer.from([1]), null, null, Buffer.from('7')));
    expect(recording.take()).toEqual({
      columns: [
        { name: 'a', typeOid: 25 },
        { name: 'b', typeOid: 23 },
        { name: 'c', typeOid: 600 },
        { name: 'd', typeOid: 25 },
        { name: 'e', typeOid: 23 },
      ],
      rows: [
        ['ä', '256', '\\x0102', 'x', null],
        ['', '\\x01', null, null, '7'],
      ],
    });
    expect(recording.take()).toBeNull();
  });

  test('stop at the number of rows, and say once that more left', () => {
    const recording = new ResultRecording(3);
    for (let i = 0; i < 3; i++) take(recording, row(Buffer.from(String(i))));
    expect(recording.take()).toEqual({ rows: [['0'], ['1'], ['2']] });
    for (let i = 0; i < 5; i++) take(recording, row(Buffer.from(String(i))));
    expect(recording.take()).toEqual({ rows: [], truncated: true });
    expect(recording.take()).toBeNull();
  });

  test('stop at a megabyte, whatever the number of rows; a row that is too large ends it', () => {
    const recording = new ResultRecording(100_000);
    const large = row(Buffer.alloc(300_000, 0x78));
    for (let i = 0; i < 10; i++) take(recording, large);
    take(recording, row(Buffer.from('small')));
    const taken = recording.take();
    expect(taken?.rows).toHaveLength(3);
    expect(taken?.truncated).toBe(true);
    expect(recording.takes(1)).toBe(false);
  });

  test('COPY data by its lines, binary as bytes', () => {
    const text = new ResultRecording();
    text.copied(Buffer.from('dhead1\t2\r\n'), 5, 10, false);
    text.copied(Buffer.from('xxxxx'), 5, 5, false);
    expect(text.take()).toEqual({ rows: [['1\t2']] });
    const binary = new ResultRecording();
    binary.copied(Buffer.from([0, 0, 0, 0, 0, 1, 255]), 5, 7, true);
    expect(binary.take()).toEqual({ rows: [['\\x01ff']] });
  });

  test('what did not leave is gone, and nothing comes behind it', () => {
    const recording = new ResultRecording();
    take(recording, row(Buffer.from('a')));
    recording.drop();
    take(recording, row(Buffer.from('b')));
    expect(recording.take()).toBeNull();
  });
});
