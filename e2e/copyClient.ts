import type pg from 'pg';
import { open } from './clients';

/** The part of node-postgres' connection that a submitted command may use. */
interface CopyConnection {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
  sendCopyFail(message: string): void;
}

/** COPY over node-postgres, which has the messages but no command for it. */
export class CopyClient {
  readonly #client: pg.Client;

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  static async open(settings: pg.ClientConfig): Promise<CopyClient> {
    return new CopyClient(await open(settings));
  }

  /** The bytes of COPY … TO STDOUT, as they came. */
  async out(sql: string): Promise<Buffer> {
    return Buffer.concat((await this.#run(sql, undefined)).chunks);
  }

  /** Sends `data`, or CopyFail; gives the command tag. */
  async in(sql: string, data: Buffer | 'fail'): Promise<string> {
    return (await this.#run(sql, data)).tag;
  }

  close(): Promise<void> {
    return this.#client.end();
  }

  #run(sql: string, data: Buffer | 'fail' | undefined): Promise<{ chunks: Buffer[]; tag: string }> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let tag = '';
      const command = {
        submit(connection: CopyConnection) {
          connection.query(sql);
        },
        handleCopyInResponse(connection: CopyConnection) {
          if (data === 'fail' || data === undefined) return connection.sendCopyFail('the client gave up');
          // Two pieces, cut anywhere: a CopyData may hold part of a row.
          const cut = Math.floor(data.length / 2);
          connection.sendCopyFromChunk(data.subarray(0, cut));
          connection.sendCopyFromChunk(data.subarray(cut));
          connection.endCopyFrom();
        },
        handleCopyData: (message: { chunk: Buffer }) => void chunks.push(Buffer.from(message.chunk)),
        handleCommandComplete: (message: { text: string }) => {
          tag = message.text;
        },
        // node-postgres forgets a command on its error and waits for ReadyForQuery by itself.
        handleError: reject,
        handleReadyForQuery: () => resolve({ chunks, tag }),
        handleRowDescription: () => undefined,
        handleDataRow: () => undefined,
        handleEmptyQuery: () => undefined,
      };
      this.#client.query(command as unknown as pg.Submittable);
    });
  }
}
