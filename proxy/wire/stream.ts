import { answerTooLarge } from './errors';
import { MAX_MESSAGE_BYTES } from './messages';

/** A message that must be looked at is held whole, so one session could otherwise take the memory of all. */
const MAX_WHOLE_BYTES = 64 * 1024 * 1024;

/** How the scanner treats a message before it has seen its body. */
export type Treatment =
  | 'pass'
  | 'whole'
  /** It ends here, however large it is. */
  | 'drop'
  /** The same, and the handler is told when all in front of it has been handed on. */
  | 'cut';
/** What became of a whole message: its bytes go on, it was dealt with, or the scanner must stop here until resumed. */
export type Disposal = 'pass' | 'taken' | 'wait';

export interface BackendHandler {
  treat(type: number, sizeBytes: number): Treatment;
  /** `bytes` includes type and length and is a view into the chunk. */
  message(type: number, bytes: Buffer): Disposal;
  /** Unchanged bytes to hand on, in order with everything `message` wrote. */
  forward(bytes: Buffer): void;
  /** A message was treated `cut`. */
  cut(): void;
}

/**
 * Hops over the server's byte stream from frame to frame. What nothing changes goes on as the chunk it came in;
 * only what must be looked at is held until it is whole. A message the handler passes may be larger than memory.
 */
export class BackendScanner {
  readonly #handler: BackendHandler;
  #parts: Buffer[] = [];
  #size = 0;
  /** How many bytes the front message needs before it is worth looking again. */
  #need = 5;
  #passing = 0;
  #dropping = 0;
  #waiting = false;

  constructor(handler: BackendHandler) {
    this.#handler = handler;
  }

  /** @throws Error when the server breaks the framing, WireError for a message too large to be looked at; the caller ends the session. */
  push(chunk: Buffer): void {
    let bytes = chunk;
    if (this.#size > 0 || this.#waiting) {
      this.#parts.push(chunk);
      this.#size += chunk.length;
      if (this.#waiting || this.#size < this.#need) return;
      bytes = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts, this.#size);
      this.#parts = [];
      this.#size = 0;
    }
    this.#scan(bytes);
  }

  /** Part of a message has been handed on and the rest has not come: nothing of ours can be said here. */
  get insideMessage(): boolean {
    return this.#passing > 0;
  }

  /** Goes on after a message answered `wait`. */
  resume(): void {
    this.#waiting = false;
    const bytes = Buffer.concat(this.#parts, this.#size);
    this.#parts = [];
    this.#size = 0;
    this.#scan(bytes);
  }

  #keep(rest: Buffer, need: number): void {
    this.#need = need;
    this.#size = rest.length;
    if (rest.length > 0) this.#parts = [rest];
  }

  #scan(bytes: Buffer): void {
    let position = 0;
    let runStart = 0;
    if (this.#passing > 0) {
      position = Math.min(this.#passing, bytes.length);
      this.#passing -= position;
    } else if (this.#dropping > 0) {
      position = runStart = Math.min(this.#dropping, bytes.length);
      this.#dropping -= position;
    }
    const flush = () => {
      if (position > runStart) this.#handler.forward(bytes.subarray(runStart, position));
      runStart = position;
    };
    while (bytes.length - position >= 5) {
      const type = bytes[position] ?? 0;
      const length = bytes.readUInt32BE(position + 1);
      if (length < 4 || length > MAX_MESSAGE_BYTES) throw new Error('the upstream sent an invalid message length');
      const total = length + 1;
      const left = bytes.length - position;
      const treatment = this.#handler.treat(type, total);
      if (treatment === 'pass') {
        this.#passing = total > left ? total - left : 0;
        position += Math.min(total, left);
        continue;
      }
      if (treatment !== 'whole') {
        flush();
        if (treatment === 'cut') this.#handler.cut();
        this.#dropping = total > left ? total - left : 0;
        position += Math.min(total, left);
        runStart = position;
        continue;
      }
      if (total > MAX_WHOLE_BYTES) throw answerTooLarge(total, MAX_WHOLE_BYTES);
      if (total > left) {
        flush();
        this.#keep(bytes.subarray(position), total);
        return;
      }
      flush();
      const disposal = this.#handler.message(type, bytes.subarray(position, position + total));
      if (disposal === 'wait') {
        this.#keep(bytes.subarray(position), 5);
        this.#waiting = true;
        return;
      }
      position += total;
      if (disposal === 'taken') runStart = position;
    }
    const end = position;
    flush();
    this.#keep(bytes.subarray(end), 5);
  }
}
