import type { Writable } from 'node:stream';
import { addPiece, writePieces } from './pieces';

/** What may wait here before no more is taken from the client. */
const MAX_WAITING_BYTES = 1024 * 1024;

/**
 * What goes to the server. Nothing behind a bar leaves before it is lifted: a bar is put down with each entry that has to be in the journal
 * before what it speaks of may happen. Bars are lifted in the order they were put down, and what stands in front of the first goes on.
 */
export class RecordedOut {
  readonly #socket: Writable;
  #pieces: Buffer[] = [];
  /** Bytes of the stream that were appended, and that left or were dropped. */
  #appended = 0;
  #left = 0;
  /** Where bars stand, as places in the stream. */
  #bars: number[] = [];
  /** Up to here it was asked to leave. */
  #asked = 0;
  #dropped = false;
  #finish: (() => void) | null = null;
  #openWaiters: (() => void)[] = [];

  constructor(socket: Writable) {
    this.#socket = socket;
  }

  append(bytes: Buffer): void {
    if (this.#dropped) return;
    // Not across a place where the stream may be cut.
    if (this.#appended === this.#asked || this.#appended === this.#bars.at(-1)) this.#pieces.push(bytes);
    else addPiece(this.#pieces, bytes);
    this.#appended += bytes.length;
  }

  /** What is appended from here on waits until this bar is lifted. */
  bar(): void {
    if (!this.#dropped) this.#bars.push(this.#appended);
  }

  /** The oldest bar is gone. */
  lift(): void {
    this.#bars.shift();
    this.#go();
    if (this.#bars.length === 0) this.#opened();
  }

  /** More waits behind a bar than should. Changes only when something is appended or a bar is lifted. */
  get full(): boolean {
    const [bar] = this.#bars;
    return bar !== undefined && this.#appended - bar > MAX_WAITING_BYTES;
  }

  /** False when the socket wants a pause. */
  flush(): boolean {
    this.#asked = this.#appended;
    this.#go();
    return !this.#socket.writableNeedDrain;
  }

  /** Resolves when nothing waits for a bar; undefined where nothing does. */
  whenOpen(): Promise<void> | undefined {
    if (this.#bars.length === 0) return undefined;
    return new Promise((resolve) => this.#openWaiters.push(resolve));
  }

  /** Nothing that is still here may leave, now or later. */
  drop(): void {
    this.#dropped = true;
    this.#pieces = [];
    this.#bars = [];
    this.#opened();
  }

  /** Nothing is appended any more: calls `then` when all has left that was asked to. */
  finish(then: () => void): void {
    this.#cutAt(this.#asked);
    this.#finish = () => {
      this.#finish = null;
      then();
    };
    if (this.#bars.length === 0) this.#finish();
  }

  #opened(): void {
    for (const resolve of this.#openWaiters.splice(0)) resolve();
    this.#finish?.();
  }

  /** What was asked to leave and stands in front of the first bar leaves. */
  #go(): void {
    const until = Math.min(this.#asked, this.#bars[0] ?? this.#asked);
    if (until <= this.#left) return;
    const pieces = this.#pieces;
    let count = 0;
    for (; count < pieces.length && this.#left < until; count++) this.#left += pieces[count]?.length ?? 0;
    const all = count === pieces.length;
    this.#pieces = all ? [] : pieces.slice(count);
    writePieces(this.#socket, all ? pieces : pieces.slice(0, count));
  }

  #cutAt(place: number): void {
    while (this.#appended > place && this.#pieces.length > 0) this.#appended -= this.#pieces.pop()?.length ?? 0;
  }
}
