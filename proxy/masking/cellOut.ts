/**
 * Masks one non-NULL cell: appends what leaves to `out`, in the column's own format, and answers true; false makes the cell SQL NULL, and
 * then nothing was appended. `bytes[start..end)` is the cell; it is not kept.
 */
export type CellMask = (bytes: Buffer, start: number, end: number, out: CellOut) => boolean;

/** Up to here a loop is faster than the call of a copy. */
const SMALL_BYTES = 40;

/** Bytes that grow at the end. One of them serves every row of a worker: nothing is allocated once it is large enough. */
export class CellOut {
  bytes: Buffer;
  length = 0;

  constructor(capacity = 16_384) {
    this.bytes = Buffer.allocUnsafe(capacity);
  }

  /** Makes room for `count` more bytes; `bytes` may be another buffer afterwards. */
  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.length + count));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }

  append(from: Buffer, start = 0, end = from.length): void {
    this.reserve(end - start);
    if (end - start > SMALL_BYTES) from.copy(this.bytes, this.length, start, end);
    else for (let i = start, at = this.length; i < end; i++, at++) this.bytes[at] = from[i] ?? 0;
    this.length += end - start;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  int32(value: number): void {
    this.reserve(4);
    this.length = this.bytes.writeInt32BE(value, this.length);
  }

  /** UTF-8. */
  text(value: string): void {
    this.reserve(value.length * 3);
    this.length += this.bytes.write(value, this.length, 'utf8');
  }
}
