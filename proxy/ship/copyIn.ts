import type { Client, Connection, Submittable } from 'pg';

/** About this much makes one CopyData message. */
export const PIECE_BYTES = 64 * 1024;

/**
 * Runs a `COPY … FROM STDIN` (PostgreSQL: Message Flow, COPY Operations). Each piece is asked for when the one before it is on its way, and
 * the loop is let go between two: the server works while the next is made, and other work of this process goes on.
 *
 * @throws the server's error, or what making a piece threw: the COPY then fails, and the connection goes on
 */
export function copyIn(client: Client, text: string, pieces: Iterator<Buffer, void>): Promise<void> {
  return new Promise((resolve, reject) => {
    client.query(new CopyIn(text, pieces, (error) => (error === null ? resolve() : reject(error))));
  });
}

/** What node-postgres calls while this is its active query. */
class CopyIn implements Submittable {
  #error: Error | null = null;
  #over = false;

  constructor(
    private readonly text: string,
    private readonly pieces: Iterator<Buffer, void>,
    private readonly settled: (error: Error | null) => void,
  ) {}

  /** node-postgres reports here what ends the connection before the query was sent. */
  callback = (error: Error | null): void => {
    if (error !== null) this.settled(error);
  };

  submit(connection: Connection): void {
    connection.query(this.text);
  }

  handleCopyInResponse(connection: Connection): void {
    this.#sendTo(connection.stream);
  }

  #sendTo(stream: Connection['stream']): void {
    // The server has said that it takes no more.
    if (this.#over) return;
    const piece = this.#next();
    if (piece === null) {
      const words = Buffer.from('its rows could not be made\0');
      stream.write(this.#error === null ? message('c', 0) : Buffer.concat([message('f', words.length), words]));
      return;
    }
    stream.cork();
    stream.write(message('d', piece.length));
    const takesMore = stream.write(piece);
    stream.uncork();
    // Also behind 'drain', which comes within the same turn as long as the kernel has room.
    const goOn = () => setImmediate(() => this.#sendTo(stream));
    if (takesMore) goOn();
    else stream.once('drain', goOn);
  }

  #next(): Buffer | null {
    try {
      const { value, done } = this.pieces.next();
      return done === true ? null : value;
    } catch (error) {
      this.#error = error instanceof Error ? error : new Error(String(error));
      return null;
    }
  }

  handleCommandComplete(): void {}

  handleError(error: Error): void {
    // With the connection gone nothing follows; otherwise ReadyForQuery does, and settling again changes nothing.
    this.#over = true;
    this.#error ??= error;
    this.settled(this.#error);
  }

  handleReadyForQuery(): void {
    this.#over = true;
    this.settled(this.#error);
  }
}

function message(type: 'd' | 'c' | 'f', length: number): Buffer {
  const head = Buffer.allocUnsafe(5);
  head.write(type, 0, 'latin1');
  head.writeUInt32BE(length + 4, 1);
  return head;
}
