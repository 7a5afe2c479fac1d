import { createReadStream } from 'node:fs';
import type { Report } from './report';
import type { Kept } from './trust';
import { Verification } from './verification';

/** The largest entry of a journal in JSON, with room for the values and paths beside it. */
const MAX_LINE_BYTES = 512 * 1024 * 1024;
const LINE_FEED = 0x0a;

/**
 * Verifies a file of any length. Reads nothing but the file.
 * @param onProgress called now and then with the bytes that were read
 * @throws Error of the file system, and where a line is longer than any that a gateway writes
 */
export async function verifyFile(path: string, kept: Kept, onProgress: (readBytes: number) => void = () => undefined): Promise<Report> {
  const verification = new Verification(kept);
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
  return verification.end(pendingBytes === 0);
}
