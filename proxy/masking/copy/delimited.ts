import { type CellMask, CellOut } from '../cellOut';
import { malformed } from './malformed';

/** A mask for each output column by position; null leaves its values as they are. */
export type CopyColumns = readonly (CellMask | null)[];

/** One of the formats: finds the rows of a byte stream and writes them masked. */
export interface CopyRows {
  /**
   * Goes on looking for the end of the row that begins at `start`; everything before `from` was seen by earlier calls. The position after the
   * row, or -1 when it is not before `to`. @throws CopyMaskError
   */
  rowEnd(bytes: Buffer, start: number, from: number, to: number): number;
  /** Writes the row that `rowEnd` has just found. */
  write(bytes: Buffer, start: number, end: number, out: CellOut): void;
  /** The stream is over after whole rows. @throws CopyMaskError when something is missing */
  finish(): void;
}

export const NEWLINE = 0x0a;

/** What text and CSV have in common: fields between delimiters, a header line, a NULL string. */
export abstract class DelimitedRows implements CopyRows {
  protected readonly columns: CopyColumns;
  /** The value as the mask made it. */
  protected readonly masked = new CellOut(1024);
  /** The value as the server has it, where that is not what stands in the row. */
  protected readonly raw = new CellOut(1024);
  readonly #nullString: Buffer;
  /** Where the fields of this row end, from its start. */
  readonly #ends: Int32Array;
  #count = 0;
  #header: boolean;

  constructor(options: { nullString: Buffer; header: boolean }, columns: CopyColumns) {
    this.columns = columns;
    this.#nullString = options.nullString;
    this.#header = options.header;
    this.#ends = new Int32Array(Math.max(columns.length, 1));
  }

  abstract rowEnd(bytes: Buffer, start: number, from: number, to: number): number;

  /** Puts the value of a field through the mask into `masked`; false for NULL. */
  protected abstract mask(mask: CellMask, bytes: Buffer, start: number, end: number): boolean;

  /** Writes what is in `masked` as a field. */
  protected abstract field(column: number, out: CellOut): void;

  protected fieldEnds(at: number): void {
    if (this.#count >= this.#ends.length) throw malformed('a row has too many fields');
    this.#ends[this.#count++] = at;
  }

  protected rowEnds(at: number): void {
    this.fieldEnds(at);
    if (this.#count !== this.#ends.length) throw malformed('a row has too few fields');
    // A table without columns has empty lines.
    if (this.columns.length === 0 && at !== 0) throw malformed('a row has too many fields');
    this.#count = 0;
  }

  write(bytes: Buffer, start: number, end: number, out: CellOut): void {
    let copied = start;
    let fieldStart = start;
    for (let column = 0; column < this.columns.length && !this.#header; column++) {
      const fieldEnd = start + (this.#ends[column] ?? 0);
      const mask = this.columns[column] ?? null;
      if (mask !== null && !this.#isNull(bytes, fieldStart, fieldEnd)) {
        out.append(bytes, copied, fieldStart);
        this.masked.length = 0;
        if (this.mask(mask, bytes, fieldStart, fieldEnd)) this.field(column, out);
        else out.append(this.#nullString);
        copied = fieldEnd;
      }
      fieldStart = fieldEnd + 1;
    }
    out.append(bytes, copied, end);
    this.#header = false;
  }

  /** Nothing ends a stream of lines but CopyDone. */
  finish(): void {}

  /** Before anything is unescaped or unquoted. A NULL string holds no quote, so a quoted field is never NULL. */
  #isNull(bytes: Buffer, start: number, end: number): boolean {
    const { length } = this.#nullString;
    return end - start === length && bytes.compare(this.#nullString, 0, length, start, end) === 0;
  }
}
