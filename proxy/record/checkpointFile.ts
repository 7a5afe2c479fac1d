import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { keptSecret, writePrivately } from '../../db/embedded/cluster';
import { open, seal } from '../../db/secrets';
import { parseCheckpoint } from '../tlog/checkpoint';
import { splitNotes } from '../tlog/note';
import { type NoteSigner, newSeed, noteSigner } from '../tlog/noteKey';
import { recordDirectory } from './segments';

const keyPath = (dataDir: string) => join(recordDirectory(dataDir), 'checkpoint-key');
const publicPath = (dataDir: string) => join(recordDirectory(dataDir), 'checkpoint-key.pub');
const notePath = (dataDir: string) => join(recordDirectory(dataDir), 'checkpoints');
const nodePath = (dataDir: string) => join(recordDirectory(dataDir), 'node');

/** A crash between a group of the log and its checkpoint leaves at most one note about entries that are not there. */
const NOTES_KEPT = 2;

/** The origin of a node's checkpoints: what its key is called. */
export const originOf = (node: string): string => `gatehouse/${node}`;

/**
 * The name that the log in this directory has, which it keeps. @throws Error when it belongs to another node than `wanted`
 */
export function keepNodeName(dataDir: string, wanted: string): string {
  const name = keptSecret(nodePath(dataDir), () => wanted);
  if (name !== wanted)
    throw new Error(
      `the record in ${recordDirectory(dataDir)} is that of node ${name}, and this gateway is called ${wanted}: set GATEHOUSE_NODE=${name}, or move the folder away to begin a new record (keep it: it is the proof of what happened)`,
    );
  return name;
}

/**
 * The key that signs checkpoints: made at the first start, in a file of mode 0600, sealed with GATEHOUSE_SECRET_KEY; its public part
 * beside it.
 * @throws Error when GATEHOUSE_SECRET_KEY is another than the key was sealed with
 */
export function openCheckpointKey(dataDir: string, node: string, secretKey: Buffer): NoteSigner {
  const boundTo = `checkpoint key of ${node}`;
  const envelope = keptSecret(keyPath(dataDir), () => seal(secretKey, newSeed().toString('base64'), boundTo));
  let seed: string;
  try {
    seed = open(secretKey, envelope, boundTo);
  } catch {
    throw new Error(
      `${keyPath(dataDir)} does not open: it was sealed with another GATEHOUSE_SECRET_KEY, or is another node's; restore the key it was sealed with`,
    );
  }
  const signer = noteSigner(originOf(node), Buffer.from(seed, 'base64'));
  if (!existsSync(publicPath(dataDir)) || readPublicKey(dataDir) !== signer.text) writePrivately(publicPath(dataDir), signer.text);
  return signer;
}

/** `name+hash+base64`; empty before the first start. */
export function readPublicKey(dataDir: string): string {
  return existsSync(publicPath(dataDir)) ? readFileSync(publicPath(dataDir), 'utf8').trim() : '';
}

/** The last signed notes of this log, newest first. */
export function readNotes(dataDir: string): string[] {
  return existsSync(notePath(dataDir)) ? splitNotes(readFileSync(notePath(dataDir), 'utf8')) : [];
}

/** Keeps a note on this disk, where it does not depend on the store; one about as many entries is replaced. */
export function keepNote(dataDir: string, note: string): void {
  const { size } = parseCheckpoint(note);
  const earlier = readNotes(dataDir).filter((other) => parseCheckpoint(other).size !== size);
  const notes = [note, ...earlier].slice(0, NOTES_KEPT);
  writePrivately(notePath(dataDir), notes.join('\n').trimEnd());
}

/** The newest note about entries that are all among the first `size`. */
export const newestNote = (notes: readonly string[], size: number): string | null =>
  notes.find((note) => parseCheckpoint(note).size <= size) ?? null;
