import { hash } from 'node:crypto';
import { joined } from './joined';

/** Hashes of the tree are SHA-256: 32 bytes. */
export const HASH_BYTES = 32;

// The prefixes part leaves from nodes, so that no leaf can be taken for the two children of a node (RFC 9162, section 2.1.1).
const LEAF = Buffer.of(0);
const NODE = Buffer.of(1);

/** Hash of the tree without entries. */
export const EMPTY_ROOT: Buffer = sha256(Buffer.alloc(0));

/** Hash of one entry: SHA-256(0x00, entry). RFC 9162, section 2.1.1 */
export const leafHash = (entry: Uint8Array): Buffer => sha256(joined(LEAF, entry));

/** Hash of a node: SHA-256(0x01, left, right). RFC 9162, section 2.1.1 */
export const nodeHash = (left: Uint8Array, right: Uint8Array): Buffer => sha256(joined(NODE, left, right));

/** By way of a string of its bytes: made in a third of the time that a buffer outside of the heap takes. */
export function sha256(bytes: Uint8Array): Buffer {
  return Buffer.from(hash('sha256', bytes, 'binary'), 'latin1');
}
