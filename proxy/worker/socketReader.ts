import type net from 'node:net';
import { protocolViolation, type WireError } from '../wire/errors';

/** Reads a socket step by step until a session takes it over. Holds no more than was sent before it was asked for. */
export class SocketReader {
  readonly #socket: net.Socket;
  #bytes: Buffer = Buffer.alloc(0);
  #ended = false;
  #error: WireError | null = null;
  #wake: (() => void) | null = null;
  readonly #onData = (chunk: Buffer) => {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    this.#socket.pause();
    this.#wake?.();
  };
  readonly #onEnd = () => {
    this.#ended = true;
    this.#wake?.();
  };

  constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onEnd);
  }

  /** The client sends nothing more. */
  get ended(): boolean {
    return this.#ended;
  }

  get buffered(): number {
    return this.#bytes.length;
  }

  /** Ends whatever is being waited for with this error. */
  fail(error: WireError): void {
    this.#error = error;
    this.#wake?.();
  }

  /** Waits until `parse` finds something at the front; null when the client left first. */
  async take<T>(parse: (bytes: Buffer) => { value: T; rest: Buffer } | null): Promise<T | null> {
    for (;;) {
      if (this.#error !== null) throw this.#error;
      const found = parse(this.#bytes);
      if (found !== null) {
        this.#bytes = found.rest;
        return found.value;
      }
      if (this.#ended) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.#socket.resume();
      });
      this.#wake = null;
    }
  }

  /** The first byte that comes, left where it is; null when the client left first. */
  peek(): Promise<number | null> {
    return this.take((bytes) => (bytes[0] === undefined ? null : { value: bytes[0], rest: bytes }));
  }

  /** One typed message of at most `limitBytes`, header included. */
  message(limitBytes: number): Promise<Buffer | null> {
    return this.take((bytes) => {
      if (bytes.length < 5) return null;
      const total = bytes.readUInt32BE(1) + 1;
      if (total < 5 || total > limitBytes) throw protocolViolation('invalid message length');
      return bytes.length < total ? null : { value: bytes.subarray(0, total), rest: bytes.subarray(total) };
    });
  }

  /** Hands the socket over, with what was read and not used. */
  release(): Buffer {
    const rest = this.#leave();
    this.#socket.resume();
    return rest;
  }

  /** Puts back what was read and not used, and reads no more: whoever takes the socket next finds it as it came. */
  putBack(): void {
    const rest = this.#leave();
    this.#socket.pause();
    if (rest.length > 0) this.#socket.unshift(rest);
  }

  #leave(): Buffer {
    this.#socket.off('data', this.#onData);
    this.#socket.off('end', this.#onEnd);
    this.#socket.off('close', this.#onEnd);
    const rest = this.#bytes;
    this.#bytes = Buffer.alloc(0);
    return rest;
  }
}
