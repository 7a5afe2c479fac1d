import type { CellMask, CellOut } from '../cellOut';
import { coarseBigint } from './integers';

/** `coefficient` ÷ 10^`scale`. */
export interface Decimal {
  coefficient: bigint;
  scale: number;
}

/** A number with more digits is masked to NULL: nobody's salary has them, and arithmetic on them takes long. */
const MAX_DIGITS = 4_096;
const TEXT = /^(-?)(\d+)(?:\.(\d+))?$/;

/** The value of a numeric cell; null for NaN, infinities and what is no numeric. */
export function readNumeric(bytes: Buffer, start: number, end: number, format: number): Decimal | null {
  if (format === 1) return readBinary(bytes, start, end);
  return end - start > MAX_DIGITS ? null : decimalOf(bytes.toString('latin1', start, end));
}

/** From plain notation, without an exponent. */
export function decimalOf(text: string): Decimal | null {
  const match = TEXT.exec(text);
  if (match === null) return null;
  const [, sign = '', whole = '', fraction = ''] = match;
  const size = BigInt(whole + fraction);
  return { coefficient: sign === '' ? size : -size, scale: fraction.length };
}

/** A double by its shortest decimal form, which may have an exponent: 1e-7, 1.5e+21. */
export function decimalOfNumber(value: number): Decimal | null {
  const [mantissa = '', exponent = '0'] = String(value).split('e');
  const decimal = decimalOf(mantissa);
  if (decimal === null) return null;
  const scale = decimal.scale - Number(exponent);
  return scale >= 0 ? { ...decimal, scale } : { coefficient: decimal.coefficient * 10n ** BigInt(-scale), scale: 0 };
}

/** numeric_send (src/backend/utils/adt/numeric.c): digits of base 10,000, their weight, sign, scale of display. */
function readBinary(bytes: Buffer, start: number, end: number): Decimal | null {
  if (end - start < 8) return null;
  const count = bytes.readUInt16BE(start);
  const weight = bytes.readInt16BE(start + 2);
  const sign = bytes.readUInt16BE(start + 4);
  if ((sign !== 0 && sign !== NEGATIVE) || end - start !== 8 + count * 2) return null;
  if (count === 0) return { coefficient: 0n, scale: 0 };
  /** Digits of base 10,000 behind the point; negative when zeros are missing before it. */
  const behind = count - 1 - weight;
  if ((Math.max(count, weight + 1) + Math.max(0, behind)) * 4 > MAX_DIGITS) return null;
  let digits = '';
  for (let i = 0; i < count; i++) {
    const digit = bytes.readUInt16BE(start + 8 + i * 2);
    if (digit > 9_999) return null;
    digits += String(digit).padStart(4, '0');
  }
  const size = BigInt(digits + '0000'.repeat(Math.max(0, -behind)));
  return { coefficient: sign === NEGATIVE ? -size : size, scale: Math.max(0, behind) * 4 };
}

const NEGATIVE = 0x4000;

/** Appends a numeric in the column's format. */
export function writeNumeric(value: Decimal, format: number, out: CellOut): boolean {
  const { coefficient, scale } = value;
  const negative = coefficient < 0n;
  const digits = (negative ? -coefficient : coefficient).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale);
  if (digits.length > MAX_DIGITS) return false;
  if (format === 0) {
    out.text(`${negative ? '-' : ''}${whole}${scale === 0 ? '' : `.${fraction}`}`);
    return true;
  }
  const padded = whole.padStart(Math.ceil(whole.length / 4) * 4, '0') + fraction.padEnd(Math.ceil(scale / 4) * 4, '0');
  let weight = Math.ceil(whole.length / 4) - 1;
  let first = 0;
  let last = padded.length;
  // Zeros at either end are not sent.
  while (first < last && padded.startsWith('0000', first)) {
    first += 4;
    weight--;
  }
  while (last > first && padded.startsWith('0000', last - 4)) last -= 4;
  out.reserve(8 + (last - first) / 2);
  const header = [(last - first) / 4, first === last ? 0 : weight & 0xffff, negative ? NEGATIVE : 0, scale];
  for (const field of header) out.length = out.bytes.writeUInt16BE(field, out.length);
  for (let at = first; at < last; at += 4) out.length = out.bytes.writeUInt16BE(Number(padded.slice(at, at + 4)), out.length);
  return true;
}

/** One spelling for equal values: 1.50 and 1.5 are `1.5`. */
export function canonicalDecimal({ coefficient, scale }: Decimal): string {
  const negative = coefficient < 0n;
  const digits = (negative ? -coefficient : coefficient).toString().padStart(scale + 1, '0');
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  return `${negative ? '-' : ''}${digits.slice(0, digits.length - scale)}${scale === 0 || fraction === '' ? '' : `.${fraction}`}`;
}

/** Rounds to a multiple of `step`, exactly, or down to one. What leaves has the decimals of `step`. */
export function numericMask(step: Decimal, bucket: boolean, format: number): CellMask {
  return (bytes, start, end, out) => {
    const value = readNumeric(bytes, start, end, format);
    if (value === null) return false;
    const scale = Math.max(value.scale, step.scale);
    const coarse = coarseBigint(scaled(value, scale), scaled(step, scale), bucket);
    return writeNumeric({ coefficient: coarse / 10n ** BigInt(scale - step.scale), scale: step.scale }, format, out);
  };
}

const scaled = (value: Decimal, scale: number): bigint => value.coefficient * 10n ** BigInt(scale - value.scale);
