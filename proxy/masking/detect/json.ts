import { CellOut } from '../cellOut';
import type { CellScan, Content } from './content';
import { isCardNumber } from './creditCard';
import { wholeNumber } from './numbers';
import { CREDIT_CARD, isDigit, PHONE, SSN } from './scan';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const NULL = Buffer.from('null');
const MAX_LABEL_BYTES = 64;

const decoded = new CellOut(1024);
const wrapped = new CellOut(256);

/** json and jsonb, whose binary form has a version byte in front. */
export function jsonScan(content: Content, versioned: boolean): CellScan {
  return (bytes, start, end, out) => {
    if (!content.mayHold(bytes, start, end)) {
      out.append(bytes, start, end);
      return 'unchanged';
    }
    if (!versioned) return scanDocument(content, bytes, start, end, out);
    if (bytes[start] !== 1) return 'tooMuch';
    out.byte(1);
    return scanDocument(content, bytes, start + 1, end, out);
  };
}

/**
 * Looks through every string, key and number of a JSON document (RFC 8259) and appends it, valid as before: spans inside strings are replaced,
 * a number that is a hit becomes null. A value is labelled by the key in front of it. Written against bytes, not parsed, so that a document
 * without hits leaves exactly as it came.
 */
function scanDocument(content: Content, bytes: Buffer, start: number, end: number, out: CellOut): ReturnType<CellScan> {
  let changed = false;
  let label = '';
  let copied = start;
  let at = start;
  while (at < end) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) {
      const string = endOfString(bytes, at, end);
      if (string.end < 0) return 'tooMuch';
      const after = skipSpace(bytes, string.end, end);
      const isKey = after < end && bytes[after] === COLON;
      out.append(bytes, copied, at + 1);
      const outcome = string.escaped
        ? escapedString(content, bytes, at, string.end, isKey ? '' : label, out)
        : content.text(bytes, at + 1, string.end - 1, out, isKey ? '' : label, true);
      if (outcome === 'toNull' || outcome === 'tooMuch') return outcome;
      changed ||= outcome === 'changed';
      copied = string.end - 1;
      if (isKey) {
        label = bytes.toString('utf8', at + 1, Math.min(string.end - 1, at + 1 + MAX_LABEL_BYTES));
        at = after + 1;
      } else at = string.end;
    } else if (byte === 0x2d || isDigit(byte)) {
      let stop = at + 1;
      while (stop < end && isNumberByte(bytes[stop] ?? 0)) stop++;
      const masks = isNumberHit(content, bytes, at, stop, label);
      if (masks && content.nulls) return 'toNull';
      if (masks) {
        out.append(bytes, copied, at);
        out.append(NULL);
        copied = stop;
        changed = true;
      }
      at = stop;
    } else at++;
  }
  out.append(bytes, copied, end);
  return changed ? 'changed' : 'unchanged';
}

/** Where a string that begins at its quotation mark ends, behind the closing one; -1 when it does not. */
function endOfString(bytes: Buffer, start: number, end: number): { end: number; escaped: boolean } {
  let escaped = false;
  for (let i = start + 1; i < end; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) return { end: i + 1, escaped };
    if (byte !== BACKSLASH) continue;
    escaped = true;
    i++;
  }
  return { end: -1, escaped };
}

/** A string with escapes is looked at as what it says. Appends its inside. */
function escapedString(content: Content, bytes: Buffer, start: number, end: number, label: string, out: CellOut): ReturnType<CellScan> {
  const raw = bytes.toString('utf8', start, end);
  let value: unknown;
  try {
    value = JSON.parse(raw);
  } catch {
    return 'tooMuch';
  }
  decoded.length = 0;
  decoded.text(String(value));
  wrapped.length = 0;
  const outcome = content.text(decoded.bytes, 0, decoded.length, wrapped, label);
  if (outcome === 'changed') out.text(JSON.stringify(wrapped.bytes.toString('utf8', 0, wrapped.length)).slice(1, -1));
  else out.append(bytes, start + 1, end - 1);
  return outcome;
}

/** Fewest digits of any number that a detector takes: a labelled phone number. */
const MIN_DIGITS = 7;
const text = new CellOut(64);
const nowhere = new CellOut(64);

/** A card by its digits; what a labelled number can be besides: looked at as a string with the same label would be. */
function isNumberHit(content: Content, bytes: Buffer, start: number, end: number, label: string): boolean {
  if (end - start < MIN_DIGITS) return false;
  const digits = wholeNumber(bytes.toString('latin1', start, end));
  if (digits === null) return false;
  if ((content.wanted & (1 << CREDIT_CARD)) !== 0 && isCardNumber(digits)) return content.hit(CREDIT_CARD);
  if (label === '' || (content.wanted & ((1 << SSN) | (1 << PHONE))) === 0) return false;
  text.length = 0;
  text.text(digits);
  nowhere.length = 0;
  return content.text(text.bytes, 0, text.length, nowhere, label) !== 'unchanged';
}

const isNumberByte = (byte: number) => isDigit(byte) || byte === 0x2e || byte === 0x65 || byte === 0x45 || byte === 0x2b || byte === 0x2d;

function skipSpace(bytes: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end && (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09)) at++;
  return at;
}
