import { parsePhoneNumberFromString } from 'libphonenumber-js/min';
import { isAlone, isLabelled, PHONE_LABEL } from './label';
import { isAlnum, isDigit, PHONE, type Scan } from './scan';

/** E.164 has 15; one more for a `(0)`. */
const MAX_DIGITS = 16;
const MIN_DIGITS = 7;
/** Between two digits: `) `, ` (`, `-`, ` / `. */
const MAX_GAP = 3;

const isSeparator = (byte: number) =>
  byte === 0x20 || byte === 0x2d || byte === 0x2e || byte === 0x28 || byte === 0x29 || byte === 0x2f || byte === 0x2b;

/** Ends of the groups of the number under way, and how many digits there are up to each. */
const ends: number[] = [];
const counts: number[] = [];

/**
 * Phone numbers. `+` with a country's code and a length that country has; North American numbers as they are written (`(212) 555-0100`,
 * `212-555-0100`, `212.555.0100`, with spaces when nothing else is in the text); any other 7 to 15 digits only behind a label (`tel.`, `phone:`),
 * because most numbers are something else.
 */
export function findPhones(scan: Scan): void {
  const { bytes, end: stop } = scan;
  let i = scan.start;
  while (i < stop && !scan.overflow) {
    const byte = bytes[i] ?? 0;
    if (byte !== 0x2b && byte !== 0x28 && !isDigit(byte)) {
      i++;
      continue;
    }
    const end = phoneAt(scan, i);
    if (end > 0) {
      scan.hit(i, end, PHONE);
      i = end;
    } else {
      i++;
      if (isDigit(byte)) while (isDigit(scan.at(i))) i++;
    }
  }
}

function phoneAt(scan: Scan, start: number): number {
  const before = scan.at(start - 1);
  if (isAlnum(before) || before === 0x5f || before === 0x2b) return -1;
  // Inside a longer number.
  if ((before === 0x2d || before === 0x2e || before === 0x2f) && isDigit(scan.at(start - 2))) return -1;
  const first = scan.at(start);
  if (first === 0x2b) return international(scan, start);
  const american = northAmerican(scan, start);
  if (american > 0) return american;
  if (first === 0x28 && !isDigit(scan.at(start + 1))) return -1;
  return labelled(scan, start);
}

/** Gathers digits from `start`, with what may stand between them; false when there are too few. */
function gather(scan: Scan, start: number): boolean {
  ends.length = 0;
  counts.length = 0;
  let total = 0;
  let gap = 0;
  let at = start;
  for (; at < scan.end && gap <= MAX_GAP; at++) {
    const byte = scan.at(at);
    if (isDigit(byte)) {
      gap = 0;
      if (++total > MAX_DIGITS) break;
      if (!isDigit(scan.at(at + 1))) {
        if (isAlnum(scan.at(at + 1)) || scan.at(at + 1) === 0x5f) break;
        ends.push(at + 1);
        counts.push(total);
      }
    } else if (isSeparator(byte) && (byte !== 0x2b || at === start)) gap++;
    else break;
  }
  scan.spend(at - start);
  return (counts.at(-1) ?? 0) >= MIN_DIGITS;
}

/** More digits than a number has may belong to what follows: up to this many groups are left off. */
const MAX_LEFT_OFF = 3;

function international(scan: Scan, start: number): number {
  if (!gather(scan, start)) return -1;
  for (let last = ends.length - 1; last >= 0 && last >= ends.length - 1 - MAX_LEFT_OFF; last--) {
    const end = ends[last] ?? 0;
    if ((counts[last] ?? 0) < MIN_DIGITS || !scan.spend(2048)) return -1;
    if (parsePhoneNumberFromString(scan.bytes.toString('latin1', start, end))?.isPossible() === true) return end;
  }
  return -1;
}

/** Area code and exchange begin with 2 to 9; the three parts are divided as people divide them. */
function northAmerican(scan: Scan, start: number): number {
  let at = start;
  if (scan.at(at) === 0x31 && (scan.at(at + 1) === 0x2d || scan.at(at + 1) === 0x20 || scan.at(at + 1) === 0x2e)) at += 2;
  const bracketed = scan.at(at) === 0x28;
  if (bracketed) at++;
  if (!isCode(scan, at)) return -1;
  at += 3;
  if (bracketed && scan.at(at++) !== 0x29) return -1;
  const separator = scan.at(at);
  const divided = separator === 0x2d || separator === 0x2e || separator === 0x20;
  if (!divided && !bracketed) return -1;
  if (divided) at++;
  if (!isCode(scan, at)) return -1;
  at += 3;
  const second = scan.at(at);
  if (second !== 0x2d && second !== 0x2e && second !== 0x20) return -1;
  if (!bracketed && second !== separator) return -1;
  at++;
  for (let i = 0; i < 4; i++) if (!isDigit(scan.at(at + i))) return -1;
  at += 4;
  const after = scan.at(at);
  if (isAlnum(after) || after === 0x5f || ((after === 0x2d || after === 0x2e) && isDigit(scan.at(at + 1)))) return -1;
  // 200 300 4000 may be three numbers.
  return bracketed || second !== 0x20 || isAlone(scan, start, at) || isLabelled(scan, start, PHONE_LABEL) ? at : -1;
}

function isCode(scan: Scan, at: number): boolean {
  const first = scan.at(at);
  return first >= 0x32 && first <= 0x39 && isDigit(scan.at(at + 1)) && isDigit(scan.at(at + 2)) && !isDigit(scan.at(at + 3));
}

function labelled(scan: Scan, start: number): number {
  return isLabelled(scan, start, PHONE_LABEL) && gather(scan, start) ? (ends.at(-1) ?? -1) : -1;
}
