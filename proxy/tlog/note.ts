import { readBase64 } from './base64';
import { isKeyName, type NoteKey, type NoteSigner, signedBy, signText } from './noteKey';

/** One line `— name base64(key id, signature)`. */
export interface NoteSignature {
  name: string;
  /** 4 bytes */
  keyId: Buffer;
  signature: Buffer;
  /** As it stands in the note, without its end. */
  line: string;
}

/** c2sp.org/signed-note: a text, an empty line, and who signed it. */
export interface Note {
  /** Ends with a line feed; this is what is signed. */
  text: string;
  signatures: readonly NoteSignature[];
}

const MAX_NOTE_CHARS = 1_000_000;
const DASH = '\u2014 ';

/** @throws Error that says what is wrong with it */
export function parseNote(source: string): Note {
  if (source.length > MAX_NOTE_CHARS) throw new Error('the note is longer than a million characters');
  // Control characters would let a terminal show another text than the one that is signed; so does the specification.
  if (/[^\P{Cc}\n]/u.test(source) || source.includes('\uFFFD')) throw new Error('the note has characters that no note may have');
  const end = source.lastIndexOf('\n\n');
  if (end < 0 || !source.endsWith('\n')) throw new Error('a note is a text, an empty line and signature lines');
  const lines = source.slice(end + 2, -1).split('\n');
  return { text: source.slice(0, end + 1), signatures: lines.map(parseSignature) };
}

export function parseSignature(line: string): NoteSignature {
  const [name = '', encoded = '', ...more] = line.startsWith(DASH) ? line.slice(DASH.length).split(' ') : [];
  const bytes = readBase64(encoded);
  if (!isKeyName(name) || bytes === null || bytes.length < 5 || more.length > 0)
    throw new Error('a signature line of the note is not "— name base64"');
  return { name, keyId: bytes.subarray(0, 4), signature: bytes.subarray(4), line };
}

/** Signs a text that ends with a line feed. */
export function signNote(text: string, signer: NoteSigner): string {
  if (!text.endsWith('\n')) throw new Error('the text of a note ends with a line feed');
  return `${text}\n${signatureLine(text, signer)}\n`;
}

/** `— name base64`, without its end. @param atSeconds of a witness: since 1970 */
export function signatureLine(text: string, signer: NoteSigner, atSeconds = 0): string {
  return `${DASH}${signer.name} ${Buffer.concat([signer.id, signText(signer, text, atSeconds)]).toString('base64')}`;
}

/** A note with further signature lines of witnesses; lines it has already are not added again. */
export function withSignatures(note: string, lines: readonly string[]): string {
  const known = new Set(parseNote(note).signatures.map(({ line }) => line));
  const added = lines.filter((line) => !known.has(parseSignature(line).line));
  return note + added.map((line) => `${line}\n`).join('');
}

/**
 * Whether the note has a good signature of this key: `valid`, `wrong` (its name and id are there, the signature is not its own), or
 * `absent`. Signatures of others are passed over, as the specification wants it.
 */
export function signatureOf(note: Note, key: NoteKey): 'valid' | 'wrong' | 'absent' {
  const own = note.signatures.filter(({ name, keyId }) => name === key.name && keyId.equals(key.id));
  if (own.length === 0) return 'absent';
  return own.every(({ signature }) => signedBy(key, note.text, signature)) ? 'valid' : 'wrong';
}

/**
 * Several checkpoints that stand one behind the other, as a file witness keeps them: their texts have no empty line. What a crash cut short
 * is a part of its own, and no note.
 */
export function splitNotes(source: string): string[] {
  const notes: string[] = [];
  let text: string | null = null;
  for (const block of source.split(/\n{2,}/).map((part) => part.replace(/^\n+|\n+$/g, ''))) {
    const isText = (line: string) => !line.startsWith(DASH);
    // Where no empty line parts two notes, a text begins behind signatures.
    const lines: string[] = block.split('\n');
    const signed: number = text === null ? 0 : lines.findIndex(isText);
    const signatures = signed < 0 ? lines : lines.slice(0, signed);
    if (text !== null) notes.push(signatures.length > 0 ? `${text}\n\n${signatures.join('\n')}\n` : `${text}\n`);
    const rest = lines.slice(signatures.length).join('\n');
    text = rest === '' ? null : rest;
  }
  if (text !== null) notes.push(`${text}\n`);
  return notes;
}
