import { createReadStream } from 'node:fs';
import type { Report } from './report';
import type { Kept } from './trust';
import { Verification } from './verification';

/** The largest entry of a journal in JSON, with room for the values and paths beside it. */
const MAX_LINE_BYTES = 512 * 1024 * 1024;
const LINE_FEED = 0x0a;

/**
 * Verifies a file of any length, in memory that does not grow with it. Reads nothing but the file.
 * @param onProgress called now and then with the bytes that were read, and whether for the second time
 * @throws Error of the file system, and where a line is longer than any that a gateway writes
 */
export async function verifyFile(
  path: string,
  kept: Kept,
  onProgress: (readBytes: number, again: boolean) => void = () => undefined,
): Promise<Report> {
  const first = new Verification(kept);
  const report = first.end(await readLines(path, first, (bytes) => onProgress(bytes, false)));
  // A checkpoint is quoted by a later entry. Where many lie between them, the root of that time is gone, and is made again.
  if (first.late.length === 0) return report;
  const second = new Verification(kept, first.late);
  return second.end(await readLines(path, second, (bytes) => onProgress(bytes, true)));
}

/** @returns whether the file ends with the end of a line */
async function readLines(path: string, verification: Verification, onProgress: (readBytes: number) => void): Promise<boolean> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let readBytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      const rest = chunk.subarray(start, end);
      verification.line(pending.length === 0 ? rest : Buffer.concat([...pending, rest]));
      pending = [];
      pendingBytes = 0;
      start = end + 1;
    }
    if (start < chunk.length) {
      pending.push(chunk.subarray(start));
      pendingBytes += chunk.length - start;
    }
    if (pendingBytes > MAX_LINE_BYTES) throw new Error(`${path} has a line that is longer than any entry: this is no file of audit export`);
    readBytes += chunk.length;
    onProgress(readBytes);
  }
  if (pendingBytes > 0) verification.line(Buffer.concat(pending));
  return pendingBytes === 0;
}
