import { isAlnum, isDigit, type Scan } from './scan';

const NEAR_BYTES = 32;
const MAX_KEY_BYTES = 64;

/** What people write in front of a value: `SSN: 123456789`, `tel. 020 7946 0958`; as a JSON key: `homePhone`, `ssn`. */
export interface Label {
  /** At the end of the text in front of the value. */
  text: RegExp;
  key: RegExp;
}

export const SSN_LABEL: Label = {
  text: /\b(?:ssn|social[ _-]?security)(?:[ _-]?(?:no|nr|number|num)\b)?\.?[\s:#="'(-]{0,6}(?:is )?$/i,
  key: /(?:ssn|social[ _-]?security)(?:[ _-]?(?:no|nr|number|num))?$/i,
};

export const PHONE_LABEL: Label = {
  text: /(?:phone|telefon|\btel|mobile|\bfax|whatsapp)(?:[ _-]?(?:no|nr|number|num|home|work)\b)?\.?[\s:#="'(-]{0,6}(?:is )?$/i,
  key: /(?:phones?|telefon|(?:^|[ _-])tel|mobile|fax|whatsapp)(?:[ _-]?(?:no|nr|numbers?|num|home|work))?\d?$/i,
};

/** Whether the value at `position` is labelled, by the text right in front of it or by its JSON key. Allocates; for candidates only. */
export function isLabelled(scan: Scan, position: number, label: Label): boolean {
  if (position <= scan.start + 1 && isKeyed(scan, label)) return true;
  if (!followsWord(scan, position)) return false;
  const from = Math.max(scan.start, position - NEAR_BYTES);
  if (!scan.spend(8 * (position - from) + 64)) return false;
  return label.text.test(scan.bytes.toString('latin1', from, position));
}

function isKeyed({ label: key }: Scan, label: Label): boolean {
  if (key === null || key.end - key.start > MAX_KEY_BYTES) return false;
  return label.key.test(key.bytes.toString('utf8', key.start, key.end));
}

/** Spaces and the marks that may stand between a label and its value, of which there are a few at most. */
function followsWord(scan: Scan, position: number): boolean {
  for (let i = position - 1; i >= position - 8; i--) {
    const byte = scan.at(i);
    if (isAlnum(byte)) return !isDigit(byte);
    if (byte < 0) return false;
  }
  return false;
}

/** Whether nothing but white space stands around bytes[start..end) of the text. */
export function isAlone(scan: Scan, start: number, end: number): boolean {
  if (!scan.spend(16)) return false;
  for (let i = scan.start; i < scan.end; i++) {
    if (i === start) i = end;
    if (i < scan.end && scan.at(i) > 0x20) return false;
  }
  return true;
}
