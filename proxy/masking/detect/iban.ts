import { getCountrySpecifications, isValidIBAN } from 'ibantools';
import { IBAN, isAlnum, isDigit, type Scan } from './scan';

/** Characters of an IBAN, by its first two letters. */
const LENGTHS: ReadonlyMap<string, number> = new Map(
  Object.entries(getCountrySpecifications()).flatMap(([country, { chars, IBANRegistry }]) =>
    chars !== null && IBANRegistry === true ? [[country, chars] as const] : [],
  ),
);

const isLetter = (byte: number) => isAlnum(byte) && !isDigit(byte);

/**
 * ISO 13616: the country's length and structure, and mod 97; in one piece or with single spaces or dashes between groups, in either case.
 * A word begins and ends with it.
 */
export function findIbans(scan: Scan): void {
  const { bytes, end: stop } = scan;
  // From digits back: they are rarer than letters.
  for (let i = scan.start; i < stop - 3 && !scan.overflow; i++) {
    if (!isDigit(bytes[i + 2] ?? 0) || !isDigit(bytes[i + 3] ?? 0)) continue;
    if (!isLetter(bytes[i] ?? 0) || !isLetter(bytes[i + 1] ?? 0) || isAlnum(scan.at(i - 1))) continue;
    const end = ibanAt(scan, i);
    if (end > 0) {
      scan.hit(i, end, IBAN);
      i = end - 1;
    }
  }
}

function ibanAt(scan: Scan, start: number): number {
  const length = LENGTHS.get(String.fromCharCode(scan.at(start), scan.at(start + 1)).toUpperCase());
  if (length === undefined) return -1;
  let text = '';
  let at = start;
  while (text.length < length) {
    const byte = scan.at(at);
    if (isAlnum(byte)) text += String.fromCharCode(byte);
    else if ((byte !== 0x20 && byte !== 0x2d) || !isAlnum(scan.at(at + 1))) break;
    at++;
  }
  scan.spend(at - start + 64);
  if (text.length !== length || isAlnum(scan.at(at))) return -1;
  if (!scan.spend(512)) return -1;
  return isValidIBAN(text.toUpperCase()) ? at : -1;
}
