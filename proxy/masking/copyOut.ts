import { Backend } from '../wire/messages';
import { CellOut } from './cellOut';
import { BinaryRows } from './copy/binary';
import { CsvRows } from './copy/csv';
import type { CopyColumns, CopyRows } from './copy/delimited';
import { CopyMaskError, MAX_ROW_BYTES, malformed, tooLarge } from './copy/malformed';
import type { CopyOptions } from './copy/options';
import { canBeValue, TextRows } from './copy/text';

export interface CopyMaskSettings {
  options: CopyOptions;
  /** A mask for each output column, in the format of the COPY: text (0) for text and CSV, binary (1) for binary. */
  columns: CopyColumns;
  /** The names of the output columns, for FORCE_QUOTE lists; null when they are not known. */
  names: readonly string[] | null;
  /** Gets whole CopyData messages. */
  out: CellOut;
}

/** The most that one message of the server may become. */
const MAX_OUT_BYTES = 4 * MAX_ROW_BYTES;

/**
 * Why these columns cannot be masked under these options, a sentence for DETAIL; null when they can. In text format a NULL string that a value
 * could be written as would show which rows hold that value. An empty one only makes an empty value look like NULL, as everywhere in that file.
 */
export function copyMaskProblem(options: CopyOptions, columns: CopyColumns): string | null {
  if (options.format !== 'text' || options.nullString.length === 0 || columns.every((mask) => mask === null)) return null;
  return canBeValue(options.nullString)
    ? 'The NULL string of this COPY could be a value of a masked column; leave it out, make it empty, or use FORMAT csv.'
    : null;
}

/**
 * Whether the server's CopyOutResponse (type byte and length included) announces what the analysis expects: format and number of columns,
 * as RowDescription does for rows. Null when it does, else what differs.
 */
export function copyOutDisagreement(response: Buffer, options: CopyOptions, columns: CopyColumns): string | null {
  if (response.length < 8) return 'The answer to COPY is too short.';
  const binary = options.format === 'binary' ? 1 : 0;
  if (response[5] !== binary) return 'COPY answers in another format than it was asked for.';
  const count = response.readUInt16BE(6);
  if (count !== columns.length) return `COPY sends ${count} columns where ${columns.length} were expected.`;
  if (response.length !== 8 + count * 2) return 'The answer to COPY has the wrong length.';
  for (let at = 8; at < response.length; at += 2) {
    if (response.readUInt16BE(at) !== binary) return 'COPY answers in another format than it was asked for.';
  }
  return null;
}

/**
 * Masks the rows of COPY … TO STDOUT as they come. Rows may span messages and messages may hold several rows; what is whole goes into one
 * message for each of the server's. After an error nothing more is taken, and nothing of the message that caused it was written.
 */
export class CopyMask {
  readonly #rows: CopyRows;
  readonly #out: CellOut;
  /** The beginning of a row that is not whole yet. */
  readonly #pending = new CellOut(0);
  #failed = false;

  /** @throws CopyMaskError when {@link copyMaskProblem} has something to say. */
  constructor({ options, columns, names, out }: CopyMaskSettings) {
    const problem = copyMaskProblem(options, columns);
    if (problem !== null) throw new CopyMaskError(problem);
    this.#out = out;
    this.#rows = rowsOf(options, columns, names);
  }

  /**
   * Takes the body of a CopyData message, or a part of it: `bytes[start..end)`, which is not kept.
   * @throws CopyMaskError when the rows are not what was announced, or one is larger than 64 MiB (`tooLargeBytes`); whatever a mask throws.
   */
  push(bytes: Buffer, start: number, end: number): void {
    if (this.#failed) throw malformed('they went on after an error');
    const out = this.#out;
    const messageAt = out.length;
    // Set until all is well, so that an error from anywhere below ends it.
    this.#failed = true;
    try {
      out.byte(Backend.copyData);
      out.int32(0);
      this.#take(bytes, start, end, messageAt);
      if (out.length > messageAt + 5) out.bytes.writeUInt32BE(out.length - messageAt - 1, messageAt + 1);
      else out.length = messageAt;
      this.#failed = false;
    } finally {
      if (this.#failed) out.length = messageAt;
    }
  }

  /** At CopyDone. @throws CopyMaskError when the stream ends inside a row. */
  finish(): void {
    if (this.#failed) throw malformed('they went on after an error');
    this.#failed = true;
    if (this.#pending.length > 0) throw malformed('they end inside a row');
    this.#rows.finish();
  }

  #take(bytes: Buffer, start: number, end: number, messageAt: number): void {
    const pending = this.#pending;
    const seen = pending.length;
    if (seen === 0) {
      const rest = this.#wholeRows(bytes, start, start, end, messageAt);
      if (rest < end) pending.append(bytes, rest, end);
      return;
    }
    pending.append(bytes, start, end);
    const rest = this.#wholeRows(pending.bytes, 0, seen, pending.length, messageAt);
    pending.bytes.copyWithin(0, rest, pending.length);
    pending.length -= rest;
  }

  /** Writes every whole row of `bytes[start..end)`, of which everything before `seen` was looked at; where the rest begins. */
  #wholeRows(bytes: Buffer, start: number, seen: number, end: number, messageAt: number): number {
    const out = this.#out;
    let rowStart = start;
    let from = seen;
    while (rowStart < end) {
      const rowEnd = this.#rows.rowEnd(bytes, rowStart, from, end);
      const size = (rowEnd < 0 ? end : rowEnd) - rowStart;
      if (size > MAX_ROW_BYTES) throw tooLarge(size);
      if (rowEnd < 0) break;
      this.#rows.write(bytes, rowStart, rowEnd, out);
      if (out.length - messageAt > MAX_OUT_BYTES) throw tooLarge(out.length - messageAt);
      rowStart = rowEnd;
      from = rowEnd;
    }
    return rowStart;
  }
}

function rowsOf(options: CopyOptions, columns: CopyColumns, names: readonly string[] | null): CopyRows {
  switch (options.format) {
    case 'text':
      return new TextRows(options, columns);
    case 'csv':
      return new CsvRows(options, columns, names);
    case 'binary':
      return new BinaryRows(columns);
    default:
      return options satisfies never;
  }
}
