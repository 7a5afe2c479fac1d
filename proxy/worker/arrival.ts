import type net from 'node:net';
import { handshake, startTls } from '../tls/handshake';
import type { ServerIdentity } from '../tls/identity';
import type { WireError } from '../wire/errors';
import { SocketReader } from './socketReader';

/** A client that has not signed in: its socket, plain until it asks for TLS, and how it is got rid of meanwhile. */
export class Arrival {
  /** What its start-up packet said; empty until it came. */
  said = { user: '', database: '' };
  /** Why it is not let in, in the operator's words; the client hears others. */
  refusedBecause: string | null = null;
  /** How it proves who it is. */
  method = '';
  #socket: net.Socket;
  #reader: SocketReader;
  #identity: ServerIdentity | null = null;
  #alpn: string | null = null;
  #shakingHands = false;

  constructor(socket: net.Socket) {
    this.#socket = socket;
    this.#reader = new SocketReader(socket);
  }

  /** Another one after {@link secure}. */
  get socket(): net.Socket {
    return this.#socket;
  }

  get reader(): SocketReader {
    return this.#reader;
  }

  /** What we showed the client; null while the connection is plain. */
  get identity(): ServerIdentity | null {
    return this.#identity;
  }

  /** The protocol that ALPN selected; null when the client offered none. */
  get alpn(): string | null {
    return this.#alpn;
  }

  /** Ends whatever is being waited for. In the middle of a handshake there is no one to say it to. */
  fail(error: WireError): void {
    if (this.#shakingHands) this.#socket.destroy();
    else this.#reader.fail(error);
  }

  /** Changes to TLS; false when the handshake failed or the client left. */
  async secure(identity: ServerIdentity): Promise<boolean> {
    this.#shakingHands = true;
    // A client that only asked has cost no TLS state yet: thousands of them are what somebody opens who means harm.
    if ((await this.#reader.peek()) === null) return false;
    this.#reader.putBack();
    const secured = startTls(this.#socket, identity);
    // Reads before there is anything to read: what comes with the end of the handshake must not find nobody.
    const reader = new SocketReader(secured);
    const succeeded = await handshake(secured);
    this.#shakingHands = false;
    if (!succeeded) return false;
    this.#socket = secured;
    this.#reader = reader;
    this.#identity = identity;
    this.#alpn = typeof secured.alpnProtocol === 'string' ? secured.alpnProtocol : null;
    return true;
  }
}
