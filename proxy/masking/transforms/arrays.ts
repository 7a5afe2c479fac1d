import { type CellMask, CellOut } from '../cellOut';

/** An array that would grow beyond this is masked to NULL; the rows that are looked at are no longer either. */
const MAX_ARRAY_BYTES = 64 * 1024 * 1024;

const BACKSLASH = 0x5c;
const QUOTE = 0x22;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const NULL_TEXT = Buffer.from('NULL');

/** Masks each element of an array; dimensions, bounds and NULL elements stay. What does not read as an array becomes NULL as a whole. */
export function arrayMask(element: CellMask, delimiter: string, format: number): CellMask {
  return format === 1 ? binaryArrayMask(element) : textArrayMask(element, delimiter.charCodeAt(0));
}

/** array_send (src/backend/utils/adt/arrayfuncs.c): dimensions, has-nulls flag, element type, length and lower bound of each dimension. */
function binaryArrayMask(element: CellMask): CellMask {
  return (bytes, start, end, out) => {
    if (end - start < 12) return false;
    const dimensions = bytes.readInt32BE(start);
    if (dimensions < 0 || dimensions > 6 || end - start < 12 + dimensions * 8) return false;
    let count = dimensions === 0 ? 0 : 1;
    for (let i = 0; i < dimensions; i++) count *= bytes.readUInt32BE(start + 12 + i * 8);
    let at = start + 12 + dimensions * 8;
    if (count > (end - at) / 4) return false;
    const headerAt = out.length;
    out.append(bytes, start, at);
    let hasNulls = false;
    for (let i = 0; i < count; i++) {
      if (at + 4 > end) return false;
      const length = bytes.readInt32BE(at);
      at += 4;
      if (length < -1 || at + Math.max(length, 0) > end) return false;
      const lengthAt = out.length;
      out.int32(-1);
      if (length >= 0 && element(bytes, at, at + length, out)) out.bytes.writeInt32BE(out.length - lengthAt - 4, lengthAt);
      else hasNulls = true;
      if (out.length - headerAt > MAX_ARRAY_BYTES) return false;
      at += Math.max(length, 0);
    }
    if (at !== end) return false;
    out.bytes.writeInt32BE(hasNulls ? 1 : 0, headerAt + 4);
    return true;
  };
}

/** array_out: braces, `delimiter` between elements, quotes and backslashes where an element needs them, `[1:2]=` before other bounds. */
function textArrayMask(element: CellMask, delimiter: number): CellMask {
  // One value at a time is unquoted into one, masked into the other; nothing runs in between.
  const plain = new CellOut(64);
  const masked = new CellOut(64);
  return (bytes, start, end, out) => {
    const from = out.length;
    let at = start;
    if (bytes[at] === 0x5b) {
      while (at < end && bytes[at] !== OPEN) at++;
      if (!/^(?:\[-?\d+:-?\d+\])+=$/.test(bytes.toString('latin1', start, at))) return false;
      out.append(bytes, start, at);
    }
    let depth = 0;
    /** What stands before: nothing yet, an opening brace, a delimiter, or an element or array that is complete. */
    let before: 'start' | 'brace' | 'delimiter' | 'value' = 'start';
    while (at < end) {
      const byte = bytes[at] ?? 0;
      if (out.length - from > MAX_ARRAY_BYTES) return false;
      if (byte === OPEN) {
        if (before === 'value') return false;
        before = 'brace';
        depth++;
        out.byte(byte);
        at++;
      } else if (byte === CLOSE) {
        if (depth === 0 || before === 'delimiter') return false;
        before = 'value';
        depth--;
        out.byte(byte);
        at++;
      } else if (depth === 0) {
        return false;
      } else if (byte === delimiter) {
        if (before !== 'value') return false;
        before = 'delimiter';
        out.byte(byte);
        at++;
      } else {
        if (before === 'value') return false;
        before = 'value';
        plain.length = 0;
        const quoted = byte === QUOTE;
        at = quoted ? readQuoted(bytes, at, end, plain) : readBare(bytes, at, end, delimiter, plain);
        if (at < 0) return false;
        masked.length = 0;
        const isNull = !quoted && isNullWord(plain);
        if (!isNull && element(plain.bytes, 0, plain.length, masked)) writeElement(masked, delimiter, out);
        else out.append(NULL_TEXT);
      }
    }
    return depth === 0 && before === 'value';
  };
}

/** Reads `"…"` at `at`; the position behind it, -1 when it does not end. */
function readQuoted(bytes: Buffer, at: number, end: number, into: CellOut): number {
  into.reserve(end - at);
  for (let i = at + 1; i < end; i++) {
    const byte = bytes[i] ?? 0;
    if (byte === QUOTE) return i + 1;
    if (byte === BACKSLASH && ++i >= end) return -1;
    into.bytes[into.length++] = bytes[i] ?? 0;
  }
  return -1;
}

function readBare(bytes: Buffer, at: number, end: number, delimiter: number, into: CellOut): number {
  let i = at;
  for (; i < end; i++) {
    const byte = bytes[i] ?? 0;
    if (byte === delimiter || byte === CLOSE) break;
    if (byte === OPEN || byte === QUOTE || byte === BACKSLASH) return -1;
  }
  into.append(bytes, at, i);
  return i;
}

function isNullWord(value: CellOut): boolean {
  return value.length === 4 && value.bytes.toString('latin1', 0, 4).toUpperCase() === 'NULL';
}

function writeElement(value: CellOut, delimiter: number, out: CellOut): void {
  if (!needsQuotes(value, delimiter)) return out.append(value.bytes, 0, value.length);
  out.reserve(value.length * 2 + 2);
  out.bytes[out.length++] = QUOTE;
  for (let i = 0; i < value.length; i++) {
    const byte = value.bytes[i] ?? 0;
    if (byte === QUOTE || byte === BACKSLASH) out.bytes[out.length++] = BACKSLASH;
    out.bytes[out.length++] = byte;
  }
  out.bytes[out.length++] = QUOTE;
}

function needsQuotes(value: CellOut, delimiter: number): boolean {
  if (value.length === 0 || isNullWord(value)) return true;
  for (let i = 0; i < value.length; i++) {
    const byte = value.bytes[i] ?? 0;
    if (byte === delimiter || byte === QUOTE || byte === BACKSLASH || byte === OPEN || byte === CLOSE) return true;
    if (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)) return true;
  }
  return false;
}
