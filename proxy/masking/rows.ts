import type { CellMask, CellOut } from './cellOut';

/** A column's mask by position; null leaves the cell as it is. */
export type RowMask = readonly (CellMask | null)[];

/** The longest message PostgreSQL's own clients take; a row that grew beyond it cannot be sent. */
const MAX_ROW_BYTES = 0x3fff_ffff;

/**
 * Appends one DataRow (type byte and length included) to `out`, rewritten. Unmasked cells are copied as bytes, runs of them at once.
 * @throws Error when the row does not have the described number of columns or its lengths do not add up: such a row is never released, and
 * then nothing was appended.
 */
export function maskRow(row: Buffer, masks: RowMask, out: CellOut): void {
  const begin = out.length;
  try {
    rewrite(row, masks, out);
  } catch (error) {
    out.length = begin;
    throw error;
  }
}

function rewrite(row: Buffer, masks: RowMask, out: CellOut): void {
  if (row.length < 7) throw new Error('a row is too short');
  const count = row.readUInt16BE(5);
  if (count !== masks.length) throw new Error(`a row has ${count} columns where ${masks.length} were described`);
  const begin = out.length;
  let position = 7;
  let copied = 0;
  for (let i = 0; i < count; i++) {
    if (position + 4 > row.length) throw new Error('a row ends inside a length');
    const length = row.readInt32BE(position);
    const end = position + 4 + Math.max(length, 0);
    if (length < -1 || end > row.length) throw new Error('a row ends inside a cell');
    const mask = masks[i];
    if (mask !== null && mask !== undefined && length >= 0) {
      out.append(row, copied, position);
      const lengthAt = out.length;
      out.int32(-1);
      if (mask(row, position + 4, end, out)) out.bytes.writeInt32BE(out.length - lengthAt - 4, lengthAt);
      else out.length = lengthAt + 4;
      copied = end;
    }
    position = end;
  }
  if (position !== row.length) throw new Error('a row is longer than its cells');
  out.append(row, copied, row.length);
  if (out.length - begin > MAX_ROW_BYTES) throw new Error('a row is too large once it is masked');
  out.bytes.writeUInt32BE(out.length - begin - 1, begin + 1);
}
