import type { LogReader, LogRecord } from '../../../proxy/record/leaf';
import { parseCheckpoint, type SignedCheckpoint } from '../../../proxy/tlog/checkpoint';
import type { ExportRange } from './write';

/** Entries of several workers are in the order they were recorded, which is that of their times but for this. */
const ORDER_SLACK_MS = 60_000;
const BATCH = 256;

/** Entries since and until a time, both of which may lie a minute wide; the end is where a checkpoint speaks of all of it. */
export function rangeOf(log: LogReader, newest: SignedCheckpoint, time: { sinceMs: number | null; untilMs: number | null }): ExportRange {
  const from = time.sinceMs === null ? log.first : firstAfter(log, newest.size, time.sinceMs - ORDER_SLACK_MS);
  if (time.untilMs === null) return { from, checkpoint: newest };
  const end = Math.max(from, firstAfter(log, newest.size, time.untilMs + ORDER_SLACK_MS));
  return { from, checkpoint: checkpointAfter(log, end, newest) };
}

/** Index of the first entry written at `atMs` or later, by halving; `size` where there is none. */
export function firstAfter(log: LogReader, size: number, atMs: number): number {
  let low = log.first;
  let high = size;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const found = timeFrom(log, middle, high);
    if (found === null || found.atMs >= atMs) high = middle;
    else low = found.index + 1;
  }
  return low;
}

/** The first entry in [index, end) that says its time; null where none does. */
function timeFrom(log: LogReader, index: number, end: number): { index: number; atMs: number } | null {
  for (let at = index; at < end; ) {
    const records = log.read(at, Math.min(end - at, at === index ? 8 : BATCH));
    for (const record of records) {
      const { atMs } = record.leaf.entry;
      if (typeof atMs === 'number') return { index: record.index, atMs };
    }
    if (records.length === 0) return null;
    at += records.length;
  }
  return null;
}

/** The first checkpoint in the log that speaks of `size` entries or more, or the newest one. */
export function checkpointAfter(log: LogReader, size: number, newest: SignedCheckpoint): SignedCheckpoint {
  for (let at = size; at < newest.size; ) {
    const records = log.read(at, BATCH);
    for (const record of records)
      for (const checkpoint of checkpointsIn(record))
        if (checkpoint.origin === newest.origin && checkpoint.size >= size && checkpoint.size <= newest.size) return checkpoint;
    if (records.length === 0) break;
    at += records.length;
  }
  return newest;
}

function checkpointsIn({ leaf }: LogRecord): SignedCheckpoint[] {
  const { type, notes } = leaf.entry;
  if (type !== 'checkpoint' || !Array.isArray(notes)) return [];
  return notes.filter((note) => typeof note === 'string').map(parseCheckpoint);
}
