import type { CellMask, CellOut } from '../cellOut';
import { type CopyColumns, DelimitedRows, NEWLINE } from './delimited';
import { malformed } from './malformed';
import type { CopyOptions } from './options';

type CsvOptions = Extract<CopyOptions, { format: 'csv' }>;

const CARRIAGE_RETURN = 0x0d;

/** Where in a field the scan is. */
const AT_START = 0;
const PLAIN = 1;
const QUOTED = 2;
/** Behind an escape that is not the quote. */
const ESCAPED = 3;
/** Behind a quote in a quoted field: its end, or half of a doubled one. */
const CLOSING = 4;

/** COPY's CSV as PostgreSQL writes it: a field is quoted whole or not at all. What only other programs write is refused. */
export class CsvRows extends DelimitedRows {
  readonly #options: CsvOptions;
  readonly #forced: readonly boolean[];
  #at = AT_START;
  /** The row that was found last has a quote or an escape inside a field. */
  #escapes = false;
  #inside = false;

  /** `names` are the output columns; without them the masked columns of a FORCE_QUOTE list cannot be told, and all of them are quoted. */
  constructor(options: CsvOptions, columns: CopyColumns, names: readonly string[] | null) {
    super(options, columns);
    this.#options = options;
    const { forceQuote } = options;
    // Of two output columns with one name PostgreSQL means the first.
    this.#forced = columns.map((_, at) => {
      if (forceQuote === '*') return true;
      const name = names?.[at];
      return name === undefined ? forceQuote.length > 0 : forceQuote.includes(name) && names?.indexOf(name) === at;
    });
  }

  override rowEnd(bytes: Buffer, start: number, from: number, to: number): number {
    const { delimiter, quote, escape: escaper } = this.#options;
    if (!this.#inside) this.#escapes = false;
    this.#inside = true;
    let state = this.#at;
    for (let at = from; at < to; at++) {
      const byte = bytes[at];
      if (state === QUOTED) {
        if (byte === escaper && escaper !== quote) state = ESCAPED;
        else if (byte === quote) state = CLOSING;
      } else if (state === ESCAPED) {
        if (byte !== quote && byte !== escaper) throw malformed('an escape before a character that needs none');
        this.#escapes = true;
        state = QUOTED;
      } else if (byte === delimiter) {
        this.fieldEnds(at - start);
        state = AT_START;
      } else if (byte === NEWLINE) {
        this.rowEnds(at - start);
        this.#at = AT_START;
        this.#inside = false;
        return at + 1;
      } else if (byte === quote) {
        if (state === PLAIN || (state === CLOSING && escaper !== quote)) throw malformed('a quote in the middle of a field');
        if (state === CLOSING) this.#escapes = true;
        state = QUOTED;
      } else {
        if (state === CLOSING || byte === CARRIAGE_RETURN) throw malformed('a field that is quoted in part');
        state = PLAIN;
      }
    }
    this.#at = state;
    return -1;
  }

  protected override mask(mask: CellMask, bytes: Buffer, start: number, end: number): boolean {
    if (bytes[start] !== this.#options.quote) return mask(bytes, start, end, this.masked);
    if (!this.#escapes) return mask(bytes, start + 1, end - 1, this.masked);
    this.raw.length = 0;
    unquote(bytes, start + 1, end - 1, this.#options, this.raw);
    return mask(this.raw.bytes, 0, this.raw.length, this.masked);
  }

  protected override field(column: number, out: CellOut): void {
    const { masked } = this;
    if (this.#forced[column] === false && !needsQuotes(masked, this.#options, this.columns.length === 1))
      out.append(masked.bytes, 0, masked.length);
    else writeQuoted(masked, this.#options, out);
  }
}

function unquote(bytes: Buffer, start: number, end: number, { escape: escaper }: CsvOptions, out: CellOut): void {
  out.reserve(end - start);
  const to = out.bytes;
  let length = out.length;
  for (let at = start; at < end; at++) {
    // The scan saw that something stands behind every escape.
    if (bytes[at] === escaper) at++;
    to[length++] = bytes[at] ?? 0;
  }
  out.length = length;
}

/** As CopyAttributeOutCSV: what reads as NULL, as the end of the data, or as more than one field. */
function needsQuotes(value: CellOut, { delimiter, quote, nullString }: CsvOptions, single: boolean): boolean {
  const { bytes, length } = value;
  if (length === nullString.length && bytes.compare(nullString, 0, length, 0, length) === 0) return true;
  if (single && length === 2 && bytes[0] === 0x5c && bytes[1] === 0x2e) return true;
  for (let at = 0; at < length; at++) {
    const byte = bytes[at];
    if (byte === delimiter || byte === quote || byte === NEWLINE || byte === CARRIAGE_RETURN) return true;
  }
  return false;
}

function writeQuoted(value: CellOut, { quote, escape: escaper }: CsvOptions, out: CellOut): void {
  out.reserve(value.length * 2 + 2);
  const to = out.bytes;
  let length = out.length;
  to[length++] = quote;
  for (let at = 0; at < value.length; at++) {
    const byte = value.bytes[at] ?? 0;
    if (byte === quote || byte === escaper) to[length++] = escaper;
    to[length++] = byte;
  }
  to[length++] = quote;
  out.length = length;
}
