import type { CellMask, CellOut } from '../cellOut';
import { type CopyColumns, DelimitedRows, NEWLINE } from './delimited';
import type { CopyOptions } from './options';

const BACKSLASH = 0x5c;

/** The letter behind the backslash of each control character that has one (CopyAttributeOutText). */
const LETTERS: ReadonlyMap<number, number> = new Map([
  [0x08, 0x62], // b
  [0x0c, 0x66], // f
  [0x0a, 0x6e], // n
  [0x0d, 0x72], // r
  [0x09, 0x74], // t
  [0x0b, 0x76], // v
]);
const CONTROLS: ReadonlyMap<number, number> = new Map([...LETTERS].map(([control, letter]) => [letter, control]));

/** COPY's text format. In UTF-8 no byte of a longer character looks like ASCII, so bytes are enough. */
export class TextRows extends DelimitedRows {
  readonly #delimiter: number;
  /** The byte before was a backslash. */
  #escaped = false;
  /** The row that was found last has a backslash somewhere. */
  #escapes = false;
  #inside = false;

  constructor(options: Extract<CopyOptions, { format: 'text' }>, columns: CopyColumns) {
    super(options, columns);
    this.#delimiter = options.delimiter;
  }

  override rowEnd(bytes: Buffer, start: number, from: number, to: number): number {
    if (!this.#inside) this.#escapes = false;
    this.#inside = true;
    const delimiter = this.#delimiter;
    let escaped = this.#escaped;
    for (let at = from; at < to; at++) {
      const byte = bytes[at];
      if (escaped) {
        escaped = false;
      } else if (byte === BACKSLASH) {
        escaped = true;
        this.#escapes = true;
      } else if (byte === delimiter) {
        this.fieldEnds(at - start);
      } else if (byte === NEWLINE) {
        this.rowEnds(at - start);
        this.#escaped = false;
        this.#inside = false;
        return at + 1;
      }
    }
    this.#escaped = escaped;
    return -1;
  }

  protected override mask(mask: CellMask, bytes: Buffer, start: number, end: number): boolean {
    if (!this.#escapes) return mask(bytes, start, end, this.masked);
    this.raw.length = 0;
    unescapeText(bytes, start, end, this.raw);
    return mask(this.raw.bytes, 0, this.raw.length, this.masked);
  }

  protected override field(_column: number, out: CellOut): void {
    escapeText(this.masked, this.#delimiter, out);
  }
}

/** As CopyReadAttributesText: letters, one to three octal digits, x with one or two hexadecimal ones; anything else stands for itself. */
export function unescapeText(bytes: Buffer, start: number, end: number, out: CellOut): void {
  out.reserve(end - start);
  const to = out.bytes;
  let length = out.length;
  for (let at = start; at < end; ) {
    const byte = bytes[at++] ?? 0;
    if (byte !== BACKSLASH || at === end) {
      to[length++] = byte;
      continue;
    }
    const letter = bytes[at++] ?? 0;
    const radix = isDigit(letter, 8) ? 8 : letter === 0x78 && at < end && isDigit(bytes[at] ?? 0, 16) ? 16 : 0;
    if (radix === 0) {
      to[length++] = CONTROLS.get(letter) ?? letter;
      continue;
    }
    let value = radix === 8 ? letter - 0x30 : 0;
    for (const last = Math.min(end, at + 2); at < last && isDigit(bytes[at] ?? 0, radix); at++) {
      value = value * radix + Number.parseInt(String.fromCharCode(bytes[at] ?? 0), radix);
    }
    to[length++] = value & 0xff;
  }
  out.length = length;
}

/** As CopyAttributeOutText. */
export function escapeText(value: CellOut, delimiter: number, out: CellOut): void {
  out.reserve(value.length * 2);
  const from = value.bytes;
  const to = out.bytes;
  let length = out.length;
  for (let at = 0; at < value.length; at++) {
    const byte = from[at] ?? 0;
    const letter = byte < 0x20 ? LETTERS.get(byte) : undefined;
    if (letter !== undefined || byte === BACKSLASH || byte === delimiter) to[length++] = BACKSLASH;
    to[length++] = letter ?? byte;
  }
  out.length = length;
}

/**
 * Whether some value that is not NULL is written as this string. Then a field that reads so may be either, and whoever chose the string
 * would learn which rows hold that value.
 */
export function canBeValue(nullString: Buffer): boolean {
  for (let at = 0; at < nullString.length; at++) {
    const byte = nullString[at] ?? 0;
    if (LETTERS.has(byte)) return false;
    if (byte !== BACKSLASH) continue;
    const next = nullString[++at] ?? 0;
    if (!CONTROLS.has(next) && next !== BACKSLASH) return false;
  }
  return true;
}

function isDigit(byte: number, radix: 8 | 16): boolean {
  if (byte >= 0x30 && byte <= (radix === 8 ? 0x37 : 0x39)) return true;
  const lower = byte | 0x20;
  return radix === 16 && lower >= 0x61 && lower <= 0x66;
}
