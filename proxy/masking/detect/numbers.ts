import type { CellScan, Content } from './content';
import { isCardNumber } from './creditCard';
import { CREDIT_CARD } from './scan';

/** Digits of the longest number of interest, with room for zeros behind a point. */
const MAX_TEXT = 64;

/**
 * The digits of a decimal number without its sign when its value is whole: `4111.0` and `41.11e2` are 4111. Null for fractions and for what
 * is longer than any number of interest.
 */
export function wholeNumber(text: string): string | null {
  if (text.length > MAX_TEXT) return null;
  const match = /^[-+]?(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d{1,3}))?$/.exec(text);
  if (match === null) return null;
  const [, whole = '', fraction = '', exponent = '0'] = match;
  const shift = Number(exponent);
  if (shift > MAX_TEXT || shift < -MAX_TEXT) return null;
  const digits = whole + fraction;
  const point = whole.length + shift;
  if (point <= 0) return null;
  if (!/^0*$/.test(digits.slice(point))) return null;
  return digits
    .slice(0, point)
    .padEnd(point, '0')
    .replace(/^0+(?=\d)/, '');
}

export type NumberType = 'int8' | 'numeric' | 'float8';

/** Fewest bytes of a card number in text, and the high half of the least one in an int8. */
const MIN_TEXT = 14;
const MIN_HIGH = Math.floor(1e13 / 2 ** 32);

/** A number that is a card's becomes NULL: no other value of the type stands for it. No other detector takes a bare number. */
export function numberScan(content: Content, type: NumberType, format: number): CellScan | null {
  if ((content.wanted & (1 << CREDIT_CARD)) === 0) return null;
  const digitsOf = format === 0 ? digitsOfText : BINARY[type];
  return (bytes, start, end, out) => {
    const digits = digitsOf(bytes, start, end);
    if (digits !== null && isCardNumber(digits) && content.hit(CREDIT_CARD)) return 'toNull';
    out.append(bytes, start, end);
    return 'unchanged';
  };
}

function digitsOfText(bytes: Buffer, start: number, end: number): string | null {
  if (end - start < MIN_TEXT || end - start > MAX_TEXT) return null;
  return wholeNumber(bytes.toString('latin1', start, end));
}

const BINARY: Readonly<Record<NumberType, (bytes: Buffer, start: number, end: number) => string | null>> = {
  int8(bytes, start, end) {
    if (end - start !== 8) return null;
    const high = bytes.readInt32BE(start);
    return high > -MIN_HIGH && high < MIN_HIGH ? null : String(bytes.readBigInt64BE(start)).replace('-', '');
  },
  float8(bytes, start, end) {
    if (end - start !== 8) return null;
    const value = Math.abs(bytes.readDoubleBE(start));
    return value >= 1e13 && value <= Number.MAX_SAFE_INTEGER && Number.isInteger(value) ? String(value) : null;
  },
  numeric: digitsOfNumeric,
};

/** The least weight of 14 digits and the most of 19: the number of groups of four digits in front of the point, less one. */
const MIN_WEIGHT = 3;
const MAX_WEIGHT = 4;

/** numeric_send: groups, weight, sign, scale as int16, then groups of four decimal digits. */
function digitsOfNumeric(bytes: Buffer, start: number, end: number): string | null {
  if (end - start < 8) return null;
  const groups = bytes.readInt16BE(start);
  const weight = bytes.readInt16BE(start + 2);
  if (weight < MIN_WEIGHT || weight > MAX_WEIGHT || end - start !== 8 + groups * 2) return null;
  let digits = '';
  for (let i = 0; i < Math.max(groups, weight + 1); i++) {
    const group = i < groups ? bytes.readInt16BE(start + 8 + i * 2) : 0;
    if (i > weight && group !== 0) return null;
    if (i <= weight) digits += String(group).padStart(4, '0');
  }
  return digits.replace(/^0+(?=\d)/, '');
}
