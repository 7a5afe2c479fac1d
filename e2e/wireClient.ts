import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A backend message: its letter and its body. */
export interface Message {
  type: string;
  body: Buffer;
}

/** A protocol client by hand, for what drivers do not do: pipelines cut anywhere, broken frames, half-finished start-ups. */
export class WireClient {
  readonly socket: Socket;
  readonly messages: Message[] = [];
  closed = false;
  #rest: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
    });
  }

  /** A TCP connection with nothing sent on it. */
  static async connect(port: number): Promise<WireClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const client = new WireClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', () => resolve());
      socket.once('error', reject);
    });
    return client;
  }

  /** Over a socket that is connected already, secured or not. */
  static over(socket: Socket): WireClient {
    return new WireClient(socket);
  }

  /** Signed in by clear-text password, as libpq would be, up to ReadyForQuery. */
  static async signIn(settings: { port: number; user: string; password: string; database: string; options?: string }): Promise<WireClient> {
    const client = await WireClient.connect(settings.port);
    client.send(
      startUp({
        user: settings.user,
        database: settings.database,
        ...(settings.options === undefined ? {} : { options: settings.options }),
      }),
    );
    const [request] = await client.until('R', 'E');
    if (request?.type === 'R' && request.body.readInt32BE(0) === 3) {
      client.send(frame('p', cstring(settings.password)));
    }
    const answer = await client.until('Z', 'E');
    if (answer.at(-1)?.type !== 'Z') throw new Error(`sign-in failed: ${answer.map((message) => message.type).join('')}`);
    return client;
  }

  send(...frames: Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** Messages up to and including the first of one of these types. */
  async until(...types: string[]): Promise<Message[]> {
    for (const deadline = Date.now() + 15_000; Date.now() < deadline; await sleep(5)) {
      const at = this.messages.findIndex((message) => types.includes(message.type));
      if (at >= 0) return this.messages.splice(0, at + 1);
      if (this.closed) break;
    }
    const seen = this.messages.map((message) => message.type).join('');
    throw new Error(`no ${types.join(' or ')} came; ${this.closed ? 'the connection closed' : 'it waits'} after "${seen}"`);
  }

  /** Waits until the other side has closed. */
  async untilClosed(timeoutMs = 15_000): Promise<void> {
    for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await sleep(10)) if (this.closed) return;
    throw new Error(`the connection is still open after ${timeoutMs / 1000} s`);
  }

  close(): void {
    this.socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 5) {
      const length = this.#rest.readUInt32BE(1);
      if (this.#rest.length < length + 1) return;
      this.messages.push({ type: String.fromCharCode(this.#rest[0] ?? 0), body: this.#rest.subarray(5, length + 1) });
      this.#rest = this.#rest.subarray(length + 1);
    }
  }
}

export function cstring(text: string): Buffer {
  return Buffer.from(`${text}\0`);
}

function int16(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeInt16BE(value);
  return buffer;
}

export function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
}

export function frame(type: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

export function startUp(parameters: Record<string, string>, version = 196_608): Buffer {
  const body = Buffer.concat([
    int32(version),
    ...Object.entries(parameters).flatMap(([key, value]) => [cstring(key), cstring(value)]),
    Buffer.from([0]),
  ]);
  return Buffer.concat([int32(body.length + 4), body]);
}

export const simpleQuery = (sql: string) => frame('Q', cstring(sql));
export const parse = (sql: string, name = '', types: readonly number[] = []) =>
  frame('P', cstring(name), cstring(sql), int16(types.length), ...types.map(int32));
export const bind = (name = '', portal = '', resultFormat: 0 | 1 = 0) =>
  frame('B', cstring(portal), cstring(name), int16(0), int16(0), int16(1), int16(resultFormat));
/** Bind with values; each kind of format code may be absent, one for all, or one each. */
export const bindValues = (
  values: readonly (Buffer | string | null)[],
  options: { statement?: string; portal?: string; formats?: readonly (0 | 1)[]; results?: readonly (0 | 1)[] } = {},
) => {
  const { statement = '', portal = '', formats = [], results = [] } = options;
  const codes = (list: readonly number[]) => [int16(list.length), ...list.map(int16)];
  const cells = values.flatMap((value) => (value === null ? [int32(-1)] : [int32(Buffer.byteLength(value)), Buffer.from(value)]));
  const count = Buffer.alloc(2);
  count.writeUInt16BE(values.length);
  return frame('B', cstring(portal), cstring(statement), ...codes(formats), count, Buffer.concat(cells), ...codes(results));
};
export const describeStatement = (name = '') => frame('D', Buffer.from('S'), cstring(name));
export const closeStatement = (name = '') => frame('C', Buffer.from('S'), cstring(name));
export const closePortal = (name = '') => frame('C', Buffer.from('P'), cstring(name));
export const flush = () => frame('H');
export const terminate = () => frame('X');
export const copyData = (data: string | Buffer) => frame('d', Buffer.from(data));
export const copyDone = () => frame('c');
export const copyFail = (reason: string) => frame('f', cstring(reason));
export const describePortal = (portal = '') => frame('D', Buffer.from('P'), cstring(portal));
export const execute = (portal = '', maxRows = 0) => frame('E', cstring(portal), int32(maxRows));
export const sync = () => frame('S');

/** The fields of an ErrorResponse or NoticeResponse by their letters. */
export function fieldsOf(message: Message): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const part of message.body.toString('utf8').split('\0')) if (part !== '') fields[part.charAt(0)] = part.slice(1);
  return fields;
}

/** The cells of a DataRow as text; null for NULL. */
export function cellsOf(message: Message): (string | null)[] {
  const cells: (string | null)[] = [];
  for (let at = 2; at < message.body.length; ) {
    const length = message.body.readInt32BE(at);
    at += 4;
    cells.push(length < 0 ? null : message.body.toString('utf8', at, at + length));
    at += Math.max(length, 0);
  }
  return cells;
}

/** ReadyForQuery's status byte. */
export function statusOf(messages: readonly Message[]): string {
  return messages.at(-1)?.body.toString() ?? '';
}
