import type { Writable } from 'node:stream';

/**
 * Gathers what goes to one socket and hands it over in few writes: neighbouring views of one chunk become one view again,
 * so bytes that nothing changed leave as they came.
 */
export class Out {
  readonly #socket: Writable;
  #pieces: Buffer[] = [];

  constructor(socket: Writable) {
    this.#socket = socket;
  }

  append(bytes: Buffer): void {
    const last = this.#pieces.at(-1);
    if (last !== undefined && last.buffer === bytes.buffer && last.byteOffset + last.length === bytes.byteOffset) {
      this.#pieces[this.#pieces.length - 1] = Buffer.from(last.buffer as ArrayBuffer, last.byteOffset, last.length + bytes.length);
    } else {
      this.#pieces.push(bytes);
    }
  }

  /** False when the socket wants a pause. */
  flush(): boolean {
    const pieces = this.#pieces;
    if (pieces.length === 0) return !this.#socket.writableNeedDrain;
    this.#pieces = [];
    if (this.#socket.destroyed || this.#socket.writableEnded) return true;
    const [first] = pieces;
    if (pieces.length === 1 && first !== undefined) {
      this.#socket.write(first);
    } else {
      this.#socket.cork();
      for (const piece of pieces) this.#socket.write(piece);
      this.#socket.uncork();
    }
    return !this.#socket.writableNeedDrain;
  }
}
