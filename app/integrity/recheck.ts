import type { StatementProof } from '../data/types';

/** One thing that was looked at, in words, and whether it holds. */
export interface Check {
  what: string;
  ok: boolean;
}

const HASH_BYTES = 32;
const KEY_ID_BYTES = 4;
const ED25519 = 1;

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * The proof again, here, with this browser's own cryptography: the leaf is of this statement, its path leads to the root that the checkpoint
 * names (RFC 9162, section 2.1.3.2), and the checkpoint is signed with the log's key (C2SP signed-note, Ed25519). Never throws: what cannot
 * be read does not hold.
 */
export async function recheck(proof: StatementProof): Promise<Check[]> {
  const leaf = read(() => bytesOf(proof.leaf));
  const path = read(() => proof.path.map(bytesOf));
  const note = read(() => parseNote(proof.checkpoint));
  const key = read(() => parseKey(proof.publicKey));
  const root = leaf && path ? await rootOf(proof.index, proof.size, leaf, path) : null;
  const named = note !== null && note.size === proof.size && root !== null && same(root, note.root);
  return [
    {
      what: `entry ${proof.index.toLocaleString()} is the record of ${proof.statementId}`,
      ok: leaf !== null && isOf(leaf, proof.statementId),
    },
    { what: `its ${proof.path.length} hashes lead to the root of ${proof.size.toLocaleString()} entries in the checkpoint`, ok: named },
    {
      what: `the checkpoint is signed by ${key?.name ?? 'no key that can be read'}`,
      ok: note !== null && key !== null && (await isSigned(note, key)),
    },
  ];
}

function read<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}

/** The id is looked for in the entry itself: a proof of some other entry proves nothing of this one. */
function isOf(leaf: Bytes, statementId: string): boolean {
  const parsed = read(
    () => JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(leaf)) as { entry?: { type?: unknown; id?: unknown } },
  );
  return parsed?.entry?.type === 'statement' && parsed.entry.id === statementId;
}

/** The root a proof leads to; null when it has the wrong length for that place. */
async function rootOf(index: number, size: number, leaf: Bytes, path: readonly Bytes[]): Promise<Bytes | null> {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return null;
  let node = index;
  let last = size - 1;
  let hash = await sha256(0, leaf);
  for (const beside of path) {
    if (last === 0 || beside.length !== HASH_BYTES) return null;
    if (node % 2 === 1 || node === last) {
      hash = await sha256(1, beside, hash);
      while (node % 2 === 0 && node !== 0) {
        node /= 2;
        last = Math.floor(last / 2);
      }
    } else hash = await sha256(1, hash, beside);
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 ? hash : null;
}

async function sha256(prefix: number, ...parts: Bytes[]): Promise<Bytes> {
  const all = new Uint8Array(1 + parts.reduce((sum, part) => sum + part.length, 0));
  all[0] = prefix;
  let at = 1;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest('SHA-256', all));
}

interface Note {
  text: string;
  size: number;
  root: Bytes;
  signatures: { name: string; keyId: Bytes; signature: Bytes }[];
}

/** c2sp.org/tlog-checkpoint in c2sp.org/signed-note. @throws Error where it is none */
function parseNote(source: string): Note {
  const end = source.lastIndexOf('\n\n');
  if (end < 0) throw new Error('no note');
  const text = source.slice(0, end + 1);
  const [, size = '', root = ''] = text.split('\n');
  const signatures = source
    .slice(end + 2)
    .split('\n')
    .filter((line) => line.startsWith('— '))
    .map((line) => {
      const [, name = '', encoded = ''] = line.split(' ');
      const bytes = bytesOf(encoded);
      return { name, keyId: bytes.slice(0, KEY_ID_BYTES), signature: bytes.slice(KEY_ID_BYTES) };
    });
  return { text, size: Number(size), root: bytesOf(root), signatures };
}

interface Key {
  name: string;
  id: string;
  bytes: Bytes;
}

/** `name+hash+base64`. @throws Error where it is none, or none of Ed25519 */
function parseKey(text: string): Key {
  const [name = '', id = '', ...rest] = text.split('+');
  const typed = bytesOf(rest.join('+'));
  if (typed[0] !== ED25519 || typed.length !== 1 + 32) throw new Error('no Ed25519 key');
  return { name, id, bytes: typed.slice(1) };
}

async function isSigned(note: Note, key: Key): Promise<boolean> {
  const own = note.signatures.filter(({ name, keyId }) => name === key.name && hex(keyId) === key.id);
  if (own.length === 0) return false;
  try {
    const imported = await crypto.subtle.importKey('raw', key.bytes, { name: 'Ed25519' }, false, ['verify']);
    const text = new TextEncoder().encode(note.text);
    for (const { signature } of own) if (!(await crypto.subtle.verify({ name: 'Ed25519' }, imported, signature, text))) return false;
    return true;
  } catch {
    // A browser without Ed25519: what it cannot check, it does not vouch for.
    return false;
  }
}

const bytesOf = (base64: string): Bytes => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
const hex = (bytes: Bytes): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
const same = (a: Bytes, b: Bytes): boolean => a.length === b.length && a.every((byte, index) => byte === b[index]);
