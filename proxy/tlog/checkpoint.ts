import { readBase64 } from './base64';
import type { TreeHead } from './consistency';
import { HASH_BYTES } from './hash';
import { type Note, parseNote, signNote } from './note';
import type { NoteSigner } from './noteKey';

/** c2sp.org/tlog-checkpoint: what a log commits to when it signs. */
export interface Checkpoint extends TreeHead {
  /** Names the log; never changes. */
  origin: string;
  /** Further lines, e.g. the time. None is empty. */
  extensions: readonly string[];
}

/** A checkpoint with its signatures. */
export interface SignedCheckpoint extends Checkpoint {
  note: Note;
  /** The whole signed note, as it is kept. */
  source: string;
}

export function formatCheckpoint({ origin, size, root, extensions }: Checkpoint): string {
  const lines = [origin, String(size), root.toString('base64'), ...extensions];
  if (lines.some((line) => line === '' || line.includes('\n'))) throw new Error('a line of a checkpoint is neither empty nor two');
  return `${lines.join('\n')}\n`;
}

/** @throws Error that says what is wrong with it */
export function parseCheckpointText(text: string): Checkpoint {
  const [origin = '', size = '', root = '', ...extensions] = text.split('\n').slice(0, -1);
  if (origin === '' || !text.endsWith('\n')) throw new Error('a checkpoint begins with the origin of its log');
  if (!/^(0|[1-9]\d*)$/.test(size) || !Number.isSafeInteger(Number(size)))
    throw new Error('the second line of a checkpoint is its number of entries');
  const hash = readBase64(root, HASH_BYTES);
  if (hash === null) throw new Error('the third line of a checkpoint is its root hash in base64');
  if (extensions.includes('')) throw new Error('a line of the checkpoint is empty');
  return { origin, size: Number(size), root: hash, extensions };
}

/** Reads a signed checkpoint; whose signature counts is asked separately (`signatureOf`). @throws Error that says what is wrong with it */
export function parseCheckpoint(source: string): SignedCheckpoint {
  const note = parseNote(source);
  return { ...parseCheckpointText(note.text), note, source };
}

/** A signed note. The signer's name is the origin, so that whoever reads the note finds the key. */
export function signCheckpoint(head: TreeHead, signer: NoteSigner, extensions: readonly string[] = []): string {
  return signNote(formatCheckpoint({ origin: signer.name, ...head, extensions }), signer);
}
