import { EventEmitter } from 'node:events';
import type net from 'node:net';

/** What the far end has not taken yet before a writer is asked to wait. */
const HIGH_WATER_BYTES = 2_048;

/**
 * The gateway's end of a connection without a network: what a Session uses of a net.Socket. What arrives is delivered when the test says so
 * and in pieces it chooses; pausing, half-closing and back-pressure are as Node has them.
 */
export class MemorySocket extends EventEmitter {
  destroyed = false;
  writableEnded = false;
  writableNeedDrain = false;
  #incoming: Buffer[] = [];
  #outgoing: Buffer[] = [];
  #waitingBytes = 0;
  #paused = false;
  #farEnded = false;
  #ended = false;
  #closed = false;
  readonly #allowHalfOpen: boolean;

  constructor(options: { allowHalfOpen: boolean }) {
    super();
    this.#allowHalfOpen = options.allowHalfOpen;
  }

  /** Session names the type of Node; it uses no more of it than stands here. */
  get socket(): net.Socket {
    return this as unknown as net.Socket;
  }

  // What the session calls.

  write(bytes: Buffer): boolean {
    if (this.destroyed || this.writableEnded) throw new Error('written after the end');
    this.#outgoing.push(Buffer.from(bytes));
    this.#waitingBytes += bytes.length;
    this.writableNeedDrain = this.#waitingBytes > HIGH_WATER_BYTES;
    return !this.writableNeedDrain;
  }

  cork(): void {}
  uncork(): void {}

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  end(bytes?: Buffer): void {
    if (bytes !== undefined && !this.destroyed && !this.writableEnded) this.write(bytes);
    this.writableEnded = true;
    if (this.#ended) this.destroyed = true;
  }

  destroySoon(): void {
    this.writableEnded = true;
    this.destroy();
  }

  destroy(): void {
    this.destroyed = true;
  }

  // What the far end does.

  send(bytes: Buffer): void {
    this.#incoming.push(Buffer.from(bytes));
  }

  sendEnd(): void {
    this.#farEnded = true;
  }

  /** What the session wrote and nobody has taken yet. */
  take(): Buffer {
    const bytes = Buffer.concat(this.#outgoing);
    this.#outgoing = [];
    this.#waitingBytes = 0;
    return bytes;
  }

  get hasOutput(): boolean {
    return this.#waitingBytes > 0;
  }

  /** Tells a writer that was asked to wait that it may go on. */
  drain(): void {
    if (!this.writableNeedDrain) return;
    this.writableNeedDrain = false;
    if (!this.destroyed) this.emit('drain');
  }

  get canDeliver(): boolean {
    if (this.#closed) return false;
    if (this.destroyed) return true;
    return !this.#paused && (this.#incoming.length > 0 || (this.#farEnded && !this.#ended));
  }

  /** Hands the session at most `maxBytes` of what was sent to it, or the end of it. */
  deliver(maxBytes: number): void {
    if (this.destroyed) return this.#close();
    const [first] = this.#incoming;
    if (first !== undefined) {
      const piece = first.subarray(0, maxBytes);
      if (piece.length === first.length) this.#incoming.shift();
      else this.#incoming[0] = first.subarray(piece.length);
      this.emit('data', piece);
      return;
    }
    if (!this.#farEnded || this.#ended) return;
    this.#ended = true;
    this.emit('end');
    if (!this.#allowHalfOpen || this.writableEnded) this.destroy();
  }

  /** Both directions are over. */
  #close(): void {
    this.#closed = true;
    this.emit('close');
  }
}
