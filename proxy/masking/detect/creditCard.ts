import creditCardType from 'credit-card-type';
import { CREDIT_CARD, isAlnum, isDigit, type Scan } from './scan';

const MIN_DIGITS = 14;
const MAX_DIGITS = 19;
/** A number written in more groups than this is no card. */
const MAX_GROUPS = 5;

/** Numbers whose first `width` digits lie between `low` and `high` are an issuer's when they have one of its lengths (a bit each). */
interface Issuer {
  width: number;
  low: number;
  high: number;
  lengths: number;
}

/**
 * The issuers' ranges of credit-card-type, narrowed: Maestro's bare `6` says nothing, and lengths under 16 digits belong to American Express and
 * Diners Club alone. Shorter numbers are article codes and identifiers more often than cards.
 */
const ISSUERS: readonly Issuer[] = Object.values(creditCardType.types).flatMap((name) => {
  const { patterns, lengths } = creditCardType.getTypeInfo(name);
  const short = name === 'american-express' || name === 'diners-club';
  const bits = lengths.filter((length) => short || length >= 16).reduce((set, length) => set | (1 << length), 0);
  return patterns.flatMap((pattern) => {
    const [low, high] = typeof pattern === 'number' ? [pattern, pattern] : [pattern[0] ?? 0, pattern[1] ?? 0];
    const width = String(low).length;
    return width === 1 && name === 'maestro' ? [] : [{ width, low, high, lengths: bits }];
  });
});

/** The first two digits of any issuer's numbers. */
const FIRST_TWO = new Uint8Array(100);
for (const { width, low, high } of ISSUERS) {
  const two = (value: number) => (width === 1 ? value * 10 : Math.floor(value / 10 ** (width - 2)));
  for (let i = two(low); i <= two(high) + (width === 1 ? 9 : 0); i++) FIRST_TWO[i] = 1;
}

/** ISO/IEC 7812-1. `digits` are numbers 0 to 9. */
function luhnHolds(digits: Uint8Array, from: number, to: number): boolean {
  let sum = 0;
  let double = false;
  for (let i = to - 1; i >= from; i--) {
    const digit = digits[i] ?? 0;
    const value = double ? digit * 2 : digit;
    sum += value > 9 ? value - 9 : value;
    double = !double;
  }
  return sum % 10 === 0;
}

/** Luhn holds and an issuer has this range in this length. */
function isCard(digits: Uint8Array, from: number, to: number): boolean {
  const length = to - from;
  if (length < MIN_DIGITS || length > MAX_DIGITS || !luhnHolds(digits, from, to)) return false;
  const bit = 1 << length;
  for (const issuer of ISSUERS) {
    if ((issuer.lengths & bit) === 0) continue;
    let prefix = 0;
    for (let i = 0; i < issuer.width; i++) prefix = prefix * 10 + (digits[from + i] ?? 0);
    if (prefix >= issuer.low && prefix <= issuer.high) return true;
  }
  return false;
}

/** As cards are printed: in one piece, 4-4-4-n, 4-6-5 and 4-6-4. */
function isLayout(groups: Uint8Array, first: number, last: number): boolean {
  const count = last - first + 1;
  if (count === 1) return true;
  if (groups[first] !== 4) return false;
  if (count === 3 && groups[first + 1] === 6) return groups[last] === 4 || groups[last] === 5;
  if (count < 4) return false;
  for (let i = first + 1; i < last; i++) if (groups[i] !== 4) return false;
  return (groups[last] ?? 0) <= 7;
}

const digits = new Uint8Array(MAX_DIGITS * 2 + 2);
const groups = new Uint8Array(MAX_GROUPS);
const starts = new Float64Array(MAX_GROUPS);
const ends = new Float64Array(MAX_GROUPS);

/**
 * Card numbers of 14 to 19 digits: an issuer's range and length, and Luhn; in one piece or in groups as printed, divided by single spaces
 * or single dashes. No letter or digit touches them, and the digits of a decimal fraction are none.
 */
export function findCards(scan: Scan): void {
  const { bytes, end } = scan;
  let i = scan.start;
  while (i < end && !scan.overflow) {
    if (!isDigit(bytes[i] ?? 0)) {
      i++;
      continue;
    }
    const before = scan.at(i - 1);
    const touched = isAlnum(before) || before === 0x5f || ((before === 0x2e || before === 0x2c) && isDigit(scan.at(i - 2)));
    const next = touched ? digitsEnd(scan, i) : cardAt(scan, i);
    i = next;
  }
}

function digitsEnd(scan: Scan, from: number): number {
  let end = from;
  while (isDigit(scan.at(end))) end++;
  return end;
}

/** Looks for a card that begins at this group of digits; answers where to go on. */
function cardAt(scan: Scan, from: number): number {
  const firstEnd = digitsEnd(scan, from);
  const length = firstEnd - from;
  if (length !== 4 && (length < MIN_DIGITS || length > MAX_DIGITS)) return firstEnd;
  if (FIRST_TWO[(scan.at(from) - 0x30) * 10 + scan.at(from + 1) - 0x30] !== 1) return firstEnd;
  let count = 0;
  let total = 0;
  let separator = -1;
  let at = from;
  while (count < MAX_GROUPS) {
    const end = digitsEnd(scan, at);
    if (end - at > MAX_DIGITS || total + end - at > MAX_DIGITS) break;
    for (let i = at; i < end; i++) digits[total++] = scan.at(i) - 0x30;
    starts[count] = at;
    ends[count] = end;
    groups[count++] = end - at;
    const gap = scan.at(end);
    if ((gap !== 0x20 && gap !== 0x2d) || !isDigit(scan.at(end + 1)) || (separator !== -1 && gap !== separator)) break;
    separator = gap;
    at = end + 1;
  }
  scan.spend(4 * total + 16 * count);
  for (let last = count - 1; last >= 0; last--) {
    const end = ends[last] ?? 0;
    if (total >= MIN_DIGITS && !isTouchedAfter(scan, end) && isLayout(groups, 0, last) && isCard(digits, 0, total)) {
      scan.hit(starts[0] ?? 0, end, CREDIT_CARD);
      return end;
    }
    total -= groups[last] ?? 0;
  }
  return firstEnd;
}

function isTouchedAfter(scan: Scan, end: number): boolean {
  const after = scan.at(end);
  return isAlnum(after) || after === 0x5f || ((after === 0x2e || after === 0x2c) && isDigit(scan.at(end + 1)));
}

/** Whether a whole number is a card's; `text` is decimal digits only. */
export function isCardNumber(text: string): boolean {
  if (text.length < MIN_DIGITS || text.length > MAX_DIGITS) return false;
  for (let i = 0; i < text.length; i++) digits[i] = text.charCodeAt(i) - 0x30;
  return isCard(digits, 0, text.length);
}
