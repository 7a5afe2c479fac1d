import { closeSync, existsSync, fstatSync, fsyncSync, ftruncateSync, openSync, readdirSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { decodeHeader, encodeFrame, encodeHeader, FrameKind, findFrame, frameAt, HEADER_BYTES, isZero, JOURNAL_VERSION } from './frames';
import { segmentFile } from './places';
import { JournalVersionError } from './read';

/**
 * Ends a journal whose writer is gone: what it was writing when it died is cut off behind its last whole entry, and so is the room it had
 * ahead. From then on a reader comes to an end of it. Does nothing to a journal that has its end. Safe to do again after a crash here.
 * @returns the number of bytes cut that were not zeros
 * @throws JournalVersionError where a newer version wrote it
 */
export function cutTornTail(directory: string): number {
  if (!existsSync(directory)) return 0;
  const segments = readdirSync(directory)
    .map((name) => Number.parseInt(name, 10))
    .filter((number) => Number.isInteger(number));
  if (segments.length === 0) return 0;
  const number = Math.max(...segments);
  const file = openSync(join(directory, segmentFile(number)), 'r+');
  try {
    const bytes = Buffer.alloc(fstatSync(file).size);
    let count = 0;
    for (let got = 1; got > 0 && count < bytes.length; count += got) got = readSync(file, bytes, count, bytes.length - count, count);
    return cut(directory, { number, file, bytes });
  } finally {
    closeSync(file);
  }
}

function cut(directory: string, { number, file, bytes }: { number: number; file: number; bytes: Buffer }): number {
  const header = decodeHeader(bytes);
  // Its writer died before it had one, or it is damaged: what is there is left for the reader to report, and the end stands behind it.
  if (header === null) {
    endBehind(directory, number + 1);
    return 0;
  }
  if (header.version > JOURNAL_VERSION)
    throw new JournalVersionError(`journal segment ${segmentFile(number)} was written by a newer version`);
  const last = lastFrame(bytes, header.salt);
  if (last.ended) return 0;
  const torn = bytes.subarray(last.end);
  const end = encodeFrame(FrameKind.end, Buffer.from(JSON.stringify({ last: true })), last.seq ?? header.firstSeq, header.salt);
  ftruncateSync(file, last.end);
  writeSync(file, end, 0, end.length, last.end);
  fsyncSync(file);
  return isZero(torn) ? 0 : torn.length;
}

/** Where the last whole frame ends, wherever damage lies in front of it, and the number that would follow. */
function lastFrame(bytes: Buffer, salt: number): { end: number; seq: number | null; ended: boolean } {
  let last: { end: number; seq: number | null; ended: boolean } = { end: HEADER_BYTES, seq: null, ended: false };
  for (let at = HEADER_BYTES; at < bytes.length; ) {
    const frame = frameAt(bytes, at, salt);
    if (frame.is !== 'frame') {
      at = findFrame(bytes, at, salt);
      if (at < 0) break;
      continue;
    }
    at += frame.sizeBytes;
    const isEntry = frame.kind === FrameKind.statement || frame.kind === FrameKind.outcome || frame.kind === FrameKind.entry;
    last = { end: at, seq: frame.seq + (isEntry ? 1 : 0), ended: frame.kind === FrameKind.end };
  }
  return last;
}

function endBehind(directory: string, number: number): void {
  const file = openSync(join(directory, segmentFile(number)), 'wx', 0o600);
  try {
    const header = encodeHeader({ version: JOURNAL_VERSION, segment: number, salt: 0, firstSeq: 0 });
    writeSync(file, Buffer.concat([header, encodeFrame(FrameKind.end, Buffer.from(JSON.stringify({ last: true })), 0, 0)]));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
