import { describe, expect, test } from 'vitest';
import type { TlsMode } from '../../db/schema/shapes';
import { mayCarryPassword } from './connect';
import type { UpstreamTls } from './endpoint';
import { tlsOptions, verification } from './tls';

const settings = (mode: TlsMode, ca: string | null = null): UpstreamTls => ({
  mode,
  negotiation: 'postgres',
  ca,
  certificate: null,
  key: null,
});

/** mode, verified without a CA, verified with one (libpq: PostgreSQL documentation 34.19.1) */
const VERIFIED: [TlsMode, string, string][] = [
  ['disable', 'nothing', 'nothing'],
  ['prefer', 'nothing', 'chain'],
  ['require', 'nothing', 'chain'],
  ['verify-ca', 'chain', 'chain'],
  ['verify-full', 'name', 'name'],
];

describe('what is verified', () => {
  test.each(VERIFIED)('%s: %s, with tlsCa %s', (mode, without, given) => {
    expect(verification(settings(mode))).toBe(without);
    expect(verification(settings(mode, 'pem'))).toBe(given);
  });

  test.each(VERIFIED)('%s refuses an unknown authority where it verifies one', (mode, without, given) => {
    expect(tlsOptions(settings(mode), 'db').rejectUnauthorized).toBe(without !== 'nothing');
    expect(tlsOptions(settings(mode, 'pem'), 'db').rejectUnauthorized).toBe(given !== 'nothing');
  });
});

const certificate = (subjectaltname: string | undefined, CN = 'common') => ({ subject: { CN }, subjectaltname }) as never;

/** host, alternative names, common name, whether it is the server we look for */
const NAMES: [string, string | undefined, string, boolean][] = [
  ['db.internal', 'DNS:db.internal', 'x', true],
  ['a.db.internal', 'DNS:*.db.internal', 'x', true],
  ['a.b.db.internal', 'DNS:*.db.internal', 'x', false],
  ['db.internal', 'DNS:other.internal', 'db.internal', false],
  ['db.internal', undefined, 'db.internal', true],
  ['10.0.0.5', 'IP Address:10.0.0.5', 'x', true],
  ['10.0.0.5', 'IP Address:10.0.0.6, DNS:10.0.0.5', 'x', false],
  ['10.0.0.5', 'DNS:db.internal', '10.0.0.5', false],
  ['10.0.0.5', 'DNS:localhost', 'localhost', false],
  ['::1', 'IP Address:0:0:0:0:0:0:0:1', 'x', true],
  ['::1', 'DNS:localhost', 'localhost', false],
];

describe('verify-full compares the host, name or address', () => {
  test.each(NAMES)('%s with %s, CN %s: %s', (host, names, commonName, matches) => {
    const { checkServerIdentity, servername } = tlsOptions(settings('verify-full'), host);
    // Node hands over servername or "localhost"; what counts is the connection's host.
    const error = checkServerIdentity?.(servername ?? 'localhost', certificate(names, commonName));
    expect(error === undefined).toBe(matches);
  });

  test.each(['prefer', 'require', 'verify-ca'] as const)('%s does not', (mode) => {
    expect(tlsOptions(settings(mode, 'pem'), 'db').checkServerIdentity?.('db', certificate('DNS:other'))).toBeUndefined();
  });
});

test('a server name is sent for names and never for addresses', () => {
  expect(tlsOptions(settings('require'), 'db.internal').servername).toBe('db.internal');
  for (const address of ['10.0.0.5', '::1']) expect(tlsOptions(settings('require'), address)).not.toHaveProperty('servername');
});

test('nothing older than TLS 1.2, always ALPN, and a client certificate only with its key', () => {
  for (const [mode] of VERIFIED)
    expect(tlsOptions(settings(mode), 'db')).toMatchObject({ minVersion: 'TLSv1.2', ALPNProtocols: ['postgresql'] });
  expect(tlsOptions({ ...settings('require'), certificate: 'c', key: 'k' }, 'db')).toMatchObject({ cert: 'c', key: 'k' });
  expect(tlsOptions({ ...settings('require'), certificate: 'c' }, 'db')).not.toHaveProperty('cert');
});

test.each([
  [true, '10.0.0.5', true],
  [false, '127.0.0.1', true],
  [false, '127.8.9.1', true],
  [false, '::1', true],
  [false, '::ffff:127.0.0.1', true],
  [false, '10.0.0.5', false],
  [false, '::ffff:10.0.0.5', false],
  [false, undefined, false],
])('a password in clear: encrypted %s, peer %s: %s', (encrypted, remoteAddress, may) => {
  expect(mayCarryPassword({ encrypted, remoteAddress })).toBe(may);
});
