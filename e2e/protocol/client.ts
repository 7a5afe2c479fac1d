import { createHash } from 'node:crypto';
import { connect, createServer, type Socket } from 'node:net';
import tls from 'node:tls';
import { cstring, fieldsOf, frame, int32, type Message, startUp, WireClient } from '../wireClient';
import { scramClient } from './scram';

export const SSL_REQUEST = Buffer.concat([int32(8), int32(80_877_103)]);
export const GSSENC_REQUEST = Buffer.concat([int32(8), int32(80_877_104)]);
export const PROTOCOL_3_2 = 0x30002;

export async function tcp(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => undefined);
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve());
    socket.once('error', reject);
  });
  return socket;
}

/** Everything that comes until the other side has closed. */
export function untilClosed(socket: Socket): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.once('close', () => resolve(Buffer.concat(chunks)));
  });
}

/** One byte: the answer to a request to encrypt. */
export async function askedFor(socket: Socket, request: Buffer): Promise<string> {
  socket.write(request);
  const answer = await new Promise<Buffer>((resolve, reject) => {
    const closed = () => reject(new Error('closed instead of an answer'));
    socket.once('close', closed);
    socket.once('data', (bytes) => {
      socket.off('close', closed);
      resolve(bytes);
    });
    socket.resume();
  });
  socket.pause();
  return answer.toString('latin1');
}

export function handshake(socket: Socket, options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const secured = tls.connect({ socket, rejectUnauthorized: false, ...options });
    secured.once('secureConnect', () => resolve(secured));
    secured.once('error', reject);
    secured.once('close', () => reject(new Error('closed during the handshake')));
  });
}

/** SSLRequest, then TLS. */
export async function secured(port: number, options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
  const socket = await tcp(port);
  const answer = await askedFor(socket, SSL_REQUEST);
  if (answer !== 'S') throw new Error(`SSLRequest was answered ${JSON.stringify(answer)}`);
  return handshake(socket, options);
}

/** A line between a client and the gateway, on which somebody else can write too. */
export async function tappedLine(
  port: number,
): Promise<{ port: number; inject(bytes: Buffer): void; gatewayClosed: Promise<void>; close(): void }> {
  let toGateway: Socket | undefined;
  let closed: () => void = () => undefined;
  const gatewayClosed = new Promise<void>((resolve) => {
    closed = resolve;
  });
  const server = createServer((client) => {
    client.on('error', () => undefined);
    toGateway = connect({ port, host: '127.0.0.1' });
    toGateway.on('error', () => undefined);
    toGateway.once('close', closed);
    client.pipe(toGateway).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    inject: (bytes) => void toGateway?.write(bytes),
    gatewayClosed,
    close: () => server.close(),
  };
}

export interface SignIn {
  user: string;
  password: string;
  database: string;
  version?: number;
  parameters?: Record<string, string>;
  /** Changes what a step of SCRAM says. */
  tamper?: { mechanism?: string; first?: (message: string) => string; final?: (message: string) => string };
  /** Bind to another certificate, to none, or say that none was offered. */
  binding?: Buffer | null;
  offered?: (mechanisms: string[]) => string[];
}

export interface Signed {
  client: WireClient;
  /** 3 for a password in clear, 10 for SASL; null when it did not come so far. */
  asked: number | null;
  mechanisms: string[];
  /** server-first-message. */
  challenge: string | null;
  error: Record<string, string> | null;
  negotiated: Message | null;
  key: { processId: number; secret: Buffer } | null;
}

/** tls-server-end-point of a certificate whose signature is made with SHA-256, as all of these tests are. */
export const bindingOf = (socket: Socket): Buffer =>
  createHash('sha256')
    .update((socket instanceof tls.TLSSocket ? socket.getPeerX509Certificate()?.raw : undefined) ?? Buffer.alloc(0))
    .digest();

/** Signs in over a socket, plain or secured, the way it is asked to. */
export async function signInOver(socket: Socket, as: SignIn): Promise<Signed> {
  const client = WireClient.over(socket);
  const signed: Signed = { client, asked: null, mechanisms: [], challenge: null, error: null, negotiated: null, key: null };
  const next = async () => {
    const messages = await client.until('R', 'E', 'Z');
    signed.negotiated ??= messages.find((one) => one.type === 'v') ?? null;
    const key = messages.find((one) => one.type === 'K');
    if (key !== undefined) signed.key = { processId: key.body.readInt32BE(0), secret: key.body.subarray(4) };
    const last = messages.at(-1);
    if (last?.type === 'E') signed.error = fieldsOf(last);
    return last?.type === 'R' ? last.body : null;
  };
  client.send(startUp({ user: as.user, database: as.database, ...as.parameters }, as.version));
  const request = await next();
  if (request === null) return signed;
  signed.asked = request.readInt32BE(0);
  if (signed.asked === 3) {
    client.send(frame('p', cstring(as.password)));
  } else {
    signed.mechanisms = request.subarray(4).toString().split('\0').filter(Boolean);
    const offered = (as.offered ?? ((all) => all))(signed.mechanisms);
    const bound = offered.includes('SCRAM-SHA-256-PLUS');
    const scram = scramClient({
      password: as.password,
      binding: as.binding !== undefined ? as.binding : bound ? bindingOf(socket) : null,
      couldBind: !bound && as.binding === undefined && socket instanceof tls.TLSSocket,
    });
    const first = Buffer.from((as.tamper?.first ?? String)(scram.first));
    client.send(frame('p', cstring(as.tamper?.mechanism ?? scram.mechanism), int32(first.length), first));
    const challenge = await next();
    if (challenge === null) return signed;
    signed.challenge = challenge.subarray(4).toString();
    client.send(frame('p', Buffer.from((as.tamper?.final ?? String)(scram.answer(signed.challenge)))));
    const final = await next();
    if (final === null) return signed;
    if (!scram.proves(final.subarray(4).toString())) throw new Error('the gateway did not prove that it knows the token');
  }
  while ((await next()) !== null);
  return signed;
}
