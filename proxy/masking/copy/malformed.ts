/** Rows of a COPY that cannot be read as its options say, or not be held: what they hold is never released. Says no value. */
export class CopyMaskError extends Error {
  constructor(
    message: string,
    /** Set when a row is too large to be looked at (54000), null when the stream is not what was announced. */
    readonly tooLargeBytes: number | null = null,
  ) {
    super(message);
    this.name = 'CopyMaskError';
  }
}

/** The most that is held of one row; the same as of any other message. */
export const MAX_ROW_BYTES = 64 * 1024 * 1024;

export function malformed(what: string): CopyMaskError {
  return new CopyMaskError(`The rows of COPY are not in the format that was announced: ${what}.`);
}

export function tooLarge(sizeBytes: number): CopyMaskError {
  return new CopyMaskError(`A row of COPY is larger than ${MAX_ROW_BYTES} bytes.`, sizeBytes);
}
