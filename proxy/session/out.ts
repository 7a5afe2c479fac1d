import type { Writable } from 'node:stream';
import { CellOut } from '../masking/cellOut';
import { addPiece, writePieces } from './pieces';

/** Room for what one chunk of an answer becomes; a larger one grew for a large row and is let go after it. */
const ROOM_BYTES = 128 * 1024;

/** Of the result of a statement whose rows are counted before it stands. */
export const MAX_HELD_BYTES = 16 * 1024 * 1024;

/** Where messages are written that did not come as they leave. One serves every session: what one wrote is taken out before the next writes. */
let room = new CellOut(ROOM_BYTES);
let tenant: Out | null = null;

/**
 * Gathers what goes to one socket and hands it over in few writes: neighbouring views of one chunk become one view again,
 * so bytes that nothing changed leave as they came.
 */
export class Out {
  readonly #socket: Writable;
  #pieces: Buffer[] = [];
  /** Bytes held back since hold(); null while nothing is. */
  #heldBytes: number | null = null;

  constructor(socket: Writable) {
    this.#socket = socket;
  }

  append(bytes: Buffer): void {
    if (tenant === this) moveOut();
    this.#push(bytes);
  }

  /** The room to append whole messages to; it is this session's until anything else is appended or flushed, here or by another session. */
  room(): CellOut {
    if (tenant !== this) {
      moveOut();
      tenant = this;
    }
    return room;
  }

  /** What is appended from here on stays here until it is known whether it may leave. */
  hold(): void {
    this.flush();
    this.#heldBytes = 0;
  }

  get holding(): boolean {
    return this.#heldBytes !== null;
  }

  /** More was appended than is held: all of it is gone, and it can only be discarded. */
  get overflowed(): boolean {
    return this.#heldBytes !== null && this.#heldBytes > MAX_HELD_BYTES;
  }

  /** What was held leaves. */
  release(): void {
    this.#heldBytes = null;
    this.flush();
  }

  /** What was held never was. */
  discard(): void {
    if (this.#heldBytes === null) return;
    if (tenant === this) moveOut();
    this.#heldBytes = null;
    this.#pieces = [];
  }

  /** Leaves at once, in front of what is held: notices say what happened, whatever becomes of the result. */
  appendAside(bytes: Buffer): void {
    if (this.#heldBytes === null) this.append(bytes);
    else if (!this.#socket.destroyed && !this.#socket.writableEnded) this.#socket.write(bytes);
  }

  /** False when the socket wants a pause. */
  flush(): boolean {
    if (tenant === this) moveOut();
    if (this.#heldBytes !== null) return true;
    const pieces = this.#pieces;
    if (pieces.length === 0) return !this.#socket.writableNeedDrain;
    this.#pieces = [];
    writePieces(this.#socket, pieces);
    return !this.#socket.writableNeedDrain;
  }

  static take(out: Out, bytes: Buffer): void {
    out.#push(bytes);
  }

  #push(bytes: Buffer): void {
    if (this.#heldBytes !== null) {
      this.#heldBytes += bytes.length;
      if (this.overflowed) {
        this.#pieces = [];
        return;
      }
    }
    addPiece(this.#pieces, bytes);
  }
}

/** Gives what is in the room to the session that wrote it: one copy for all its rows, or the room itself where that grew for a large one. */
function moveOut(): void {
  if (tenant !== null && room.length > 0) {
    if (room.bytes.length > ROOM_BYTES) {
      Out.take(tenant, room.bytes.subarray(0, room.length));
      room = new CellOut(ROOM_BYTES);
    } else {
      Out.take(tenant, Buffer.from(room.bytes.subarray(0, room.length)));
      room.length = 0;
    }
  }
  tenant = null;
}
