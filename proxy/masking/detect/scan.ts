import type { Detector } from '../../../db/schema/shapes';

/** Detectors by the number the hot path knows them by; `1 << number` is their bit in a set. */
export const DETECTORS: readonly Detector[] = ['credit_card', 'ssn', 'email', 'iban', 'phone', 'api_key'];
export const CREDIT_CARD = 0;
export const SSN = 1;
export const EMAIL = 2;
export const IBAN = 3;
export const PHONE = 4;
export const API_KEY = 5;

/** A set of detectors as bits. */
export function bitsOf(detectors: readonly Detector[]): number {
  return detectors.reduce((bits, detector) => bits | (1 << DETECTORS.indexOf(detector)), 0);
}

/** bytes[start..end) */
export interface ByteRange {
  bytes: Buffer;
  start: number;
  end: number;
}

/** What one cell may cost in all: some 100 ms, at about 3 ns a byte looked at in vain. */
const CELL_WORK = 1 << 25;

/** More hits than this in one cell, and it is treated as too much to look through. */
const MAX_SPANS = 4096;

/**
 * One look at one text: where it is, what stands before it, and the spans that were found. One object serves every cell: nothing is
 * allocated while nothing is found. Detectors are linear by construction; what they look ahead in vain is paid for with `spend`, so that
 * an input made to be expensive ends as `overflow` and not as time.
 */
export class Scan {
  bytes: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  /** The JSON key in front of the value; null outside JSON. */
  label: ByteRange | null = null;
  /** Starts, ends (exclusive) and detector numbers, three numbers a span. */
  readonly spans: number[] = [];
  /** Too much to look through: the caller has to treat the whole as a hit. */
  overflow = false;
  #work = 0;

  beginCell(): void {
    this.#work = CELL_WORK;
  }

  begin(bytes: Buffer, start: number, end: number, label: ByteRange | null): void {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.label = label;
    this.spans.length = 0;
    this.overflow = false;
  }

  hit(start: number, end: number, detector: number): void {
    if (this.spans.length >= 3 * MAX_SPANS) this.overflow = true;
    else this.spans.push(start, end, detector);
  }

  /** About how many bytes were looked at for nothing; a check by a library counts as a few hundred. False when it is enough. */
  spend(bytes: number): boolean {
    this.#work -= bytes;
    if (this.#work < 0) this.overflow = true;
    return !this.overflow;
  }

  /** The byte at a place, or -1 outside of the text. */
  at(position: number): number {
    return position >= this.start && position < this.end ? (this.bytes[position] ?? -1) : -1;
  }
}

const ALNUM = 1;
const ISDIGIT = 2;
const CLASSES = new Uint8Array(256);
for (let c = 0x30; c <= 0x39; c++) CLASSES[c] = ALNUM | ISDIGIT;
for (let c = 0x41; c <= 0x5a; c++) CLASSES[c] = ALNUM;
for (let c = 0x61; c <= 0x7a; c++) CLASSES[c] = ALNUM;

export const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
/** ASCII letters and digits. */
export const isAlnum = (byte: number): boolean => byte >= 0 && ((CLASSES[byte] ?? 0) & ALNUM) !== 0;
export const isUpperAlnum = (byte: number): boolean => isDigit(byte) || (byte >= 0x41 && byte <= 0x5a);
/** base64url, and what the keys of most services are made of. */
export const isWord = (byte: number): boolean => isAlnum(byte) || byte === 0x5f || byte === 0x2d;
