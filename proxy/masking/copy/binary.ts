import type { CellOut } from '../cellOut';
import type { CopyColumns, CopyRows } from './delimited';
import { MAX_ROW_BYTES, malformed, tooLarge } from './malformed';

/** Signature, no flags, no header extension: all that PostgreSQL 12 and newer send (COPY, Binary Format). */
const HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');

/** COPY's binary format. Header and trailer count as rows of their own, whatever message they come in. */
export class BinaryRows implements CopyRows {
  readonly #columns: CopyColumns;
  #next: 'header' | 'row' | 'nothing' = 'header';
  /** What `rowEnd` found last. */
  #found: 'row' | 'other' = 'other';
  #cell = 0;
  /** Where the next cell begins, from the start of the row; 0 before the count was read. */
  #position = 0;

  constructor(columns: CopyColumns) {
    this.#columns = columns;
  }

  rowEnd(bytes: Buffer, start: number, _from: number, to: number): number {
    switch (this.#next) {
      case 'header':
        return this.#headerEnd(bytes, start, to);
      case 'row':
        return this.#tupleEnd(bytes, start, to);
      case 'nothing':
        throw malformed('bytes behind the trailer');
      default:
        return this.#next satisfies never;
    }
  }

  write(bytes: Buffer, start: number, end: number, out: CellOut): void {
    let copied = start;
    let position = start + 2;
    for (let column = 0; column < this.#columns.length && this.#found === 'row'; column++) {
      const length = bytes.readInt32BE(position);
      const cellStart = position + 4;
      const cellEnd = cellStart + Math.max(length, 0);
      const mask = this.#columns[column] ?? null;
      if (mask !== null && length >= 0) {
        out.append(bytes, copied, position);
        const lengthAt = out.length;
        out.int32(-1);
        if (mask(bytes, cellStart, cellEnd, out)) out.bytes.writeInt32BE(out.length - lengthAt - 4, lengthAt);
        else out.length = lengthAt + 4;
        copied = cellEnd;
      }
      position = cellEnd;
    }
    out.append(bytes, copied, end);
  }

  finish(): void {
    if (this.#next !== 'nothing') throw malformed('the trailer is missing');
  }

  #headerEnd(bytes: Buffer, start: number, to: number): number {
    if (to - start < HEADER.length) return -1;
    if (bytes.compare(HEADER, 0, HEADER.length, start, start + HEADER.length) !== 0) throw malformed('another header');
    this.#next = 'row';
    this.#found = 'other';
    return start + HEADER.length;
  }

  #tupleEnd(bytes: Buffer, start: number, to: number): number {
    if (this.#position === 0) {
      if (to - start < 2) return -1;
      const count = bytes.readInt16BE(start);
      if (count === -1) {
        this.#next = 'nothing';
        this.#found = 'other';
        return start + 2;
      }
      if (count !== this.#columns.length) throw malformed(`a row has ${count} fields where ${this.#columns.length} were expected`);
      this.#position = 2;
      this.#cell = 0;
    }
    while (this.#cell < this.#columns.length) {
      const lengthAt = start + this.#position;
      if (to - lengthAt < 4) return -1;
      const length = bytes.readInt32BE(lengthAt);
      if (length < -1) throw malformed('a length below -1');
      const end = this.#position + 4 + Math.max(length, 0);
      if (end > MAX_ROW_BYTES) throw tooLarge(end);
      if (start + end > to) return -1;
      this.#position = end;
      this.#cell++;
    }
    const end = start + this.#position;
    this.#position = 0;
    this.#found = 'row';
    return end;
  }
}
