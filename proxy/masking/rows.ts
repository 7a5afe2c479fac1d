import type { CellMask } from './cells';

/** A column's mask by position; null leaves the cell as it is. */
export type RowMask = readonly (CellMask | null)[];

/**
 * Rewrites one DataRow (type byte and length included). Unmasked cells are copied as bytes.
 * @throws Error when the row does not have the described number of columns or its lengths do not add up: such a row is never released.
 */
export function maskRow(row: Buffer, masks: RowMask): Buffer {
  if (row.length < 7) throw new Error('a row is too short');
  const count = row.readUInt16BE(5);
  if (count !== masks.length) throw new Error(`a row has ${count} columns where ${masks.length} were described`);
  const pieces: Buffer[] = [];
  let size = 0;
  const add = (piece: Buffer) => {
    pieces.push(piece);
    size += piece.length;
  };
  let position = 7;
  let copied = 5;
  for (const mask of masks) {
    if (position + 4 > row.length) throw new Error('a row ends inside a length');
    const length = row.readInt32BE(position);
    const end = position + 4 + Math.max(length, 0);
    if (length < -1 || end > row.length) throw new Error('a row ends inside a cell');
    if (mask !== null && length >= 0) {
      const masked = mask(row.subarray(position + 4, end));
      add(row.subarray(copied, position));
      const header = Buffer.allocUnsafe(4);
      header.writeInt32BE(masked === null ? -1 : masked.length);
      add(header);
      if (masked !== null) add(masked);
      copied = end;
    }
    position = end;
  }
  if (position !== row.length) throw new Error('a row is longer than its cells');
  if (copied === 5) return row;
  add(row.subarray(copied));
  const out = Buffer.allocUnsafe(size + 5);
  out[0] = row[0] ?? 0;
  out.writeUInt32BE(size + 4, 1);
  let at = 5;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}
