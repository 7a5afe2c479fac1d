import { EMAIL, isAlnum, type Scan } from './scan';

const LOCAL = new Uint8Array(256);
const DOMAIN = new Uint8Array(256);
for (let c = 0; c < 256; c++) {
  const plain = isAlnum(c) || c >= 0x80;
  LOCAL[c] = plain || ".!#$%&'*+/=?^_`{|}~-".includes(String.fromCharCode(c)) ? 1 : 0;
  DOMAIN[c] = plain || c === 0x2e || c === 0x2d ? 1 : 0;
}

const MAX_DOMAIN = 255;

/**
 * Addresses `local@domain` (RFC 5322 dot-atoms, RFC 6531 letters) with a domain of two labels or more whose last has no digits and two letters.
 * Quoted local parts, address literals and single-label hosts are no addresses here.
 */
export function findEmails(scan: Scan): void {
  const { bytes, end } = scan;
  let free = scan.start;
  for (let at = scan.start; at < end && !scan.overflow; at++) {
    if (bytes[at] !== 0x40) continue;
    let start = at;
    while (start > free && LOCAL[bytes[start - 1] ?? 0] === 1) start--;
    // Quotation marks and the like in front belong to the sentence.
    while (start < at && !isAlnum(scan.at(start)) && scan.at(start) < 0x80 && scan.at(start) !== 0x5f) start++;
    let stop = at + 1;
    while (stop < end && DOMAIN[bytes[stop] ?? 0] === 1) stop++;
    const domainEnd = endOfDomain(bytes, at + 1, stop);
    free = at + 1;
    if (start === at || domainEnd < 0) continue;
    scan.hit(start, domainEnd, EMAIL);
    free = domainEnd;
  }
}

/** Where the domain in bytes[start..stop) ends: without the dots and dashes of the sentence. -1 when it is none. */
function endOfDomain(bytes: Buffer, start: number, stop: number): number {
  let end = stop;
  while (end > start && (bytes[end - 1] === 0x2e || bytes[end - 1] === 0x2d)) end--;
  if (end - start > MAX_DOMAIN || bytes[start] === 0x2e || bytes[start] === 0x2d) return -1;
  let dot = end - 1;
  while (dot > start && bytes[dot] !== 0x2e) dot--;
  if (dot <= start || end - dot - 1 < 2 || bytes[dot - 1] === 0x2e) return -1;
  for (let i = dot + 1; i < end; i++) {
    const byte = bytes[i] ?? 0;
    // xn--p1ai has digits and dashes.
    if (byte < 0x41 && !(bytes[dot + 1] === 0x78 && bytes[dot + 2] === 0x6e)) return -1;
  }
  return end;
}
