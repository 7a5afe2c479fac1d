import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { JournalEntry } from '../journal/entries';
import type { JournalPosition, JournalRead } from '../journal/read';

/** `length u32, crc32 u32, JSON`, without a header: what journals were before they had a version. */
const HEADER_BYTES = 8;
const MAX_ENTRY_BYTES = 64 * 1024 * 1024;

const pathOf = (directory: string, segment: number) => join(directory, `${String(segment).padStart(8, '0')}.log`);

/** Whether the first segment has no header of a later version. */
export function isEarlierJournal(directory: string): boolean {
  const [first] = existsSync(directory) ? readdirSync(directory).sort() : [];
  if (first === undefined) return false;
  const bytes = readBytes(join(directory, first), 0, 6);
  return bytes.length === 6 && bytes.toString('latin1') !== 'GHJRNL' && !bytes.every((byte) => byte === 0);
}

/** As proxy/journal/read.ts reads its own. Nothing writes to such a journal any more. */
export function readEarlierJournal(directory: string, position: JournalPosition, limitBytes: number): JournalRead {
  const read: JournalRead = { entries: [], next: { ...position }, damage: [], ended: false };
  for (let left = limitBytes; left > 0; ) {
    const path = pathOf(directory, read.next.segment);
    if (!existsSync(path)) return { ...read, ended: true };
    const bytes = readBytes(path, read.next.offset, MAX_ENTRY_BYTES + HEADER_BYTES);
    let at = 0;
    while (at < bytes.length && at < left) {
      const entry = entryAt(bytes, at);
      if (entry === null) break;
      read.entries.push({ seq: read.next.seq ?? 0, entry: entry.entry });
      read.next.seq = (read.next.seq ?? 0) + 1;
      at += entry.sizeBytes;
    }
    read.next.offset += at;
    left -= at;
    if (left <= 0) break;
    const { segment, offset } = read.next;
    // Behind what cannot be read there is no mark to go on from; a torn tail of a worker that died is no damage.
    if (at < bytes.length && existsSync(pathOf(directory, segment + 1)))
      read.damage.push({ segment, fromByte: offset, toByte: offset + bytes.length - at, why: 'its checksum is wrong, or it was cut' });
    read.next = { segment: segment + 1, offset: 0, seq: read.next.seq };
  }
  return read;
}

function entryAt(bytes: Buffer, at: number): { entry: JournalEntry; sizeBytes: number } | null {
  if (bytes.length - at < HEADER_BYTES) return null;
  const size = bytes.readUInt32BE(at);
  if (size > MAX_ENTRY_BYTES || bytes.length - at < HEADER_BYTES + size) return null;
  const payload = bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + size);
  if (crc32(payload) !== bytes.readUInt32BE(at + 4)) return null;
  return { entry: JSON.parse(payload.toString('utf8')) as JournalEntry, sizeBytes: HEADER_BYTES + size };
}

function readBytes(path: string, offset: number, size: number): Buffer {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(size, fstatSync(file).size - offset)));
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, offset));
  } finally {
    closeSync(file);
  }
}
