import { CellOut } from '../cellOut';
import type { CellScan, Content, Outcome } from './content';
import { isCardNumber } from './creditCard';
import { wholeNumber } from './numbers';
import { type ByteRange, CREDIT_CARD, isDigit, PHONE, SSN } from './scan';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const NULL = Buffer.from('null');

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
 * a number that is a hit becomes null. A value is labelled by the key in front of it. Works on bytes and not on a parsed document, so that
 * one without hits leaves exactly as it came.
 */
function scanDocument(content: Content, bytes: Buffer, start: number, end: number, out: CellOut): Outcome {
  const key = { bytes, start: 0, end: 0 };
  let label: ByteRange | null = null;
  let copied = start;
  let at = start;
  while (at < end) {
    const byte = bytes[at] ?? 0;
    let outcome: Outcome = 'unchanged';
    let stop = at + 1;
    if (byte === QUOTE) {
      const escaped = endOfString(bytes, at, end);
      stop = stringEnd;
      if (stop < 0) return 'tooMuch';
      const after = skipSpace(bytes, stop, end);
      const isKey = after < end && bytes[after] === COLON;
      outcome = stringOutcome(content, bytes, copied, at, stop, escaped, isKey ? null : label, out);
      if (outcome === 'changed') copied = stop - 1;
      if (isKey) {
        key.start = at + 1;
        key.end = stop - 1;
        label = key;
        stop = after + 1;
      }
    } else if (byte === 0x2d || isDigit(byte)) {
      while (stop < end && isNumberByte(bytes[stop] ?? 0)) stop++;
      if (isNumberHit(content, bytes, at, stop, label)) {
        if (content.nulls) return 'toNull';
        out.append(bytes, copied, at);
        out.append(NULL);
        copied = stop;
      }
    }
    if (outcome === 'toNull' || outcome === 'tooMuch') return outcome;
    at = stop;
  }
  out.append(bytes, copied, end);
  return copied === start ? 'unchanged' : 'changed';
}

/** Where the last string ended, behind its closing quotation mark; -1 when it did not. */
let stringEnd = -1;

/** Finds the end of the string that begins at its quotation mark, for `stringEnd`; whether there are escapes in it. */
function endOfString(bytes: Buffer, start: number, end: number): boolean {
  let escaped = false;
  stringEnd = -1;
  for (let i = start + 1; i < end; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) {
      stringEnd = i + 1;
      return escaped;
    }
    if (byte !== BACKSLASH) continue;
    escaped = true;
    i++;
  }
  return escaped;
}

/** Looks into the string bytes[start..end), quotation marks included; when it changes, all from `copied` to its closing mark is appended. */
function stringOutcome(
  content: Content,
  bytes: Buffer,
  copied: number,
  start: number,
  end: number,
  escaped: boolean,
  label: ByteRange | null,
  out: CellOut,
): Outcome {
  let looked: ReturnType<Content['look']>;
  if (escaped) {
    // With escapes it is looked at as what it says.
    const value = unescaped(bytes.toString('utf8', start, end));
    if (value === null) return 'tooMuch';
    decoded.length = 0;
    decoded.text(value);
    looked = content.look(decoded.bytes, 0, decoded.length, label);
  } else looked = content.look(bytes, start + 1, end - 1, label);
  if (looked === 'tooMuch') return 'tooMuch';
  if (looked === 'nothing') return 'unchanged';
  const before = out.length;
  out.append(bytes, copied, start + 1);
  let outcome: Outcome;
  if (escaped) {
    wrapped.length = 0;
    outcome = content.replace(wrapped, false);
    out.text(JSON.stringify(wrapped.bytes.toString('utf8', 0, wrapped.length)).slice(1, -1));
  } else outcome = content.replace(out, true);
  // Only observed: it is appended later, as it is.
  if (outcome === 'unchanged') out.length = before;
  return outcome;
}

function unescaped(literal: string): string | null {
  try {
    const value: unknown = JSON.parse(literal);
    return typeof value === 'string' ? value : null;
  } catch {
    return null;
  }
}

/** Fewest digits of any number that a detector takes: a labelled phone number. */
const MIN_DIGITS = 7;
const text = new CellOut(64);
const nowhere = new CellOut(64);

/** A card by its digits; what a labelled number can be besides: looked at as a string with the same label would be. */
function isNumberHit(content: Content, bytes: Buffer, start: number, end: number, label: ByteRange | null): boolean {
  if (end - start < MIN_DIGITS) return false;
  const digits = wholeNumber(bytes.toString('latin1', start, end));
  if (digits === null) return false;
  if ((content.wanted & (1 << CREDIT_CARD)) !== 0 && isCardNumber(digits)) return content.hit(CREDIT_CARD);
  if (label === null || (content.wanted & ((1 << SSN) | (1 << PHONE))) === 0) return false;
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
