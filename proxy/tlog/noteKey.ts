import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { readBase64 } from './base64';
import { sha256 } from './hash';

/** Signature types of c2sp.org/signed-note: of a log over its notes, and of a witness over somebody's checkpoint with the time. */
const ED25519 = 0x01;
const COSIGNATURE_V1 = 0x04;

const KEY_BYTES = 32;
const KEY_ID_BYTES = 4;
const SIGNATURE_BYTES = 64;
/** DER of an Ed25519 key up to its bytes (RFC 8410, sections 4 and 7). */
const PUBLIC_DER = Buffer.from('302a300506032b6570032100', 'hex');
const PRIVATE_DER = Buffer.from('302e020100300506032b657004220420', 'hex');

/** A public key under its name, as c2sp.org/signed-note writes it: `name+hash+base64`. */
export interface NoteKey {
  name: string;
  /** log: signs notes. witness: cosigns checkpoints (c2sp.org/tlog-cosignature). */
  type: 'log' | 'witness';
  /** 4 bytes; a hint which key signed, never a proof. */
  id: Buffer;
  publicKey: KeyObject;
  /** `name+hash+base64` */
  text: string;
}

export interface NoteSigner extends NoteKey {
  /** Whoever holds it signs in the log's name: kept sealed, never printed. */
  privateKey: KeyObject;
}

/** A name stands in a signature line before a space and in a key before a plus. */
const NAME = /^[^\s+\p{Cc}]+$/u;
export const isKeyName = (name: string): boolean => NAME.test(name);

/** @throws Error that says what is wrong with it */
export function parseNoteKey(text: string): NoteKey {
  const [name = '', hash = '', ...rest] = text.trim().split('+');
  // Base64 has plus signs of its own.
  const bytes = readBase64(rest.join('+'));
  if (!isKeyName(name) || !/^[0-9a-f]{8}$/.test(hash) || bytes === null || bytes.length !== 1 + KEY_BYTES)
    throw new Error('a public key is written name+hash+base64');
  const type = bytes[0] === ED25519 ? 'log' : bytes[0] === COSIGNATURE_V1 ? 'witness' : null;
  if (type === null) throw new Error(`signature type ${bytes[0]} of the key is not known: Ed25519 alone is`);
  const key = noteKey(name, bytes.subarray(1), type);
  if (key.id.toString('hex') !== hash) throw new Error('the hash in the public key is not that of its name and bytes');
  return key;
}

/** @param bytes the 32 bytes of an Ed25519 public key */
export function noteKey(name: string, bytes: Buffer, type: NoteKey['type'] = 'log'): NoteKey {
  if (!isKeyName(name)) throw new Error('the name of a key has no white space and no plus sign');
  if (bytes.length !== KEY_BYTES) throw new Error('an Ed25519 public key is 32 bytes');
  const typed = Buffer.concat([Buffer.of(type === 'log' ? ED25519 : COSIGNATURE_V1), bytes]);
  const id = sha256(Buffer.concat([Buffer.from(`${name}\n`), typed])).subarray(0, KEY_ID_BYTES);
  const publicKey = createPublicKey({ key: Buffer.concat([PUBLIC_DER, bytes]), format: 'der', type: 'spki' });
  return { name, type, id, publicKey, text: `${name}+${id.toString('hex')}+${typed.toString('base64')}` };
}

/** @param seed the 32 secret bytes of an Ed25519 key */
export function noteSigner(name: string, seed: Buffer, type: NoteKey['type'] = 'log'): NoteSigner {
  if (seed.length !== KEY_BYTES) throw new Error('the seed of an Ed25519 key is 32 bytes');
  const privateKey = createPrivateKey({ key: Buffer.concat([PRIVATE_DER, seed]), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return { ...noteKey(name, spki.subarray(PUBLIC_DER.length), type), privateKey };
}

/** A new seed for {@link noteSigner}: 32 secret bytes. */
export const newSeed = (): Buffer =>
  generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(PRIVATE_DER.length);

/** The bytes behind the key id in a signature line over `text`. @param atSeconds of a witness: since 1970 */
export function signText(signer: NoteSigner, text: string, atSeconds = 0): Buffer {
  if (signer.type === 'log') return sign(null, Buffer.from(text), signer.privateKey);
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(atSeconds));
  return Buffer.concat([time, sign(null, cosigned(text, BigInt(atSeconds)), signer.privateKey)]);
}

/** Whether `signature` (without its key id) is this key's over `text`. */
export function signedBy(key: NoteKey, text: string, signature: Buffer): boolean {
  if (key.type === 'log') return signature.length === SIGNATURE_BYTES && verify(null, Buffer.from(text), key.publicKey, signature);
  if (signature.length !== 8 + SIGNATURE_BYTES) return false;
  return verify(null, cosigned(text, signature.readBigUInt64BE(0)), key.publicKey, signature.subarray(8));
}

/** What a witness signs: c2sp.org/tlog-cosignature */
const cosigned = (text: string, atSeconds: bigint): Buffer => Buffer.from(`cosignature/v1\ntime ${atSeconds}\n${text}`);
