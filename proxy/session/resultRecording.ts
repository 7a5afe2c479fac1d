import type { ColumnDescription } from '../wire/backend';
import { showBinary } from './parameters';

export const DEFAULT_MAX_ROWS = 200;
const MAX_BYTES = 1024 * 1024;
/** What is gathered before it is recorded. */
const CHUNK_BYTES = 64 * 1024;

export interface RecordedRows {
  columns?: readonly { name: string; typeOid: number }[];
  rows: readonly (readonly (string | null)[])[];
  truncated?: boolean;
}

/** The rows of one result as they leave, after masking, in text form: as many as may be recorded. */
export class ResultRecording {
  #columns: readonly ColumnDescription[] | null = null;
  #columnsSaid = false;
  #rows: (readonly (string | null)[])[] = [];
  #rowsLeft: number;
  #bytesLeft = MAX_BYTES;
  #gathered = 0;
  #truncated = false;
  #truncationSaid = false;

  constructor(maxRows: number = DEFAULT_MAX_ROWS) {
    this.#rowsLeft = maxRows;
  }

  get described(): boolean {
    return this.#columns !== null;
  }

  describe(columns: readonly ColumnDescription[]): void {
    this.#columns = columns;
  }

  /** Whether a row of this size is recorded. Once one is not, none is. */
  takes(sizeBytes: number): boolean {
    if (this.#truncated) return false;
    this.#truncated = this.#rowsLeft <= 0 || sizeBytes > this.#bytesLeft;
    return !this.#truncated;
  }

  /** Enough for an entry of its own. */
  get full(): boolean {
    return this.#gathered >= CHUNK_BYTES;
  }

  /** A DataRow as it leaves: `bytes[start..end)` is the whole message. */
  row(bytes: Buffer, start: number, end: number): void {
    if (!this.#take(end - start)) return;
    const count = bytes.readUInt16BE(start + 5);
    const cells: (string | null)[] = [];
    for (let i = 0, at = start + 7; i < count; i++) {
      const size = bytes.readInt32BE(at);
      at += 4;
      cells.push(size < 0 ? null : this.#cell(bytes.subarray(at, at + size), i));
      at += Math.max(0, size);
    }
    this.#rows.push(cells);
  }

  /** A piece of COPY data as it leaves, without its message's header. */
  copied(bytes: Buffer, start: number, end: number, binary: boolean): void {
    if (end <= start || !this.#take(end - start)) return;
    this.#rows.push([binary ? `\\x${bytes.toString('hex', start, end)}` : bytes.toString('utf8', start, end).replace(/\r?\n$/, '')]);
  }

  /** What was gathered since it was last asked; null where that is nothing. */
  take(): RecordedRows | null {
    const rows = this.#rows;
    const truncated = this.#truncated && !this.#truncationSaid;
    if (rows.length === 0 && !truncated) return null;
    const columns =
      this.#columnsSaid || this.#columns === null ? {} : { columns: this.#columns.map(({ name, typeOid }) => ({ name, typeOid })) };
    this.#rows = [];
    this.#gathered = 0;
    this.#columnsSaid = true;
    this.#truncationSaid = this.#truncated;
    return { ...columns, rows, ...(truncated ? { truncated } : {}) };
  }

  /** What was gathered did not leave. */
  drop(): void {
    this.#rows = [];
    this.#truncated = true;
    this.#truncationSaid = true;
  }

  #take(sizeBytes: number): boolean {
    if (!this.takes(sizeBytes)) return false;
    this.#rowsLeft--;
    this.#bytesLeft -= sizeBytes;
    this.#gathered += sizeBytes;
    return true;
  }

  #cell(bytes: Buffer, column: number): string {
    const { format, typeOid } = this.#columns?.[column] ?? { format: 0, typeOid: 0 };
    return format === 0 ? bytes.toString('utf8') : showBinary(bytes, typeOid);
  }
}
