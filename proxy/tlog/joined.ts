/** More than this is rare, and not worth keeping the room for. */
const MOST_BYTES = 64 * 1024;
const scratch = Buffer.alloc(MOST_BYTES);

/**
 * Pieces in one, for a hash that is made at once: the bytes are those of the next call when that comes. A tree hashes a dozen short inputs a
 * statement, and a buffer made for each costs more than its hash.
 */
export function joined(...pieces: readonly (Uint8Array | string)[]): Uint8Array {
  let most = 0;
  // No UTF-16 unit takes more than three bytes.
  for (const piece of pieces) most += typeof piece === 'string' ? piece.length * 3 : piece.length;
  const into = most <= MOST_BYTES ? scratch : Buffer.allocUnsafe(most);
  let at = 0;
  for (const piece of pieces)
    if (typeof piece === 'string') at += into.write(piece, at);
    else {
      into.set(piece, at);
      at += piece.length;
    }
  return into.subarray(0, at);
}
