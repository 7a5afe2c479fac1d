import type net from 'node:net';
import tls from 'node:tls';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createAuthority, type Issued } from '../../db/embedded/testCertificates';
import { PASSWORD } from '../../db/embedded/testTlsServer';
import {
  encodeAuthenticationOk,
  encodeBackendKeyData,
  encodeNegotiateProtocolVersion,
  encodeParameterStatus,
  encodeReadyForQuery,
} from '../wire/backend';
import { connectUpstream, type Upstream } from './connect';
import { startScripted, targetOn } from './testing';

// What a real PostgreSQL cannot be made to do: transcripts of who sends what.

let stop: (() => Promise<void>) | undefined;
let upstream: Upstream | undefined;
afterEach(async () => {
  upstream?.socket.destroy();
  await stop?.();
});

type Target = NonNullable<Parameters<typeof targetOn>[1]>;

/** Connects to a server that answers the client's first bytes, its second ones and so on. `seen` is what it got. */
async function against(answers: (Buffer | 'close' | 'nothing' | ((socket: net.Socket) => void))[], change: Target = {}) {
  const seen: Buffer[] = [];
  const server = await startScripted((socket) => {
    let turn = 0;
    socket.on('data', (chunk) => {
      seen.push(chunk);
      const answer = answers[turn++];
      if (answer === 'close') socket.end();
      else if (typeof answer === 'function') answer(socket);
      else if (answer !== undefined && answer !== 'nothing') socket.write(answer);
    });
  });
  stop = server.stop;
  const told = await connectUpstream(targetOn(server, { timeoutMs: 400, ...change })).then(
    (connected) => {
      upstream = connected;
      return 'connected';
    },
    (error: Error) => error.message,
  );
  expect(told).not.toContain(PASSWORD);
  return { told, seen };
}

const ok = encodeAuthenticationOk();
const ready = encodeReadyForQuery('I');
const greeting = (...between: Buffer[]) => Buffer.concat([ok, ...between, ready]);
const message = (type: string, body: Buffer) => {
  const bytes = Buffer.alloc(5 + body.length);
  bytes.write(type);
  bytes.writeInt32BE(body.length + 4, 1);
  body.copy(bytes, 5);
  return bytes;
};
const authentication = (code: number, rest = Buffer.alloc(0)) => {
  const body = Buffer.alloc(4);
  body.writeInt32BE(code);
  return message('R', Buffer.concat([body, rest]));
};

describe('SSLRequest', () => {
  const tlsOn: Target = { tls: { mode: 'require' } };

  test.each<[string, Buffer | 'close' | 'nothing', string]>([
    [
      'garbage',
      Buffer.from('HTTP/1.1 400 Bad Request\r\n'),
      'TLS: the server gave an unknown answer to SSLRequest: check host and port: is it PostgreSQL?',
    ],
    ['one byte of it', Buffer.from('?'), 'TLS: the server gave an unknown answer to SSLRequest: check host and port: is it PostgreSQL?'],
    [
      'an error, which anyone could have sent',
      message('E', Buffer.from('SFATAL\0MCALL ME\0\0')),
      'TLS: the server answered the request for TLS with an error: see its log',
    ],
    ['bytes behind S', Buffer.from('SE'), 'TLS: the server sent bytes in front of TLS'],
    ['bytes behind N', Buffer.from('NR'), 'TLS: the server sent bytes in front of TLS'],
    ['an end', 'close', 'TLS: the server closed the connection when asked for TLS: see its log'],
    ['nothing', 'nothing', 'TLS: no answer within 400 ms'],
  ])('%s', async (_name, answer, told) => {
    const result = await against([answer], tlsOn);
    expect(result.told).toBe(told);
    // Nothing of the sign-in went out.
    expect(Buffer.concat(result.seen)).toEqual(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]));
  });

  test.each<[string, Buffer | 'close']>([
    ['garbage', Buffer.from('?')],
    ['an end', 'close'],
    ['an error', message('E', Buffer.from('\0'))],
  ])('prefer does not take %s for N', async (_name, answer) => {
    const { told, seen } = await against([answer], { tls: { mode: 'prefer' } });
    expect(told).toMatch(/^TLS: /);
    expect(seen).toHaveLength(1);
  });

  test('a server that ends in the middle of the handshake', async () => {
    expect((await against([Buffer.from('S'), 'close'], tlsOn)).told).toBe(
      'TLS: the server closed the connection during the TLS handshake: see its log',
    );
  });

  test('trap-04-postgresql-before-17-takes: PostgreSQL before 17 takes a direct handshake for a broken start-up packet and closes', async () => {
    expect((await against(['close'], { tls: { mode: 'require', negotiation: 'direct' } })).told).toBe(
      'TLS: the server closed the connection at the direct TLS handshake: tlsNegotiation direct needs PostgreSQL 17 or newer with ssl on; set it to postgres',
    );
  });

  test('something that does not speak TLS', async () => {
    expect(
      (await against([Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')], { tls: { mode: 'require', negotiation: 'direct' } })).told,
    ).toBe('TLS: the server did not answer with TLS: check host and port');
  });
});

describe('TLS servers that are not PostgreSQL', () => {
  let issued: Issued;
  beforeAll(async () => {
    issued = createAuthority('root').issue({ name: 'x', ips: ['127.0.0.1'] });
  });
  const startTls = async (options: tls.TlsOptions) => {
    const server = tls.createServer({ cert: issued.certificate, key: issued.key, ...options });
    const sockets = new Set<net.Socket>();
    server.on('connection', (socket) => sockets.add(socket));
    server.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    stop = () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    };
    const address = server.address();
    return { host: '127.0.0.1', port: typeof address === 'object' && address !== null ? address.port : 0 };
  };
  const direct: Target = { tls: { mode: 'require', negotiation: 'direct' }, timeoutMs: 1_000 };

  test('trap-04-direct-tls-needs-server: direct TLS needs the server to select postgresql', async () => {
    await expect(connectUpstream(targetOn(await startTls({}), direct))).rejects.toThrow(
      'the server does not select the protocol postgresql',
    );
  });
  test('another protocol is refused by the server itself', async () => {
    await expect(connectUpstream(targetOn(await startTls({ ALPNProtocols: ['h2'] }), direct))).rejects.toThrow(
      'the server does not select the protocol postgresql',
    );
  });
  test('nothing older than TLS 1.2', async () => {
    const old = await startTls({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' });
    await expect(connectUpstream(targetOn(old, direct))).rejects.toThrow(/TLS: .*TLS 1\.[12]/);
  });
});

describe('sign-in', () => {
  test('without BackendKeyData', async () => {
    expect((await against([greeting()])).told).toBe('connected');
    expect(upstream?.cancelKey).toBeNull();
  });

  test.each([0, 4, 32, 256])('with a cancel key of %i bytes', async (length) => {
    const secret = Buffer.alloc(length, 7);
    expect((await against([greeting(encodeBackendKeyData(9, secret))])).told).toBe('connected');
    expect(upstream?.cancelKey).toEqual({ processId: 9, secret });
  });

  test.each([
    ['too long', encodeBackendKeyData(9, Buffer.alloc(257)), 'sign-in: the server sent a cancel key that is too long'],
    ['cut short', message('K', Buffer.alloc(2)), 'sign-in: a message ends inside a field'],
  ])('with a cancel key that is %s', async (_name, bytes, told) => {
    expect((await against([greeting(bytes)])).told).toBe(told);
  });

  test('trap-07-server-s-negotiation-taken: the server’s negotiation is taken, and ends here', async () => {
    expect((await against([Buffer.concat([encodeNegotiateProtocolVersion(0x00030000, []), greeting()])])).told).toBe('connected');
    expect([...(upstream?.parameters.keys() ?? [])]).toEqual([]);
  });

  test.each([
    ['a protocol we did not ask for', encodeNegotiateProtocolVersion(0x00030002, [])],
    ['options we did not send', encodeNegotiateProtocolVersion(0x00030000, ['_pq_.x'])],
  ])('trap-07-server-negotiates-s-refused: a server that negotiates %s is refused', async (_name, bytes) => {
    expect((await against([Buffer.concat([bytes, greeting()])])).told).toContain('does not agree to protocol 3.0');
  });

  test('trap-07-this-leg-asks-3: this leg asks for 3.0 by itself', async () => {
    const { seen } = await against([greeting()]);
    expect(seen[0]?.readInt32BE(4)).toBe(0x00030000);
  });

  test('an ErrorResponse at start-up', async () => {
    const error = message('E', Buffer.from('SFATAL\0C57P03\0Mthe database system is starting up\0\0'));
    expect((await against([error])).told).toBe('sign-in: the upstream is starting up or shutting down: try again shortly');
  });

  test('an ErrorResponse that names who we are there is told by its SQLSTATE', async () => {
    const error = message('E', Buffer.from('SFATAL\0C42501\0Mpermission denied for database "postgres"\0\0'));
    expect((await against([error])).told).toBe('sign-in: the upstream refused the session (SQLSTATE 42501)');
  });

  test.each<[string, Buffer | 'close' | 'nothing' | ((socket: net.Socket) => void), string]>([
    [
      'ends in the middle',
      (socket) => socket.end(authentication(0)),
      'sign-in: the server closed the connection during sign-in: see its log',
    ],
    ['resets the connection', (socket) => socket.resetAndDestroy(), 'sign-in: the server closed the connection'],
    ['never answers', 'nothing', 'sign-in: no answer within 400 ms'],
    ['stops after half a message', ok.subarray(0, 6), 'sign-in: no answer within 400 ms'],
    ['sends an impossible length', Buffer.from([0x52, 0, 0, 0, 2]), 'sign-in: the server sent an invalid message length'],
    [
      'announces a gigabyte and sends of it',
      Buffer.concat([Buffer.from([0x52, 0x3f, 0xff, 0xff, 0xff]), Buffer.alloc(1_000_001)]),
      'sign-in: the server sent too much during sign-in',
    ],
    ['sends rows', message('D', Buffer.alloc(2)), 'sign-in: the server sent message 0x44 during sign-in'],
    ['skips authentication', ready, 'sign-in: the server skipped authentication'],
    ['asks for Kerberos', authentication(7), 'sign-in: the server asks for authentication method 7, which is not offered'],
    ['sends SCRAM data without SCRAM', authentication(11), 'sign-in: the server sent SCRAM data without starting SCRAM'],
    [
      'falls silent after offering SCRAM',
      (socket) => socket.write(authentication(10, Buffer.from('SCRAM-SHA-256\0\0'))),
      'sign-in: no answer within 400 ms',
    ],
  ])('a server that %s', async (_name, answer, told) => {
    expect((await against([answer])).told).toBe(told);
  });

  test('a server that ends SCRAM early has proven nothing', async () => {
    expect((await against([authentication(10, Buffer.from('SCRAM-SHA-256\0\0')), greeting()])).told).toBe(
      'sign-in: the server skipped its SCRAM proof',
    );
  });

  test('what stands behind ReadyForQuery is kept for the session', async () => {
    const late = encodeParameterStatus('late', 'yes');
    await against([Buffer.concat([greeting(), late])]);
    const heard = await new Promise<Buffer>((resolve) => upstream?.socket.once('data', resolve));
    expect(heard).toEqual(late);
  });

  test('an upstream that is gone before the session listens closes it', async () => {
    await against([(socket) => socket.write(greeting(), () => setTimeout(() => socket.resetAndDestroy(), 20))]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const closed = new Promise<string>((resolve) => {
      upstream?.socket.on('data', () => undefined);
      upstream?.socket.on('close', () => resolve('closed'));
    });
    expect(await closed).toBe('closed');
  });
});

test('nobody listens: the client hears no address, the operator does', async () => {
  const server = await startScripted(() => undefined);
  await server.stop();
  const error = await connectUpstream(targetOn(server)).catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    stage: 'TCP',
    code: 'ECONNREFUSED',
    message: 'TCP: connection refused: nothing listens there: check host, port and listen_addresses',
    reason: expect.stringContaining(String(server.port)),
  });
});

test('a host that does not exist', async () => {
  const error = await connectUpstream(targetOn({ host: 'nowhere.invalid', port: 5432 }, { timeoutMs: 9_000 })).catch(
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ stage: 'TCP' });
  expect(error instanceof Error && error.message).not.toContain('nowhere');
});
