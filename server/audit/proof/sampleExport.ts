import { parseCheckpoint } from '../../../proxy/tlog/checkpoint';
import type { Report } from './report';
import { newestCheckpoint, type SampleLog } from './sampleLog';
import type { Kept } from './trust';
import { Verification } from './verification';
import { exportLines } from './write';

export const NOTHING_KEPT: Kept = { checkpoints: [], publicKey: null };

/** For tests: what `audit export` writes of a sample log. */
export async function exported(log: SampleLog, options: { from?: number; values?: boolean; kept?: number[] } = {}): Promise<string> {
  const parts: Buffer[] = [];
  const range = { from: options.from ?? 0, checkpoint: newestCheckpoint(log) };
  for await (const part of exportLines(log, range, options.values === false ? null : log.open, options.kept ?? [])) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

/** For tests: what `audit verify` says of a file with this text. */
export function verifyText(text: string, kept: Kept = NOTHING_KEPT): Report {
  const verification = new Verification(kept);
  const lines = text.split('\n');
  const last = lines.pop() ?? '';
  for (const line of lines) verification.line(Buffer.from(line));
  if (last !== '') verification.line(Buffer.from(last));
  return verification.end(last === '');
}

/** For tests: the checkpoint that somebody kept when the log had signed `at` others. */
export const keptAt = (log: SampleLog, at: number): Kept => ({
  checkpoints: [parseCheckpoint(log.notes[at] ?? '')],
  publicKey: null,
});
