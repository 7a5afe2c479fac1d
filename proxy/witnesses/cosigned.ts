import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { recordDirectory } from '../record/segments';
import { parseCheckpoint, type SignedCheckpoint } from '../tlog/checkpoint';
import { withSignatures } from '../tlog/note';

const pathOf = (dataDir: string) => join(recordDirectory(dataDir), 'cosigned');

/** Keeps what witnesses signed of the newest checkpoint, beside the log: whoever is given the checkpoint gets their signatures too. */
export function keepCosigned(dataDir: string, checkpoint: SignedCheckpoint, lines: readonly string[]): void {
  const path = pathOf(dataDir);
  const kept = existsSync(path) ? readHead(readFileSync(path, 'utf8')) : null;
  if (kept !== null && kept.size > checkpoint.size) return;
  const note = kept?.note.text === checkpoint.note.text ? kept.source : checkpoint.source;
  // Never half a note, whenever it is read.
  writeFileSync(`${path}.new`, withSignatures(note, lines), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** A checkpoint with what witnesses signed of it, if they have yet. */
export function readCosigned(dataDir: string, checkpoint: SignedCheckpoint): string {
  const path = pathOf(dataDir);
  const kept = existsSync(path) ? readHead(readFileSync(path, 'utf8')) : null;
  if (kept?.note.text !== checkpoint.note.text) return checkpoint.source;
  const known = new Set(checkpoint.note.signatures.map(({ line }) => line));
  return withSignatures(
    checkpoint.source,
    kept.note.signatures.map(({ line }) => line).filter((line) => !known.has(line)),
  );
}

/** It is a convenience: one that cannot be read is none. */
function readHead(text: string): SignedCheckpoint | null {
  try {
    return parseCheckpoint(text);
  } catch {
    return null;
  }
}
