import { type CellMask, CellOut } from '../cellOut';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const EMPTY = Buffer.from('empty');

/** range_send's flags (src/include/utils/rangetypes.h). */
const FLAG = { empty: 0x01, lowerInclusive: 0x02, upperInclusive: 0x04, lowerInfinite: 0x08, upperInfinite: 0x10 } as const;

/**
 * Masks both bounds of a range by a mask that keeps their order. Bounds that fall together are both inclusive, because a range without
 * values would be another fact. A range with a bound that has no masked value is NULL as a whole, and so is a multirange with such a range.
 */
export function rangeMask(bound: CellMask, format: number, multiple: boolean): CellMask {
  const range = format === 1 ? binaryRange(bound) : textRange(bound);
  const whole: CellMask = (bytes, start, end, out) => range(bytes, start, end, out) === end;
  if (!multiple) return whole;
  return format === 1 ? binaryMultirange(whole) : textMultirange(range);
}

/** As a cell mask, but answers where the range that begins at `start` ended; -1 when it is none, or has no masked value. */
type RangeReader = (bytes: Buffer, start: number, end: number, out: CellOut) => number;

/** range_out: `empty`, or bounds in brackets, quoted where they need it; a bound that is not there is infinite. */
function textRange(bound: CellMask): RangeReader {
  const plain = new CellOut(64);
  const lower = new CellOut(64);
  const upper = new CellOut(64);
  return (bytes, start, end, out) => {
    if (bytes.compare(EMPTY, 0, EMPTY.length, start, Math.min(start + EMPTY.length, end)) === 0) {
      out.append(EMPTY);
      return start + EMPTY.length;
    }
    const opening = bytes[start];
    if (start >= end || (opening !== 0x5b && opening !== 0x28)) return -1;
    let at = textBound(bytes, start + 1, end, plain, bound, lower);
    if (at < 0 || bytes[at] !== COMMA) return -1;
    at = textBound(bytes, at + 1, end, plain, bound, upper);
    const closing = bytes[at];
    if (at < 0 || at >= end || (closing !== 0x5d && closing !== 0x29)) return -1;
    const together = isSame(lower, upper);
    out.byte(together ? 0x5b : opening);
    writeBound(lower, out);
    out.byte(COMMA);
    writeBound(upper, out);
    out.byte(together ? 0x5d : closing);
    return at + 1;
  };
}

/** Reads one bound and leaves its masked value in `into`, nothing for an infinite one. The position behind it; -1 when there is none. */
function textBound(bytes: Buffer, start: number, end: number, plain: CellOut, mask: CellMask, into: CellOut): number {
  plain.length = 0;
  into.length = 0;
  let quoted = false;
  let at = start;
  for (; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === BACKSLASH) {
      if (++at >= end) return -1;
      plain.byte(bytes[at] ?? 0);
    } else if (byte === QUOTE) {
      if (quoted && bytes[at + 1] === QUOTE && at + 1 < end) {
        plain.byte(QUOTE);
        at++;
      } else quoted = !quoted;
    } else if (!quoted && (byte === COMMA || byte === 0x5d || byte === 0x29)) break;
    else plain.byte(byte);
  }
  if (at >= end || quoted) return -1;
  if (at === start) return at;
  return mask(plain.bytes, 0, plain.length, into) && into.length > 0 ? at : -1;
}

/** Numbers and days need no escapes, moments have a blank. */
function writeBound(value: CellOut, out: CellOut): void {
  const needsQuotes = value.bytes.subarray(0, value.length).includes(0x20);
  if (needsQuotes) out.byte(QUOTE);
  out.append(value.bytes, 0, value.length);
  if (needsQuotes) out.byte(QUOTE);
}

function isSame(a: CellOut, b: CellOut): boolean {
  return a.length > 0 && a.length === b.length && a.bytes.compare(b.bytes, 0, b.length, 0, a.length) === 0;
}

/** multirange_out: ranges in braces. */
function textMultirange(range: RangeReader): CellMask {
  return (bytes, start, end, out) => {
    if (end - start < 2 || bytes[start] !== 0x7b || bytes[end - 1] !== 0x7d) return false;
    out.byte(0x7b);
    for (let at = start + 1; at < end - 1; ) {
      if (at > start + 1) {
        if (bytes[at++] !== COMMA) return false;
        out.byte(COMMA);
      }
      at = range(bytes, at, end - 1, out);
      if (at < 0) return false;
    }
    out.byte(0x7d);
    return true;
  };
}

/** range_send: flags, then each finite bound with its length. */
function binaryRange(bound: CellMask): RangeReader {
  return (bytes, start, end, out) => {
    const flags = bytes[start];
    if (start >= end || flags === undefined || (flags & ~0x1f) !== 0) return -1;
    const flagsAt = out.length;
    out.byte(flags);
    let at = start + 1;
    if ((flags & FLAG.empty) !== 0) return at;
    const ends: number[] = [];
    for (const infinite of [FLAG.lowerInfinite, FLAG.upperInfinite]) {
      if ((flags & infinite) !== 0) continue;
      if (at + 4 > end) return -1;
      const length = bytes.readInt32BE(at);
      at += 4;
      if (length < 0 || at + length > end) return -1;
      const lengthAt = out.length;
      out.int32(0);
      if (!bound(bytes, at, at + length, out)) return -1;
      out.bytes.writeInt32BE(out.length - lengthAt - 4, lengthAt);
      ends.push(out.length);
      at += length;
    }
    const [middle, last] = ends;
    if (middle !== undefined && last !== undefined && out.bytes.compare(out.bytes, flagsAt + 1, middle, middle, last) === 0)
      out.bytes[flagsAt] = flags | FLAG.lowerInclusive | FLAG.upperInclusive;
    return at;
  };
}

/** multirange_send: how many, then each range with its length. */
function binaryMultirange(range: CellMask): CellMask {
  return (bytes, start, end, out) => {
    if (end - start < 4) return false;
    const count = bytes.readUInt32BE(start);
    let at = start + 4;
    if (count > (end - at) / 5) return false;
    out.append(bytes, start, at);
    for (let i = 0; i < count; i++) {
      if (at + 4 > end) return false;
      const length = bytes.readInt32BE(at);
      at += 4;
      if (length < 0 || at + length > end) return false;
      const lengthAt = out.length;
      out.int32(0);
      if (!range(bytes, at, at + length, out)) return false;
      out.bytes.writeInt32BE(out.length - lengthAt - 4, lengthAt);
      at += length;
    }
    return at === end;
  };
}
