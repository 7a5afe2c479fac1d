import { Duplex } from 'node:stream';
import pg from 'pg';
import { encodeAuthenticationOk, encodeParameterStatus, encodeReadyForQuery } from '../wire/backend';
import type { Upstream } from './connect';

/**
 * A node-postgres client over a session of ours: connectUpstream decides TLS and signs in for it as for every client's session, so there is
 * one place that does, and node-postgres never holds a credential.
 * @param connect connects and signs in, when the client's connect() is called; its failure is what connect() rejects with
 */
export function controlClient(connect: () => Promise<Upstream>): pg.Client {
  const client = new pg.Client({
    stream: () => new SignedIn(connect),
    // Not read from the environment: PGSSLMODE, PGPASSWORD and ~/.pgpass are the operator's and not this connection's.
    ssl: false,
    password: '',
    user: 'gatehouse',
    database: 'gatehouse',
    host: 'upstream',
    port: 5432,
  });
  // A connection that dies is noticed by who uses it next; without a listener it would end the process.
  client.on('error', () => undefined);
  return client;
}

/** What node-postgres takes for a socket. It answers the start-up packet itself, with what the server said when we signed in. */
class SignedIn extends Duplex {
  readonly #connect: () => Promise<Upstream>;
  #upstream: Upstream | null = null;
  #greeted = false;

  constructor(connect: () => Promise<Upstream>) {
    super();
    this.#connect = connect;
  }

  /** node-postgres' own host and port are for show. */
  connect(): this {
    this.#connect().then(
      (upstream) => this.#begin(upstream),
      (error: unknown) => this.destroy(error instanceof Error ? error : new Error('connection failed')),
    );
    return this;
  }

  #begin(upstream: Upstream): void {
    const { socket } = upstream;
    if (this.destroyed) {
      socket.destroy();
      return;
    }
    this.#upstream = upstream;
    socket.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) socket.pause();
    });
    socket.on('end', () => this.push(null));
    socket.on('close', () => this.destroy());
    this.emit('connect');
    if (socket.destroyed) this.destroy();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#upstream === null) return done(new Error('not connected'));
    // The first write is node-postgres' start-up packet, whole: connection.startup writes it at once.
    if (this.#greeted) {
      this.#upstream.socket.write(chunk, done);
      return;
    }
    this.#greeted = true;
    this.push(greeting(this.#upstream));
    done();
  }

  override _read(): void {
    this.#upstream?.socket.resume();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#upstream?.socket.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#upstream?.socket.destroy();
    done(error);
  }

  setNoDelay(): this {
    return this;
  }

  /** connectUpstream turns it on. */
  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    this.#upstream?.socket.ref();
    return this;
  }

  unref(): this {
    this.#upstream?.socket.unref();
    return this;
  }
}

/** Without BackendKeyData: node-postgres knows keys of one length only, and nobody cancels through it. */
function greeting({ parameters }: Upstream): Buffer {
  return Buffer.concat([
    encodeAuthenticationOk(),
    ...[...parameters].map(([name, value]) => encodeParameterStatus(name, value)),
    encodeReadyForQuery('I'),
  ]);
}
