import { describe, expect, test } from 'vitest';
import { WireError } from '../wire/errors';
import { scramClient } from './client';
import { deriveKeys, keysOf, preparePassword, saltPassword } from './keys';
import { type ScramMechanism, scramServer } from './server';

/** RFC 5802, section 5, and RFC 7677, section 3: the user is "user", the password "pencil". */
const VECTORS = [
  {
    rfc: 'RFC 5802',
    hash: 'sha1' as const,
    salt: 'QSXCR+Q6sek8bf92',
    clientNonce: 'fyko+d2lbbFgONRv9qkxdawL',
    serverNonce: '3rfcNHYJY1ZVvWVs7j',
    clientFinal: 'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
    serverFinal: 'v=rmF9pqV8S7suAoZWja4dJRkFsKQ=',
  },
  {
    rfc: 'RFC 7677',
    hash: 'sha256' as const,
    salt: 'W22ZaJ0SNY7soEsUEjb6gQ==',
    clientNonce: 'rOprNGfwEbeRWgbNEkqO',
    serverNonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
    clientFinal: 'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  },
];

describe.each(VECTORS)('the exchange of $rfc', ({ hash, salt, clientNonce, serverNonce, clientFinal, serverFinal }) => {
  const challenge = { salt: Buffer.from(salt, 'base64'), iterations: 4096, nonce: serverNonce, hash };
  const keys = keysOf(hash, saltPassword(hash, 'pencil', challenge.salt, challenge.iterations));

  test('as server', () => {
    const server = scramServer(`n,,n=user,r=${clientNonce}`, { mechanism: 'SCRAM-SHA-256', channelBinding: null }, challenge);
    expect(server.first).toBe(`r=${clientNonce}${serverNonce},s=${salt},i=4096`);
    expect(server.finish(clientFinal, [keys])).toEqual({ matched: keys, final: serverFinal });
  });

  test('as client', () => {
    const client = scramClient({
      password: 'pencil',
      offered: ['SCRAM-SHA-256'],
      channelBinding: null,
      fixed: { nonce: clientNonce, user: 'user', hash },
    });
    expect(client.first()).toBe(`n,,n=user,r=${clientNonce}`);
    expect(client.continue(`r=${clientNonce}${serverNonce},s=${salt},i=4096`)).toBe(clientFinal);
    expect(() => client.finish(serverFinal)).not.toThrow();
  });
});

const salt = Buffer.from('0123456789abcdef');
const challenge = { salt, iterations: 1_000, nonce: 'servernonce' };
const binding = Buffer.from('the hash of a certificate');
const keysFor = (password: string) => deriveKeys(password, salt, challenge.iterations);

/** What the server says at the end; the client's messages go through `tamper` on their way. */
async function exchange(options: {
  password?: string;
  clientBinding?: Buffer | null;
  serverBinding?: Buffer | null;
  offered?: string[];
  tamper?: { first?: (message: string) => string; final?: (message: string) => string };
}) {
  const { clientBinding = null, serverBinding = null, tamper } = options;
  const candidates = await Promise.all(['first token', 'second token', 'third token'].map(keysFor));
  const client = scramClient({
    password: options.password ?? 'second token',
    offered: options.offered ?? [...(serverBinding === null ? [] : ['SCRAM-SHA-256-PLUS']), 'SCRAM-SHA-256'],
    channelBinding: clientBinding,
  });
  const server = scramServer(
    (tamper?.first ?? String)(client.first()),
    { mechanism: client.mechanism, channelBinding: serverBinding },
    challenge,
  );
  const end = server.finish((tamper?.final ?? String)(client.continue(server.first)), candidates);
  if (end !== null) client.finish(end.final);
  return end === null ? null : candidates.indexOf(end.matched);
}

describe('one exchange for all tokens of a principal', () => {
  test('finds the one it was and proves itself with it', async () => {
    expect(await exchange({ password: 'first token' })).toBe(0);
    expect(await exchange({ password: 'third token' })).toBe(2);
    expect(await exchange({ password: 'no token' })).toBeNull();
  });

  test('trap-12-channel-binding: bound to the same certificate', async () => {
    expect(await exchange({ clientBinding: binding, serverBinding: binding })).toBe(1);
  });
});

describe('trap-13-scram: what is refused', () => {
  const fails = (options: Parameters<typeof exchange>[0]) =>
    exchange(options).then(
      () => null,
      (error) => (error instanceof WireError ? `${error.fields.sqlstate} ${error.fields.message}` : String(error)),
    );

  test('another certificate in between', async () => {
    expect(await fails({ clientBinding: Buffer.from('of a man in the middle'), serverBinding: binding })).toBe(
      '28000 SCRAM channel binding check failed',
    );
  });

  test('an offer of -PLUS that somebody took away', async () => {
    expect(await fails({ clientBinding: binding, serverBinding: binding, offered: ['SCRAM-SHA-256'] })).toBe(
      '28000 SCRAM channel binding negotiation error',
    );
    // Where we did not offer it, the client is right.
    expect(await exchange({ clientBinding: binding, serverBinding: null })).toBe(1);
  });

  test.each([
    [
      'a nonce that is not ours',
      (m: string) => m.replace('servernonce', 'othernonce'),
      '08P01 invalid SCRAM response: nonce does not match',
    ],
    ['a header that changed', (m: string) => m.replace('c=biws', 'c=eSws'), '28000 SCRAM channel binding check failed'],
    ['a binding that is no base64', (m: string) => m.replace('c=biws', 'c=biw*'), '08P01 malformed SCRAM message'],
    ['a proof that is no base64', (m: string) => m.replace(/,p=./, ',p=*'), '08P01 malformed SCRAM message'],
    ['no proof', (m: string) => m.replace(/,p=.*/, ''), '08P01 malformed SCRAM message'],
    ['parts in another order', (m: string) => m.replace(/^(c=[^,]*),(r=[^,]*)/, '$2,$1'), '08P01 malformed SCRAM message'],
    ['something behind the proof', (m: string) => `${m},x=y`, '08P01 malformed SCRAM message'],
    ['nothing at all', () => '', '08P01 malformed SCRAM message'],
  ])('%s', async (_, final, expected) => {
    expect(await fails({ tamper: { final } })).toBe(expected);
  });

  test('a proof of the wrong length is a wrong proof', async () => {
    expect(await exchange({ tamper: { final: (message) => message.replace(/p=.*/, 'p=AAAA') } })).toBeNull();
  });

  const read = (message: string, mechanism: ScramMechanism = 'SCRAM-SHA-256') => {
    try {
      scramServer(message, { mechanism, channelBinding: mechanism.endsWith('PLUS') ? binding : null }, challenge);
      return null;
    } catch (error) {
      return error instanceof WireError ? `${error.fields.sqlstate} ${error.fields.message}` : String(error);
    }
  };

  test.each([
    ['', '08P01 malformed SCRAM message'],
    ['n,,', '08P01 malformed SCRAM message'],
    ['n,,n=,r=', '08P01 malformed SCRAM message'],
    ['n,,r=abc,n=', '08P01 malformed SCRAM message'],
    ['n,,n=,r=ab\u0001c', '08P01 malformed SCRAM message'],
    ['x,,n=,r=abc', '08P01 malformed SCRAM message'],
    ['p=tls-server-end-point,,n=,r=abc', '08P01 malformed SCRAM message'],
    ['n,a=other,n=,r=abc', '0A000 client uses authorization identity, but it is not supported'],
    ['n,,m=x,n=,r=abc', '0A000 client requires an unsupported SCRAM extension'],
    ['n,,n=someone=2Celse,r=abc,x=extension', null],
  ])('first message %j', (message, expected) => {
    expect(read(message)).toBe(expected);
  });

  test.each([
    ['n,,n=,r=abc', '08P01 malformed SCRAM message'],
    ['y,,n=,r=abc', '08P01 malformed SCRAM message'],
    ['p=tls-unique,,n=,r=abc', '08P01 unsupported SCRAM channel-binding type'],
    ['p=tls-server-end-point,,n=,r=abc', null],
  ])('first message %j of -PLUS', (message, expected) => {
    expect(read(message, 'SCRAM-SHA-256-PLUS')).toBe(expected);
  });
});

test('passwords are prepared as RFC 4013 says, and taken as they are where it forbids them', () => {
  expect(preparePassword('I\u00ADX')).toBe('IX');
  expect(preparePassword('\u00AA')).toBe('a');
  expect(preparePassword('\u2168')).toBe('IX');
  expect(preparePassword('user')).toBe('user');
  expect(preparePassword('bell\u0007')).toBe('bell\u0007');
  expect(preparePassword('\u0627\u0031')).toBe('\u0627\u0031');
});
