import type { CellMask } from '../cellOut';

const STAR = 0x2a;
const AT = 0x40;
const REDACTED = Buffer.from('***');

/** What stays in a partly hidden value, so that a card or a phone number still looks like one; every other character is hidden. */
const SEPARATORS: ReadonlySet<number> = new Set(Buffer.from(' \t\n\r-./:_()+,@'));

/**
 * Replaces every character by `*` but for separators and the first and last kept ones. A value too short to hide anything is hidden whole.
 * Works on bytes: what is no UTF-8 counts byte by byte, so that no run of it is ever taken for one kept character.
 */
export function partialMask(keepFirst: number, keepLast: number): CellMask {
  return (bytes, start, end, out) => {
    let hideable = 0;
    for (let at = start; at < end; at += characterSize(bytes, at, end)) if (!isSeparator(bytes, at)) hideable++;
    if (hideable <= keepFirst + keepLast) {
      out.append(REDACTED);
      return true;
    }
    out.reserve(end - start);
    let seen = 0;
    for (let at = start; at < end; ) {
      const size = characterSize(bytes, at, end);
      const shown = isSeparator(bytes, at) || ++seen <= keepFirst || seen > hideable - keepLast;
      if (shown) for (let i = at; i < at + size; i++) out.bytes[out.length++] = bytes[i] ?? 0;
      else out.bytes[out.length++] = STAR;
      at += size;
    }
    return true;
  };
}

function isSeparator(bytes: Buffer, at: number): boolean {
  return SEPARATORS.has(bytes[at] ?? 0);
}

/** Bytes of the UTF-8 character at `at` (RFC 3629); 1 where there is none. */
function characterSize(bytes: Buffer, at: number, end: number): number {
  const lead = bytes[at] ?? 0;
  const size = lead < 0xc2 || lead > 0xf4 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (at + size > end) return 1;
  for (let i = at + 1; i < at + size; i++) if (((bytes[i] ?? 0) & 0xc0) !== 0x80) return 1;
  return size;
}

/**
 * `a***@example.com`; a name of one character is not shown. Anything that is no address of a domain with a dot is hidden whole:
 * `p@ssword` is no address.
 */
export const emailMask: CellMask = (bytes, start, end, out) => {
  const at = addressAt(bytes, start, end);
  if (at < 0) {
    out.append(REDACTED);
    return true;
  }
  const first = characterSize(bytes, start, at);
  if (start + first < at) out.append(bytes, start, start + first);
  out.append(REDACTED);
  out.append(bytes, at, end);
  return true;
};

/** Where the `@` of an address stands; -1 when this is none. */
function addressAt(bytes: Buffer, start: number, end: number): number {
  let at = -1;
  let dot = -1;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] ?? 0;
    if (byte <= 0x20 || byte === 0x7f) return -1;
    if (byte === AT) {
      if (at >= 0 || i === start) return -1;
      at = i;
    } else if (at >= 0) {
      if (byte === 0x2e) {
        // An empty label is no label.
        if (i === at + 1 || i === dot + 1) return -1;
        dot = i;
      } else if (!isDomainByte(byte)) return -1;
    }
  }
  return at >= 0 && dot > at && dot < end - 1 ? at : -1;
}

/** Letters, digits, hyphen, and whatever is not ASCII: domains may be international (RFC 5890). */
function isDomainByte(byte: number): boolean {
  const lower = byte | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte >= 0x80;
}
