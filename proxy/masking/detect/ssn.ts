import { isAlone, isLabelled, SSN_LABEL } from './label';
import { isAlnum, isDigit, type Scan, SSN } from './scan';

/**
 * US social security numbers with an area, group and serial that exist (no 000, 666 or 9xx; no 00; no 0000).
 * `123-45-6789` counts anywhere; `123 45 6789` when nothing else is in the text or a label stands in front; nine bare digits only with a label
 * (`SSN`, `social security no.`), because most numbers of nine digits are something else.
 */
export function findSsns(scan: Scan): void {
  const { bytes, end } = scan;
  let i = scan.start;
  while (i < end && !scan.overflow) {
    if (!isDigit(bytes[i] ?? 0)) {
      i++;
      continue;
    }
    let run = i;
    while (isDigit(scan.at(run))) run++;
    const found = ssnAt(scan, i, run);
    if (found > 0) scan.hit(i, found, SSN);
    i = Math.max(run, found);
  }
}

/** The end of the number that begins with the digits start..run, or -1. */
function ssnAt(scan: Scan, start: number, run: number): number {
  const length = run - start;
  if (length !== 3 && length !== 9) return -1;
  const before = scan.at(start - 1);
  if (isAlnum(before) || before === 0x5f || ((before === 0x2d || before === 0x2e) && isDigit(scan.at(start - 2)))) return -1;
  const separator = scan.at(run);
  const divided = length === 3;
  if (divided && separator !== 0x2d && separator !== 0x20) return -1;
  const group = divided ? run + 1 : start + 3;
  const serial = group + (divided ? 3 : 2);
  const end = serial + 4;
  for (let i = 0; i < 2; i++) if (!isDigit(scan.at(group + i))) return -1;
  for (let i = 0; i < 4; i++) if (!isDigit(scan.at(serial + i))) return -1;
  if (divided && scan.at(serial - 1) !== separator) return -1;
  const after = scan.at(end);
  if (isAlnum(after) || after === 0x5f || ((after === 0x2d || after === 0x2e) && isDigit(scan.at(end + 1)))) return -1;
  if (!exists(number(scan, start, 3), number(scan, group, 2), number(scan, serial, 4))) return -1;
  if (divided && separator === 0x2d) return end;
  if (divided && isAlone(scan, start, end)) return end;
  return isLabelled(scan, start, SSN_LABEL) ? end : -1;
}

function number(scan: Scan, from: number, count: number): number {
  let value = 0;
  for (let i = 0; i < count; i++) value = value * 10 + scan.at(from + i) - 0x30;
  return value;
}

const exists = (area: number, group: number, serial: number) => area !== 0 && area !== 666 && area < 900 && group !== 0 && serial !== 0;
