import type { CellMask, CellOut } from '../cellOut';
import { toNull } from './always';
import { readBytea } from './bytea';
import type { Family, IntegerType } from './family';
import { KeyedDigest } from './hmac';
import { readInteger, writeInteger } from './integers';
import { canonicalDecimal, readNumeric, writeNumeric } from './numeric';
import { readUuid, writeUuid } from './uuid';

/**
 * Keyed pseudonyms: HMAC-SHA-256 of the value, so equal values have equal pseudonyms under one key, in text and in binary, and joins on
 * them still work. Text-like types share theirs; so do int8 and numeric. A type without room for one has NULL.
 */
export function hashMask(family: Family, format: number, key: Buffer): CellMask {
  const digest = new KeyedDigest(key);
  switch (family.kind) {
    case 'text':
      return textHash(family.equality, digest);
    case 'json':
    case 'jsonb':
      return jsonHash(family.kind === 'jsonb' && format === 1, digest);
    case 'uuid':
      return (bytes, start, end, out) => {
        const value = readUuid(bytes, start, end, format);
        return value !== null && writeUuid(versioned(digest.of(value, 0, 16)), format, out);
      };
    case 'bytea':
      return (bytes, start, end, out) => {
        const value = readBytea(bytes, start, end, format);
        if (value === null) return false;
        const pseudonym = digest.of(value, 0, value.length);
        if (format === 1) out.append(pseudonym, 0, 16);
        else {
          out.text('\\x');
          appendHex(pseudonym, 16, out);
        }
        return true;
      };
    case 'integer':
      return integerHash(family.type, format, digest);
    case 'numeric':
      return (bytes, start, end, out) => {
        const value = readNumeric(bytes, start, end, format);
        if (value === null) return false;
        return writeNumeric({ coefficient: BigInt(wide(digest, canonicalDecimal(value))), scale: 0 }, format, out);
      };
    default:
      return toNull;
  }
}

/** `h_` and 96 bits in hex. A longer pseudonym than varchar(n) or char(n) allows is still a value that every client can read. */
function appendPseudonym(digest: Buffer, out: CellOut): void {
  out.text('h_');
  appendHex(digest, 12, out);
}

function textHash(equality: 'exact' | 'unpadded' | 'caseless', digest: KeyedDigest): CellMask {
  return (bytes, start, end, out) => {
    let last = end;
    if (equality === 'unpadded') while (last > start && bytes[last - 1] === 0x20) last--;
    if (equality === 'caseless') {
      const folded = Buffer.from(bytes.toString('utf8', start, end).toLowerCase());
      appendPseudonym(digest.of(folded, 0, folded.length), out);
    } else appendPseudonym(digest.of(bytes, start, last), out);
    return true;
  };
}

/** A JSON string. Of json the text is hashed as it was stored; jsonb's text is the same for equal values. */
function jsonHash(versionByte: boolean, digest: KeyedDigest): CellMask {
  return (bytes, start, end, out) => {
    const from = versionByte ? start + 1 : start;
    if (from > end) return false;
    if (versionByte) out.byte(1);
    out.byte(0x22);
    appendPseudonym(digest.of(bytes, from, end), out);
    out.byte(0x22);
    return true;
  };
}

const HEX = Buffer.from('0123456789abcdef');

function appendHex(bytes: Buffer, count: number, out: CellOut): void {
  out.reserve(count * 2);
  for (let i = 0; i < count; i++) {
    const byte = bytes[i] ?? 0;
    out.bytes[out.length++] = HEX[byte >> 4] ?? 0;
    out.bytes[out.length++] = HEX[byte & 15] ?? 0;
  }
}

/** The first 16 bytes as a UUID of version 8, the one for uses of one's own (RFC 9562, section 5.8). */
function versioned(digest: Buffer): Buffer {
  const uuid = digest.subarray(0, 16);
  uuid[6] = ((uuid[6] ?? 0) & 0x0f) | 0x80;
  uuid[8] = ((uuid[8] ?? 0) & 0x3f) | 0x80;
  return uuid;
}

/** 53 bits, so that no client loses a digit of it; among ten million values the chance of two with one pseudonym is one in 180. */
function wide(digest: KeyedDigest, decimal: string): number {
  const message = Buffer.from(`n:${decimal}`);
  const hash = digest.of(message, 0, message.length);
  return (hash.readUInt32BE(0) >>> 11) * 2 ** 32 + hash.readUInt32BE(4);
}

/**
 * int8 has 53 bits of the HMAC. In the narrow types so few bits would soon give two values one pseudonym, so there the values of the type are
 * permuted: a Feistel network whose rounds are keyed by the HMAC. Eight rounds; Luby and Rackoff need four.
 */
function integerHash(type: IntegerType, format: number, digest: KeyedDigest): CellMask {
  if (type === 'int8') {
    return (bytes, start, end, out) => {
      const value = readInteger(bytes, start, end, type, format);
      return value !== null && writeInteger(wide(digest, String(value)), type, format, out);
    };
  }
  const half = type === 'int2' ? 8 : 16;
  const lowMask = 2 ** half - 1;
  const message = Buffer.from([FEISTEL_DOMAIN[type], 0, 0, 0]);
  return (bytes, start, end, out) => {
    const value = readInteger(bytes, start, end, type, format);
    if (typeof value !== 'number') return false;
    let left = (value >>> half) & lowMask;
    let right = value & lowMask;
    for (let round = 0; round < ROUNDS; round++) {
      message[1] = round;
      message.writeUInt16BE(right, 2);
      const mixed = left ^ (digest.of(message, 0, 4).readUInt16BE(0) & lowMask);
      left = right;
      right = mixed;
    }
    const joined = left * 2 ** half + right;
    return writeInteger(type === 'oid' ? joined : type === 'int2' ? (joined << 16) >> 16 : joined | 0, type, format, out);
  };
}

/** One permutation for each type. */
const FEISTEL_DOMAIN = { int2: 2, int4: 4, oid: 26 } as const;
const ROUNDS = 8;
