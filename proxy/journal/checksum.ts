import { crc32 } from 'node:zlib';

/** Up to here it is faster than a call out of JavaScript, and the view of the bytes that such a call needs. */
const SHORT_BYTES = 192;

/** CRC-32 (ISO 3309, as in zlib) of `bytes[from, to)`, going on from the sum of what stands before them. */
export function checksumOf(bytes: Buffer, from: number, to: number, before = 0): number {
  return to - from <= SHORT_BYTES ? ofShort(bytes, from, to, before) : crc32(bytes.subarray(from, to), before);
}

/** Of each byte, and of each with one, two and three zeros behind it: four bytes are one step. */
const [FIRST, SECOND, THIRD, FOURTH] = makeTables();

function makeTables(): [Int32Array, Int32Array, Int32Array, Int32Array] {
  const first = Int32Array.from({ length: 256 }, (_, byte) => {
    let sum = byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum & 1) === 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
    return sum;
  });
  const behind = (sum: number) => at(first, sum) ^ (sum >>> 8);
  const second = first.map(behind);
  const third = second.map(behind);
  return [first, second, third, third.map(behind)];
}

function ofShort(bytes: Buffer, from: number, to: number, before: number): number {
  let sum = ~before;
  let next = from;
  for (; next + 4 <= to; next += 4) {
    sum ^= byteAt(bytes, next) | (byteAt(bytes, next + 1) << 8) | (byteAt(bytes, next + 2) << 16) | (byteAt(bytes, next + 3) << 24);
    sum = at(FOURTH, sum) ^ at(THIRD, sum >>> 8) ^ at(SECOND, sum >>> 16) ^ at(FIRST, sum >>> 24);
  }
  for (; next < to; next++) sum = at(FIRST, sum ^ byteAt(bytes, next)) ^ (sum >>> 8);
  return ~sum >>> 0;
}

function at(table: Int32Array, sum: number): number {
  return table[sum & 0xff] ?? 0;
}

const byteAt = (bytes: Buffer, index: number): number => bytes[index] ?? 0;
