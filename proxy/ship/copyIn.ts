import type { Client, Connection, Submittable } from 'pg';

/** Of one CopyData message: the socket takes it in pieces, and the server reads along. */
const PIECE_BYTES = 128 * 1024;

/**
 * Runs a `COPY … FROM STDIN` and gives it `data` whole (PostgreSQL: Message Flow, COPY Operations).
 *
 * @throws the server's error
 */
export function copyIn(client: Client, text: string, data: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    client.query(new CopyIn(text, data, (error) => (error === null ? resolve() : reject(error))));
  });
}

/** What node-postgres calls while this is its active query. */
class CopyIn implements Submittable {
  #error: Error | null = null;

  constructor(
    private readonly text: string,
    private readonly data: Buffer,
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
    connection.stream.cork();
    for (let at = 0; at < this.data.length; at += PIECE_BYTES) {
      const piece = this.data.subarray(at, at + PIECE_BYTES);
      connection.stream.write(message('d', piece.length));
      connection.stream.write(piece);
    }
    connection.stream.write(message('c', 0));
    connection.stream.uncork();
  }

  handleCommandComplete(): void {}

  handleError(error: Error): void {
    // With the connection gone nothing follows; otherwise ReadyForQuery does, and settling again changes nothing.
    this.#error = error;
    this.settled(error);
  }

  handleReadyForQuery(): void {
    this.settled(this.#error);
  }
}

function message(type: 'd' | 'c', length: number): Buffer {
  const head = Buffer.allocUnsafe(5);
  head.write(type, 0, 'latin1');
  head.writeUInt32BE(length + 4, 1);
  return head;
}
