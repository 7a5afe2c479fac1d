import { API_KEY, CREDIT_CARD, EMAIL, IBAN, PHONE, SSN } from './scan';

const OTHER = 0;
const DIGIT = 1;
const LETTER = 2;
const UNDERSCORE = 3;
const DASH = 4;
const SEPARATOR = 5;
const AT = 6;
const BACKSLASH = 7;

const CLASSES = new Uint8Array(256);
for (let c = 0x30; c <= 0x39; c++) CLASSES[c] = DIGIT;
for (let c = 0x41; c <= 0x5a; c++) CLASSES[c] = LETTER;
for (let c = 0x61; c <= 0x7a; c++) CLASSES[c] = LETTER;
for (const c of ' .()/+') CLASSES[c.charCodeAt(0)] = SEPARATOR;
CLASSES[0x5f] = UNDERSCORE;
CLASSES[0x2d] = DASH;
CLASSES[0x40] = AT;
CLASSES[0x5c] = BACKSLASH;

/** A JSON escape can spell any character: what stands behind it is not seen here. */
export const ESCAPED = 1 << 30;

/** Shortest text any detector takes: a labelled phone number. */
const SHORTEST = 6;
const MIN_PHONE_DIGITS = 7;
const MIN_SSN_DIGITS = 9;
const MIN_CARD_DIGITS = 14;
const MIN_KEY_LENGTH = 15;
/** Between two digits of one number: `) ` and the like. */
const MAX_GAP = 3;

/**
 * Which detectors could find anything in bytes[start..end): a set of bits, in one pass without allocation. It may say yes too often and never no
 * too often, JSON escapes aside, which it reports as ESCAPED.
 */
export function mayHold(bytes: Buffer, start: number, end: number): number {
  if (end - start < SHORTEST) return 0;
  let flags = 0;
  let digits = 0;
  let most = 0;
  let gap = 0;
  let word = 0;
  let longest = 0;
  let dashes = 0;
  /** Classes of the last bytes, two bits each: 1 digit, 2 letter, 0 anything else. */
  let history = 0;
  for (let i = start; i < end; i++) {
    switch (CLASSES[bytes[i] ?? 0]) {
      case DIGIT:
        if (gap > MAX_GAP) digits = 0;
        gap = 0;
        if (++digits > most) most = digits;
        if (++word > longest) longest = word;
        history = ((history << 2) | 1) & 0x3ff;
        // A word of two letters and two digits: an IBAN may begin here.
        if (history === 0b00_10_10_01_01) flags |= 1 << IBAN;
        dashes = 0;
        continue;
      case LETTER:
        digits = 0;
        gap = 0;
        if (++word > longest) longest = word;
        history = ((history << 2) | 2) & 0x3ff;
        dashes = 0;
        continue;
      case UNDERSCORE:
        digits = 0;
        if (++word > longest) longest = word;
        break;
      case DASH:
        gap++;
        if (++word > longest) longest = word;
        // -----BEGIN … PRIVATE KEY-----
        if (++dashes === 5) flags |= 1 << API_KEY;
        history = (history << 2) & 0x3ff;
        continue;
      case SEPARATOR:
        gap++;
        word = 0;
        break;
      case AT:
        flags |= 1 << EMAIL;
        digits = 0;
        word = 0;
        break;
      case BACKSLASH:
        if (bytes[i + 1] === 0x75 || bytes[i + 1] === 0x2f) flags |= ESCAPED;
        digits = 0;
        word = 0;
        break;
      case OTHER:
        digits = 0;
        word = 0;
        break;
      default:
    }
    history = (history << 2) & 0x3ff;
    dashes = 0;
  }
  if (most >= MIN_PHONE_DIGITS) {
    flags |= 1 << PHONE;
    if (most >= MIN_SSN_DIGITS) flags |= 1 << SSN;
    if (most >= MIN_CARD_DIGITS) flags |= 1 << CREDIT_CARD;
  }
  if (longest >= MIN_KEY_LENGTH) flags |= 1 << API_KEY;
  return flags;
}
