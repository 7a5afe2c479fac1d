import type { Writable } from 'node:stream';

/** Adds to the end: a view of the bytes right behind the last one becomes one view with it, so that what nothing changed leaves as it came. */
export function addPiece(pieces: Buffer[], bytes: Buffer): void {
  const last = pieces.at(-1);
  if (last !== undefined && last.buffer === bytes.buffer && last.byteOffset + last.length === bytes.byteOffset)
    pieces[pieces.length - 1] = Buffer.from(last.buffer as ArrayBuffer, last.byteOffset, last.length + bytes.length);
  else pieces.push(bytes);
}

/** In few writes. What goes to a socket that is closed goes nowhere. */
export function writePieces(socket: Writable, pieces: readonly Buffer[]): void {
  const [first] = pieces;
  if (first === undefined || socket.destroyed || socket.writableEnded) return;
  if (pieces.length === 1) {
    socket.write(first);
    return;
  }
  socket.cork();
  for (const piece of pieces) socket.write(piece);
  socket.uncork();
}
