import { setTimeout as delay } from 'node:timers/promises';
import tls from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Authority, createAuthority, type Issued, selfSigned } from '../../db/embedded/testCertificates';
import { PASSWORD, startTlsServer, type TlsServer } from '../../db/embedded/testTlsServer';
import { cancelUpstream } from './cancel';
import { connectUpstream, type Upstream, type UpstreamTarget } from './connect';
import { controlClient } from './control';
import { UpstreamError } from './error';
import { targetOn } from './testing';

let server: TlsServer;
let ca: Authority;
let otherCa: Authority;
let localhost: Issued;

beforeAll(async () => {
  server = await startTlsServer();
  ca = createAuthority('test root');
  otherCa = createAuthority('another root');
  localhost = ca.issue({ name: 'localhost', dns: ['localhost'], ips: ['127.0.0.1'] });
});
afterAll(() => server.stop());

const open: Upstream[] = [];
async function connect(target: UpstreamTarget): Promise<Upstream> {
  const upstream = await connectUpstream(target);
  open.push(upstream);
  return upstream;
}
afterAll(() => {
  for (const { socket } of open) socket.destroy();
});

async function failure(target: UpstreamTarget): Promise<UpstreamError> {
  const error = await connect(target).then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof UpstreamError)) throw new Error(`expected an UpstreamError, not ${String(error)}`);
  expect(error.message + error.reason).not.toContain(PASSWORD);
  return error;
}

const encrypted = ({ socket }: Upstream) => socket instanceof tls.TLSSocket;

describe('without TLS at the server', () => {
  beforeAll(() => server.present(null));

  test.each(['by_scram', 'by_md5', 'by_password', 'by_trust'])('signs in %s', async (username) => {
    const upstream = await connect(targetOn(server, { username }));
    expect(upstream.parameters.get('server_version')).toMatch(/^18/);
    expect(upstream.cancelKey?.secret).toHaveLength(4);
  });

  test.each(['by_scram', 'by_md5', 'by_password'])('a wrong password of %s is told without the role', async (username) => {
    const error = await failure(targetOn(server, { username, password: 'wrong' }));
    expect(error).toMatchObject({ stage: 'sign-in', sqlstate: '28P01', reason: expect.stringContaining(username) });
    expect(error.message).toBe('sign-in: the upstream refused the password of this connection: check user name and password');
  });

  test('no password where one is asked for', async () => {
    expect((await failure(targetOn(server, { password: null }))).message).toContain('the connection has none');
  });

  test('prefer goes on in clear; stricter modes do not', async () => {
    expect(encrypted(await connect(targetOn(server, { tls: { mode: 'prefer' } })))).toBe(false);
    for (const mode of ['require', 'verify-ca', 'verify-full'] as const)
      expect((await failure(targetOn(server, { tls: { mode } }))).message).toBe(
        `TLS: the server offers no TLS: turn on ssl at the server (tls is ${mode})`,
      );
  });

  test('prefer falls back under a CA too, as libpq does: only the server’s N counts', async () => {
    expect(encrypted(await connect(targetOn(server, { tls: { mode: 'prefer', ca: ca.certificate } })))).toBe(false);
  });

  test('trap-04-direct-tls-server-does: direct TLS with a server that does not take part in it says so', async () => {
    const error = await failure(targetOn(server, { tls: { mode: 'require', negotiation: 'direct' } }));
    expect(error.message).toBe(
      'TLS: the server closed the connection at the direct TLS handshake: tlsNegotiation direct needs PostgreSQL 17 or newer with ssl on; set it to postgres',
    );
  });

  test('a database that is not there is told without its name', async () => {
    const error = await failure(targetOn(server, { database: 'nowhere', username: 'by_trust' }));
    expect(error).toMatchObject({ sqlstate: '3D000', reason: 'database "nowhere" does not exist' });
    expect(error.message).toBe('sign-in: the upstream database does not exist: check the connection’s database');
  });

  test('too many connections', async () => {
    await server.admin.query('ALTER ROLE by_trust CONNECTION LIMIT 0');
    try {
      const error = await failure(targetOn(server, { username: 'by_trust' }));
      expect(error).toMatchObject({ sqlstate: '53300', stage: 'sign-in' });
      expect(error.message).toContain('the upstream has too many connections');
      expect(error.message).not.toContain('by_trust');
    } finally {
      await server.admin.query('ALTER ROLE by_trust CONNECTION LIMIT -1');
    }
  });

  test('pg_hba.conf without an entry names neither role nor address to a client', async () => {
    const error = await failure(targetOn(server, { username: 'only_tls' }));
    expect(error).toMatchObject({ sqlstate: '28000', reason: expect.stringContaining('no encryption') });
    expect(error.message).toBe('sign-in: the upstream does not let this connection’s role in: see its pg_hba.conf and its log');
  });

  test('what a client brought in its start-up packet fails in the server’s own words', async () => {
    const error = await failure(targetOn(server, { username: 'by_trust', parameters: { TimeZone: 'Nowhere' } }));
    expect(error.message).toBe('sign-in: invalid value for parameter "TimeZone": "Nowhere"');
  });
});

describe('trap-04-upstream-leg-verifies-authority: the upstream leg verifies authority and name', () => {
  beforeAll(() => server.present(localhost));

  test.each(['prefer', 'require'] as const)('%s encrypts, unverified', async (mode) => {
    expect(encrypted(await connect(targetOn(server, { tls: { mode } })))).toBe(true);
  });

  test('disable does not', async () => {
    expect(encrypted(await connect(targetOn(server, { tls: { mode: 'disable' } })))).toBe(false);
  });

  test.each(['by_scram', 'by_md5', 'by_password', 'by_trust', 'only_tls'])('signs in %s under TLS', async (username) => {
    await connect(targetOn(server, { username, tls: { mode: 'require' } }));
  });

  test.each(['127.0.0.1', 'localhost'])('verify-full with the right CA, by %s', async (host) => {
    expect(encrypted(await connect(targetOn(server, { host, tls: { mode: 'verify-full', ca: ca.certificate } })))).toBe(true);
  });

  test.each(['prefer', 'require', 'verify-ca', 'verify-full'] as const)('%s with a wrong CA is refused, never in clear', async (mode) => {
    const error = await failure(targetOn(server, { tls: { mode, ca: otherCa.certificate } }));
    expect(error.stage).toBe('TLS');
    expect(error.message).toContain('its authority is not in tlsCa');
  });

  test.each(['verify-ca', 'verify-full'] as const)('%s without a CA asks for one', async (mode) => {
    expect((await failure(targetOn(server, { tls: { mode } }))).message).toBe(
      'TLS: the certificate’s authority is not known: set tlsCa to the certificate of its authority',
    );
  });

  test('several authorities in one text', async () => {
    const both = otherCa.certificate + ca.certificate;
    await connect(targetOn(server, { tls: { mode: 'verify-full', ca: both } }));
  });

  test('settings that OpenSSL cannot use fail here, in words, and hold nothing of the key', async () => {
    const [one, other] = [ca.issue({ name: 'a' }), ca.issue({ name: 'b' })];
    const error = await failure(targetOn(server, { tls: { mode: 'require', certificate: one.certificate, key: other.key } }));
    expect(error.message).toBe('TLS: tlsKey is not the key of tlsCertificate: give the two that belong together');
    const broken = await failure(targetOn(server, { tls: { mode: 'require', certificate: one.certificate, key: 'canary' } }));
    expect(broken).toMatchObject({ stage: 'TLS' });
    expect(broken.message + broken.reason).not.toContain('canary');
  });

  test('another authority in otherwise equal settings is another context', async () => {
    const target = (authority: Authority) => targetOn(server, { tls: { mode: 'verify-ca', ca: authority.certificate } });
    for (const _round of [1, 2]) {
      await connect(target(ca));
      expect((await failure(target(otherCa))).message).toContain('its authority is not in tlsCa');
    }
  });

  test('direct TLS, with ALPN', async () => {
    const { socket } = await connect(targetOn(server, { tls: { mode: 'verify-full', ca: ca.certificate, negotiation: 'direct' } }));
    expect(socket instanceof tls.TLSSocket && socket.alpnProtocol).toBe('postgresql');
  });

  test('direct TLS verifies as well', async () => {
    const error = await failure(targetOn(server, { tls: { mode: 'verify-full', ca: otherCa.certificate, negotiation: 'direct' } }));
    expect(error.message).toContain('its authority is not in tlsCa');
  });

  test('direct TLS never under prefer: a fallback would be silent', async () => {
    const error = await failure(targetOn(server, { tls: { mode: 'prefer', negotiation: 'direct' } }));
    expect(error.message).toContain('needs tls require or stricter');
  });

  test('by another name or address: refused by verify-full alone, in words', async () => {
    await server.present(ca.issue({ name: 'db.internal', dns: ['db.internal'], ips: ['10.0.0.5'] }));
    expect((await failure(targetOn(server, { tls: { mode: 'verify-full', ca: ca.certificate } }))).message).toBe(
      'TLS: the certificate is for db.internal, 10.0.0.5, not 127.0.0.1: use a name it is for as host, or set tls to verify-ca',
    );
    expect((await failure(targetOn(server, { host: 'localhost', tls: { mode: 'verify-full', ca: ca.certificate } }))).message).toContain(
      'the certificate is for db.internal, 10.0.0.5, not localhost',
    );
    await connect(targetOn(server, { tls: { mode: 'verify-ca', ca: ca.certificate } }));
  });

  test('an address that stands only as a name or CN does not pass', async () => {
    await server.present(ca.issue({ name: '127.0.0.1', dns: ['localhost', '127.0.0.1'] }));
    expect((await failure(targetOn(server, { tls: { mode: 'verify-full', ca: ca.certificate } }))).message).toContain('not 127.0.0.1');
  });

  test('expired, not valid yet, self-signed, an incomplete chain', async () => {
    const told = async (shown: Issued, given: string | null = ca.certificate) => {
      await server.present(shown);
      return (await failure(targetOn(server, { tls: { mode: 'verify-full', ca: given } }))).message;
    };
    expect(await told(ca.issue({ name: 'old', ips: ['127.0.0.1'], fromDays: -9, untilDays: -2 }))).toContain('has expired');
    expect(await told(ca.issue({ name: 'new', ips: ['127.0.0.1'], fromDays: 2 }))).toContain('is not valid yet');
    expect(await told(selfSigned('127.0.0.1'))).toMatch(/^TLS: self-signed certificate: /);
    expect(await told({ ...localhost, certificate: localhost.certificate + ca.certificate }, null)).toBe(
      'TLS: self-signed certificate in chain: set tlsCa to the certificate of its authority',
    );
    const below = ca.intermediate('below');
    const leaf = below.issue({ name: 'leaf', ips: ['127.0.0.1'] });
    expect(await told(leaf)).toContain('authority is not known');
    await server.present({ ...leaf, certificate: leaf.certificate + below.certificate });
    await connect(targetOn(server, { tls: { mode: 'verify-full', ca: ca.certificate } }));
  });

  test('an expired authority is refused', async () => {
    const old = createAuthority('old root', { untilDays: -1 });
    await server.present(old.issue({ name: 'localhost', ips: ['127.0.0.1'] }));
    expect((await failure(targetOn(server, { tls: { mode: 'verify-ca', ca: old.certificate } }))).message).toContain('has expired');
  });
});

describe('client certificates', () => {
  let clientCa: Authority;
  let client: Issued;
  const withClient = (shown: Issued | null) =>
    targetOn(server, {
      username: 'by_cert',
      password: null,
      tls: { mode: 'verify-full', ca: ca.certificate, ...(shown === null ? {} : { certificate: shown.certificate, key: shown.key }) },
    });

  beforeAll(async () => {
    clientCa = createAuthority('client root');
    client = clientCa.issue({ name: 'by_cert' });
    await server.present(localhost, clientCa.certificate);
  });

  test('cert signs in with no password', async () => {
    await connect(withClient(client));
    await connect({ ...withClient(client), tls: { ...withClient(client).tls, negotiation: 'direct' } });
  });

  test('without one the error says what the server asks for', async () => {
    const error = await failure(withClient(null));
    expect(error.sqlstate).toBe('28000');
    expect(error.message).toBe('sign-in: the server asks for a client certificate: set tlsCertificate and tlsKey');
  });

  test('for another role', async () => {
    const error = await failure(withClient(clientCa.issue({ name: 'someone' })));
    expect(error.sqlstate).toBe('28000');
    expect(error.message).not.toContain('by_cert');
  });

  test('of an authority the server does not know; expired', async () => {
    expect((await failure(withClient(ca.issue({ name: 'by_cert' })))).message).toContain(
      'the server does not accept the client certificate: its authority has to be in the server’s ssl_ca_file',
    );
    expect((await failure(withClient(clientCa.issue({ name: 'by_cert', fromDays: -9, untilDays: -1 })))).message).toContain(
      'the server says the client certificate has expired',
    );
  });
});

describe('what runs over it', () => {
  const tlsTarget = () => targetOn(server, { tls: { mode: 'verify-full', ca: ca.certificate } });
  beforeAll(() => server.present(localhost));

  test('the control connection takes the same way, and node-postgres never holds the password', async () => {
    const client = controlClient(() => connectUpstream(tlsTarget()));
    await client.connect();
    expect(JSON.stringify(client.password ?? '')).not.toContain(PASSWORD);
    const { rows } = await client.query(
      'SELECT ssl, version, current_user AS who FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE pid = pg_backend_pid() AND $1',
      [true],
    );
    expect(rows).toEqual([{ ssl: true, version: 'TLSv1.3', who: 'by_scram' }]);
    const { rows: many } = await client.query("SELECT repeat('x', 1000) AS x FROM generate_series(1, 5000)");
    expect(many).toHaveLength(5000);
    await client.end();
  });

  test('the control connection refuses what a session refuses, in the same words', async () => {
    const target = targetOn(server, { tls: { mode: 'verify-full', ca: otherCa.certificate } });
    const { message } = await failure(target);
    await expect(controlClient(() => connectUpstream(target)).connect()).rejects.toThrow(message);
  });

  test('a control connection that dies fails its statement and nothing else', async () => {
    const client = controlClient(() => connectUpstream(tlsTarget()));
    await client.connect();
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const running = client.query('SELECT pg_sleep(30)').catch((error: Error) => error);
    await server.admin.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
    expect(await running).toBeInstanceOf(Error);
  });

  test.each(['postgres', 'direct'] as const)('a cancel request goes the same way (%s)', async (negotiation) => {
    const target = { ...tlsTarget(), tls: { ...tlsTarget().tls, negotiation } };
    const upstream = await connect(target);
    const seen: Buffer[] = [];
    upstream.socket.on('data', (chunk: Buffer) => seen.push(chunk));
    const sql = Buffer.from('SELECT pg_sleep(30)\0');
    const query = Buffer.alloc(5);
    query.write('Q');
    query.writeInt32BE(sql.length + 4, 1);
    upstream.socket.write(Buffer.concat([query, sql]));
    await delay(100);
    if (upstream.cancelKey === null) throw new Error('no key');
    await cancelUpstream(target, upstream.cancelKey);
    await expect.poll(() => Buffer.concat(seen).toString('latin1')).toContain('57014');
  });

  test('a cancel request is never sent to a server that cannot be verified', async () => {
    const target = targetOn(server, { tls: { mode: 'verify-full', ca: otherCa.certificate } });
    await expect(cancelUpstream(target, { processId: 1, secret: Buffer.alloc(4) })).rejects.toThrow('its authority is not in tlsCa');
  });

  test('what the server says before anyone listens is kept', async () => {
    const upstream = await connect(tlsTarget());
    await server.admin.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'by_scram' AND pid = $1", [
      upstream.cancelKey?.processId,
    ]);
    await delay(200);
    let heard = '';
    const closed = new Promise<void>((resolve) => {
      upstream.socket.on('data', (chunk: Buffer) => {
        heard += chunk.toString('latin1');
      });
      upstream.socket.on('close', () => resolve());
    });
    await closed;
    expect(heard).toContain('57P01');
  });
});
