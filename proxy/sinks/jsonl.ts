import { closeSync, fdatasyncSync, fstatSync, ftruncateSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import { gapLine, lineOf } from './line';
import { type Sink, SinkError } from './sink';

/**
 * JSON Lines, one an entry, appended to a file and synchronised with the disk. Where another program has renamed it (logrotate), the next
 * batch opens it anew. Half a line that a crash left is cut, and an entry that is in the file already is not written again.
 */
export function createJsonLines(path: string): Sink {
  let file: number | null = null;
  let last = -1;

  const open = () => {
    if (file !== null && sameFile(file, path)) return file;
    if (file !== null) closeSync(file);
    file = null;
    const opened = openSync(path, 'a+', 0o600);
    last = Math.max(last, lastIndex(opened));
    file = opened;
    return opened;
  };

  return {
    batch: 1_000,
    send(records, gap) {
      try {
        const into = open();
        const lines = records.filter(({ index }) => index > last).map(lineOf);
        if (gap !== null && gap.to > last) lines.unshift(gapLine(gap));
        if (lines.length === 0) return Promise.resolve();
        const bytes = Buffer.from(`${lines.join('\n')}\n`);
        const before = fstatSync(into).size;
        if (writeSync(into, bytes) !== bytes.length) {
          ftruncateSync(into, before);
          throw new SinkError('the disk took only part of it');
        }
        fdatasyncSync(into);
        last = Math.max(last, records.at(-1)?.index ?? last);
        return Promise.resolve();
      } catch (error) {
        if (error instanceof SinkError) return Promise.reject(error);
        const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
        return Promise.reject(new SinkError(`the file cannot be written (${code})`));
      }
    },
    close() {
      if (file !== null) closeSync(file);
      file = null;
      return Promise.resolve();
    },
  };
}

function sameFile(file: number, path: string): boolean {
  try {
    const [own, there] = [fstatSync(file), statSync(path)];
    return own.ino === there.ino && own.dev === there.dev;
  } catch {
    return false;
  }
}

/** The index in the last whole line; -1 where there is none. Cuts what stands behind it. */
function lastIndex(file: number): number {
  const { size } = fstatSync(file);
  for (let want = 64 * 1024; ; want *= 8) {
    const length = Math.min(want, size);
    const bytes = Buffer.alloc(length);
    readSync(file, bytes, 0, length, size - length);
    const end = bytes.lastIndexOf(0x0a);
    const start = end < 0 ? -1 : bytes.lastIndexOf(0x0a, end - 1);
    if (length < size && (end < 0 || start < 0)) continue;
    if (end + 1 < length) ftruncateSync(file, size - (length - end - 1));
    if (end < 0) return -1;
    const line = bytes.subarray(start + 1, end).toString('utf8');
    const index = /^\{"index":(\d+),/.exec(line)?.[1];
    const gap = /^\{"gap":\{"from":\d+,"to":(\d+)\}\}$/.exec(line)?.[1];
    return index !== undefined ? Number(index) : gap !== undefined ? Number(gap) - 1 : -1;
  }
}
