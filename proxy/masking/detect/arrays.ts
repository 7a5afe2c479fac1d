import { CellOut } from '../cellOut';
import type { CellScan, Outcome } from './content';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const EQUALS = 0x3d;
const NULL = Buffer.from('NULL');

/**
 * Arrays, element by element; what is not changed leaves as it came. An element that becomes NULL is a NULL element; a mask `null` (the cell
 * becomes NULL) is told apart by `wholeNull`.
 */
export function arrayScan(element: CellScan, delimiter: string, format: number, wholeNull: boolean): CellScan {
  return format === 1 ? binaryArray(element, wholeNull) : textArray(element, delimiter.charCodeAt(0), wholeNull);
}

/** array_send: dimensions, flags (1: has NULLs), element type, a length and a lower bound per dimension, then lengths and elements. */
function binaryArray(element: CellScan, wholeNull: boolean): CellScan {
  return (bytes, start, end, out) => {
    if (end - start < 12) return 'tooMuch';
    const dimensions = bytes.readInt32BE(start);
    let at = start + 12 + dimensions * 8;
    if (dimensions < 0 || dimensions > 6 || at > end) return 'tooMuch';
    const flagsAt = out.length + 4;
    out.append(bytes, start, at);
    let changed = false;
    while (at < end) {
      if (at + 4 > end) return 'tooMuch';
      const length = bytes.readInt32BE(at);
      const stop = at + 4 + Math.max(length, 0);
      if (length < -1 || stop > end) return 'tooMuch';
      const lengthAt = out.length;
      out.int32(-1);
      if (length >= 0) {
        const outcome = element(bytes, at + 4, stop, out);
        if (outcome === 'tooMuch' || (outcome === 'toNull' && wholeNull)) return outcome;
        if (outcome === 'toNull') {
          out.length = lengthAt + 4;
          out.bytes.writeInt32BE(1, flagsAt);
        } else out.bytes.writeInt32BE(out.length - lengthAt - 4, lengthAt);
        changed ||= outcome !== 'unchanged';
      }
      at = stop;
    }
    return changed ? 'changed' : 'unchanged';
  };
}

/** array_out: `[1:2]={a,"b \"c\"",NULL,{d}}`. */
function textArray(element: CellScan, delimiter: number, wholeNull: boolean): CellScan {
  // Its own, because an element may be an array by way of a domain.
  const room = { plain: new CellOut(64), made: new CellOut(64) };
  return (bytes, start, end, out) => {
    let at = start;
    // Lower bounds other than 1 stand in front.
    if (bytes[at] === 0x5b) while (at < end && bytes[at] !== EQUALS) at++;
    let copied = start;
    let changed = false;
    while (at < end) {
      const byte = bytes[at] ?? 0;
      if (byte === OPEN || byte === CLOSE || byte === delimiter || byte === EQUALS) {
        at++;
        continue;
      }
      const stop = endOfElement(bytes, at, end, delimiter);
      if (stop < 0) return 'tooMuch';
      const outcome = elementOutcome(element, bytes, at, stop, room);
      if (outcome === 'tooMuch' || (outcome === 'toNull' && wholeNull)) return outcome;
      if (outcome !== 'unchanged') {
        out.append(bytes, copied, at);
        if (outcome === 'toNull') out.append(NULL);
        else quote(room.made, out);
        copied = stop;
        changed = true;
      }
      at = stop;
    }
    out.append(bytes, copied, end);
    return changed ? 'changed' : 'unchanged';
  };
}

interface Room {
  /** An element without its quotes and escapes. */
  plain: CellOut;
  /** What it becomes. */
  made: CellOut;
}

function elementOutcome(element: CellScan, bytes: Buffer, start: number, end: number, { plain, made }: Room): Outcome {
  made.length = 0;
  if (bytes[start] !== QUOTE)
    return end - start === 4 && bytes.toString('latin1', start, end) === 'NULL' ? 'unchanged' : element(bytes, start, end, made);
  if (bytes.subarray(start, end).indexOf(BACKSLASH) < 0) return element(bytes, start + 1, end - 1, made);
  plain.length = 0;
  for (let i = start + 1; i < end - 1; i++) {
    if (bytes[i] === BACKSLASH) i++;
    plain.byte(bytes[i] ?? 0);
  }
  return element(plain.bytes, 0, plain.length, made);
}

function endOfElement(bytes: Buffer, start: number, end: number, delimiter: number): number {
  let at = start;
  if (bytes[at] !== QUOTE) {
    while (at < end && bytes[at] !== delimiter && bytes[at] !== CLOSE) at++;
    return at;
  }
  for (at++; at < end; at++) {
    if (bytes[at] === BACKSLASH) at++;
    else if (bytes[at] === QUOTE) return at + 1;
  }
  return -1;
}

function quote(from: CellOut, out: CellOut): void {
  out.byte(QUOTE);
  for (let i = 0; i < from.length; i++) {
    const byte = from.bytes[i] ?? 0;
    if (byte === QUOTE || byte === BACKSLASH) out.byte(BACKSLASH);
    out.byte(byte);
  }
  out.byte(QUOTE);
}
