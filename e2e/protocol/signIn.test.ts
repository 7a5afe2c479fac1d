import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiAsAdmin, demoToken, makePrincipal } from '../api';
import { DEMO_AGENT, directSettings, failure, open, proxySettings, type ServerError } from '../clients';
import { sharedGateway } from '../gateway';
import { cstring, fieldsOf, frame, int32, simpleQuery, startUp, WireClient } from '../wireClient';
import {
  askedFor,
  GSSENC_REQUEST,
  handshake,
  PROTOCOL_3_2,
  SSL_REQUEST,
  secured,
  signInOver,
  tappedLine,
  tcp,
  untilClosed,
} from './client';

const gateway = sharedGateway();
const settings = proxySettings(gateway);
const certificate = join(gateway.dataDir, 'tls', 'proxy.crt');
const agent = { user: DEMO_AGENT, password: demoToken(gateway), database: 'shop' };
const hasPsql = spawnSync('psql', ['--version']).status === 0;

/** The fields of the first message of an answer, which has to be an ErrorResponse. */
function errorIn(bytes: Buffer): Record<string, string> {
  expect(bytes.subarray(0, 1).toString()).toBe('E');
  return fieldsOf({ type: 'E', body: bytes.subarray(5, bytes.readUInt32BE(1) + 1) });
}

function psql(conninfo: string, input: string): Promise<{ stdout: string; stderr: string; code: number | null }> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, PGPASSWORD: agent.password };
    const child = spawn('psql', ['-XAt', `port=${gateway.proxyPort} dbname=shop user=${DEMO_AGENT} ${conninfo}`], { env });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ stdout: stdout.trim(), stderr, code }));
    child.stdin.end(input);
  });
}

describe('trap-01-buffered-plaintext', () => {
  test.each([
    ['SSLRequest', SSL_REQUEST, 'received unencrypted data after SSL request'],
    ['GSSENCRequest', GSSENC_REQUEST, 'received unencrypted data after GSSAPI encryption request'],
  ])('bytes behind %s are read by nobody', async (_, request, message) => {
    const socket = await tcp(settings.port);
    const answer = untilClosed(socket);
    socket.write(Buffer.concat([request, startUp({ user: agent.user, database: 'shop' })]));
    expect(errorIn(await answer)).toMatchObject({ S: 'FATAL', C: '08P01', M: message });
  });

  test('bytes that come between the answer and the handshake are not plaintext either', async () => {
    const socket = await tcp(settings.port);
    expect(await askedFor(socket, SSL_REQUEST)).toBe('S');
    const answer = untilClosed(socket);
    socket.resume();
    socket.write(startUp({ user: agent.user, database: 'shop' }));
    // An alert of TLS at most, never a message of the protocol.
    const bytes = await answer;
    if (bytes.length > 0) expect(bytes[0]).toBe(0x15);
  });
});

describe('trap-02-gssenc-first', () => {
  test('is answered N, and SSLRequest or start-up come on the same socket', async () => {
    const socket = await tcp(settings.port);
    expect(await askedFor(socket, GSSENC_REQUEST)).toBe('N');
    expect(await askedFor(socket, SSL_REQUEST)).toBe('S');
    const signed = await signInOver(await handshake(socket), agent);
    expect(signed).toMatchObject({ error: null, asked: 10 });
    signed.client.close();

    const plain = await tcp(settings.port);
    expect(await askedFor(plain, GSSENC_REQUEST)).toBe('N');
    plain.resume();
    const other = await signInOver(plain, agent);
    expect(other).toMatchObject({ error: null, asked: 3 });
    other.client.close();
  });

  test('once', async () => {
    const socket = await tcp(settings.port);
    expect(await askedFor(socket, GSSENC_REQUEST)).toBe('N');
    const answer = untilClosed(socket);
    socket.resume();
    socket.write(GSSENC_REQUEST);
    expect(errorIn(await answer)).toMatchObject({
      S: 'FATAL',
      C: '0A000',
      M: 'unsupported frontend protocol 1234.5680: server supports 3.0 to 3.2',
    });
  });

  test.each([
    ['SSLRequest', SSL_REQUEST, '1234.5679'],
    ['GSSENCRequest', GSSENC_REQUEST, '1234.5680'],
  ])('%s inside TLS is refused', async (_, request, version) => {
    const socket = await secured(settings.port);
    const answer = untilClosed(socket);
    socket.write(request);
    expect(errorIn(await answer)).toMatchObject({ C: '0A000', M: expect.stringContaining(version) });
  });
});

describe('trap-03-direct-tls', () => {
  const direct = async (options: object) => handshake(await tcp(settings.port), options);

  test('works when postgresql is offered by ALPN, and says so', async () => {
    const socket = await direct({ ALPNProtocols: ['h2', 'postgresql'] });
    expect(socket.alpnProtocol).toBe('postgresql');
    const signed = await signInOver(socket, agent);
    expect(signed).toMatchObject({ error: null, mechanisms: ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'] });
    signed.client.send(simpleQuery('SELECT 1'));
    expect((await signed.client.until('Z')).map((one) => one.type).join('')).toBe('TDCZ');
    signed.client.close();
  });

  test('is closed without a word when no ALPN is offered', async () => {
    const socket = await direct({});
    const answer = untilClosed(socket);
    socket.write(startUp({ user: agent.user, database: 'shop' }));
    expect(await answer).toEqual(Buffer.alloc(0));
  });

  test('is no handshake at all for another protocol', async () => {
    await expect(direct({ ALPNProtocols: ['h2', 'http/1.1'] })).rejects.toThrow();
    await expect(secured(settings.port, { ALPNProtocols: ['http/1.1'] })).rejects.toThrow();
  });

  test('after SSLRequest ALPN is selected when it is offered, and not needed', async () => {
    expect((await secured(settings.port, { ALPNProtocols: ['postgresql'] })).alpnProtocol).toBe('postgresql');
    expect((await secured(settings.port)).alpnProtocol).toBe(false);
  });
});

describe('TLS', () => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)('%s', async (version) => {
    const socket = await secured(settings.port, { minVersion: version, maxVersion: version });
    expect(socket.getProtocol()).toBe(version);
    const signed = await signInOver(socket, agent);
    expect(signed.error).toBeNull();
    signed.client.close();
  });

  test('TLS 1.1 is refused', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await expect(secured(settings.port, old)).rejects.toThrow(/protocol version|ECONNRESET|closed/);
  });

  test('sessions are not resumed, keys not renegotiated', async () => {
    const first = await secured(settings.port, { maxVersion: 'TLSv1.2' });
    const session = first.getSession();
    expect(first.getTLSTicket()).toBeUndefined();
    const renegotiation = new Promise((resolve) => first.renegotiate({}, resolve));
    first.on('error', () => undefined);
    const outcome = await Promise.race([renegotiation, new Promise((resolve) => first.once('close', () => resolve('closed')))]);
    expect(outcome).not.toBeNull();
    first.destroy();
    const second = await secured(settings.port, { maxVersion: 'TLSv1.2', ...(session === undefined ? {} : { session }) });
    expect(second.isSessionReused()).toBe(false);
    second.destroy();
  });

  test('a record that somebody else wrote after the handshake ends that connection, signed in or not', async () => {
    const forged = Buffer.concat([Buffer.from([0x17, 0x03, 0x03, 0x00, 0x40]), Buffer.alloc(0x40, 7)]);
    for (const signedIn of [false, true]) {
      const line = await tappedLine(settings.port);
      const socket = await secured(line.port);
      socket.on('error', () => undefined);
      if (signedIn) expect((await signInOver(socket, agent)).error).toBeNull();
      line.inject(forged);
      await line.gatewayClosed;
      line.close();
    }
  });

  test('half-closed, a client still gets its answer', async () => {
    const signed = await signInOver(await secured(settings.port), agent);
    signed.client.send(simpleQuery('SELECT 42'));
    signed.client.socket.end();
    const answer = await signed.client.until('Z');
    expect(answer.map((one) => one.type).join('')).toBe('TDCZ');
    await signed.client.untilClosed();
  });

  test('a megabyte comes through unharmed', async () => {
    const session = await open({ ...settings, ssl: { rejectUnauthorized: false } });
    const { rows } = await session.query("SELECT repeat('0123456789', 100000) AS long, $1::text AS given", ['x'.repeat(500_000)]);
    expect(rows[0].long).toHaveLength(1_000_000);
    expect(rows[0].given).toBe('x'.repeat(500_000));
    await session.end();
  });

  test.skipIf(!hasPsql)('psql: require, verify-full against the certificate in the data directory, and not without it', async () => {
    const info = '\\conninfo\nSELECT count(*) > 0 FROM products;\n';
    const required = await psql('host=127.0.0.1 sslmode=require', info);
    expect(required).toMatchObject({ stderr: '', code: 0, stdout: expect.stringMatching(/TLSv1\.3[\s\S]*\nt$/) });
    for (const host of ['localhost', '127.0.0.1']) {
      const verified = await psql(`host=${host} sslmode=verify-full sslrootcert=${certificate}`, info);
      expect(verified).toMatchObject({ stderr: '', code: 0, stdout: expect.stringMatching(/TLSv1\.3[\s\S]*\nt$/) });
    }
    const system = await psql('host=localhost sslmode=verify-full sslrootcert=/etc/ssl/certs/ca-certificates.crt', info);
    expect(system).toMatchObject({ code: 2, stderr: expect.stringContaining('certificate') });
  });
});

describe('trap-05-version, trap-06-grease, trap-07-own-negotiation', () => {
  const option = '_pq_.test_protocol_negotiation';

  test.each([
    [0x30000, {}, null],
    [0x30001, {}, null],
    [PROTOCOL_3_2, {}, null],
    [0x30003, {}, { version: 0x30002, options: [] }],
    [0x3270f, { [option]: 'on' }, { version: 0x30002, options: [option] }],
    [0x30000, { [option]: 'on' }, { version: 0x30000, options: [option] }],
  ])('%s with %j', async (version, parameters, expected) => {
    const signed = await signInOver(await secured(settings.port), { ...agent, version, parameters });
    expect(signed.error).toBeNull();
    if (expected === null) expect(signed.negotiated).toBeNull();
    else {
      const body = signed.negotiated?.body ?? Buffer.alloc(8);
      expect(body.readInt32BE(0)).toBe(expected.version);
      expect(body.readInt32BE(4)).toBe(expected.options.length);
      expect(body.subarray(8).toString().split('\0').filter(Boolean)).toEqual(expected.options);
    }
    signed.client.close();
  });

  test.each([0x20000, 0x40000])('%s is refused', async (version) => {
    const client = await WireClient.connect(settings.port);
    client.send(startUp({ user: agent.user }, version));
    const [error] = await client.until('E');
    expect(error && fieldsOf(error)).toMatchObject({ C: '0A000', M: expect.stringContaining('server supports 3.0 to 3.2') });
  });

  test('trap-08-cancel-key-length', async () => {
    for (const [version, length] of [
      [0x30000, 4],
      [PROTOCOL_3_2, 32],
      [0x3270f, 32],
    ] as const) {
      const signed = await signInOver(await tcp(settings.port), { ...agent, version });
      expect(signed.key?.secret).toHaveLength(length);
      signed.client.close();
    }
  });
});

describe('trap-09-start-up', () => {
  test('split at every byte, keys given twice, options with escapes, an empty application_name', async () => {
    const body = ['user', 'nobody', 'user', agent.user, 'database', 'shop', 'application_name', '', 'options', '-c app.tag=one\\ two']
      .map((text) => `${text}\0`)
      .join('');
    const packet = Buffer.concat([int32(body.length + 9), int32(0x30000), Buffer.from(`${body}\0`)]);
    const client = await WireClient.connect(settings.port);
    for (const byte of packet) {
      client.send(Buffer.from([byte]));
      await sleep(1);
    }
    await client.until('R');
    client.send(frame('p', cstring(agent.password)));
    await client.until('Z');
    client.send(simpleQuery("SELECT current_setting('app.tag'), current_setting('application_name')"));
    const row = (await client.until('Z')).find((one) => one.type === 'D');
    expect(row?.body.toString('latin1')).toContain('one two');
    client.close();
  });

  test('over 10,000 bytes it is refused before they are there; replication is refused', async () => {
    const long = await WireClient.connect(settings.port);
    long.send(int32(10_005));
    const [error] = await long.until('E');
    expect(error && fieldsOf(error)).toMatchObject({ C: '08P01', M: 'invalid length of startup packet' });
    const replication = await WireClient.connect(settings.port);
    replication.send(startUp({ user: agent.user, database: 'shop', replication: 'true' }));
    const [refused] = await replication.until('E');
    expect(refused && fieldsOf(refused)).toMatchObject({ C: '0A000', M: 'replication is not offered' });
  });

  test('no user is PostgreSQL’s own error', async () => {
    const client = await WireClient.connect(settings.port);
    client.send(startUp({ database: 'shop' }));
    const [error] = await client.until('E');
    expect(error && fieldsOf(error)).toMatchObject({ C: '28000', M: 'no PostgreSQL user name specified in startup packet' });
  });
});

describe('trap-11-silence', () => {
  const attempt = async (user: string, password: string) => {
    const socket = await secured(settings.port);
    const from = performance.now();
    const signed = await signInOver(socket, { user, password, database: 'no-such-connection' });
    const { M: message, ...fields } = signed.error ?? {};
    signed.client.close();
    const [, salt, iterations] = /,s=([^,]+),i=(\d+)$/.exec(signed.challenge ?? '') ?? [];
    return { fields, message, salt, iterations, mechanisms: signed.mechanisms, ms: performance.now() - from };
  };

  test('a wrong token, an unknown principal and another’s token: same messages, same words, same time', async () => {
    const tries = [
      await attempt(DEMO_AGENT, 'wrong'),
      await attempt('no-such-principal', 'wrong'),
      await attempt('admin', agent.password),
      await attempt('no-such-principal', agent.password),
    ];
    for (const one of tries) {
      expect(one.fields).toEqual({ ...tries[0]?.fields, C: '28P01' });
      expect(one.message).toMatch(/^password authentication failed for user "/);
      expect(one.mechanisms).toEqual(tries[0]?.mechanisms);
      expect(one.iterations).toBe('4096');
      expect(Buffer.from(one.salt ?? '', 'base64')).toHaveLength(16);
      expect(one.ms).toBeGreaterThan(240);
      expect(Math.abs(one.ms - (tries[0]?.ms ?? 0))).toBeLessThan(150);
    }
    // A salt that changed from one try to the next would say that nobody has that name.
    expect(tries[1]?.salt).toBe(tries[3]?.salt);
    expect(tries[0]?.salt).not.toBe(tries[1]?.salt);
    expect((await attempt(DEMO_AGENT, 'wrong')).salt).toBe(tries[0]?.salt);
  });
});

describe('trap-12-channel-binding', () => {
  test.skipIf(!hasPsql)('psql with channel_binding=require works, and fails clearly without TLS', async () => {
    const bound = await psql('host=127.0.0.1 sslmode=require channel_binding=require', 'SELECT 1');
    expect(bound).toMatchObject({ stdout: '1', stderr: '', code: 0 });
    const plain = await psql('host=127.0.0.1 sslmode=disable channel_binding=require', 'SELECT 1');
    expect(plain).toMatchObject({ code: 2, stderr: expect.stringContaining('channel binding') });
  });

  test('node-postgres with enableChannelBinding', async () => {
    const ssl = { rejectUnauthorized: false };
    const session = await open({ ...settings, ssl, enableChannelBinding: true } as typeof settings);
    expect((await session.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await session.end();
    const error = await failure(open({ ...settings, password: 'wrong', ssl, enableChannelBinding: true } as typeof settings));
    expect(error).toMatchObject({ code: '28P01' });
  });

  test('a proof bound to another certificate is worth nothing', async () => {
    const signed = await signInOver(await secured(settings.port), { ...agent, binding: Buffer.alloc(32, 7) });
    expect(signed.error).toMatchObject({ S: 'FATAL', C: '28000', M: 'SCRAM channel binding check failed' });
    await signed.client.untilClosed();
  });
});

describe('trap-13-scram', () => {
  const refused = async (as: Partial<Parameters<typeof signInOver>[1]>) => {
    const signed = await signInOver(await secured(settings.port), { ...agent, ...as });
    await signed.client.untilClosed();
    return `${signed.error?.C} ${signed.error?.M}`;
  };

  test('y where -PLUS was offered, a wrong nonce, no base64, too long', async () => {
    expect(await refused({ offered: () => ['SCRAM-SHA-256'] })).toBe('28000 SCRAM channel binding negotiation error');
    expect(await refused({ tamper: { final: (message) => message.replace(/r=./, 'r=!') } })).toMatch(/^08P01 invalid SCRAM response/);
    expect(await refused({ tamper: { final: (message) => message.replace(/p=.*/, 'p=%%%') } })).toBe('08P01 malformed SCRAM message');
    expect(await refused({ tamper: { first: (message) => message + 'x'.repeat(2_000) } })).toBe('08P01 invalid message length');
    expect(await refused({ tamper: { first: (message) => `${message}\0` } })).toBe('08P01 malformed SASL message');
    expect(await refused({ password: 'wrong' })).toBe(`28P01 password authentication failed for user "${DEMO_AGENT}"`);
  });

  test('without channel binding it works as well', async () => {
    const signed = await signInOver(await secured(settings.port), { ...agent, binding: null });
    expect(signed.error).toBeNull();
    signed.client.close();
  });

  test('any of a principal’s tokens works by the one exchange; a revoked one at once no longer', async () => {
    const admin = apiAsAdmin(gateway);
    const first = await makePrincipal(admin, { name: 'many-tokens', kind: 'agent', groups: ['agents'] });
    const second = await admin.tokens.create.mutate({ principal: 'many-tokens', label: 'second', ttlMs: 3_600_000 });
    const works = async (password: string) => {
      const signed = await signInOver(await secured(settings.port), { user: 'many-tokens', password, database: 'shop' });
      signed.client.close();
      return signed.error === null;
    };
    expect([await works(first), await works(second.secret)]).toEqual([true, true]);
    await admin.tokens.revoke.mutate({ id: second.id });
    expect([await works(first), await works(second.secret)]).toEqual([true, false]);
  });

  test('a token from before there were verifiers is asked for in clear, once', async () => {
    const token = await makePrincipal(apiAsAdmin(gateway), { name: 'old-token', kind: 'agent', groups: ['agents'] });
    const store = await open(directSettings(gateway, 'gatehouse'));
    const of = `principal_id = (SELECT id FROM principals WHERE name = 'old-token')`;
    await store.query(`UPDATE tokens SET scram = NULL WHERE ${of}`);
    const asked = async () => {
      const signed = await signInOver(await secured(settings.port), { user: 'old-token', password: token, database: 'shop' });
      signed.client.close();
      expect(signed.error).toBeNull();
      return signed.asked;
    };
    expect(await asked()).toBe(3);
    await expect
      .poll(async () => (await store.query(`SELECT 1 FROM tokens WHERE scram IS NOT NULL AND ${of}`)).rowCount)
      .toBeGreaterThan(0);
    expect(await asked()).toBe(10);
    await store.end();
  });
});

test('trap-14-oauthbearer: a mechanism that was not offered is refused in words', async () => {
  const signed = await signInOver(await secured(settings.port), { ...agent, tamper: { mechanism: 'OAUTHBEARER' } });
  expect(signed.error).toMatchObject({
    S: 'FATAL',
    C: '08P01',
    M: 'client selected an invalid SASL authentication mechanism',
    D: 'Offered: SCRAM-SHA-256-PLUS, SCRAM-SHA-256; selected: OAUTHBEARER.',
  });
  await signed.client.untilClosed();
});

test('trap-15-long-password: 16 kB in clear are a wrong password, more is no password', async () => {
  const attempt = (bytes: number) => failure(open({ ...settings, password: 'x'.repeat(bytes) }));
  expect(await attempt(8_000)).toMatchObject({ code: '28P01' });
  expect(await attempt(16_384)).toMatchObject({ code: '28P01' });
  expect(await attempt(16_500)).toMatchObject({ code: '08P01' });
});

describe('limits of sessions', () => {
  const admin = apiAsAdmin(gateway);
  let token: string;
  beforeAll(async () => {
    token = await makePrincipal(admin, { name: 'limited', kind: 'agent', groups: ['agents'] });
    const row = (await admin.principals.list.query()).find((one) => one.name === 'limited');
    await admin.principals.save.mutate({ id: row?.id, name: 'limited', kind: 'agent', groups: ['agents'], limits: { maxSessions: 5 } });
  });
  const limited = () => ({ ...settings, user: 'limited', password: token });
  const opened: { end(): Promise<void> }[] = [];
  afterAll(() => Promise.all(opened.map((session) => session.end())));

  test('a hundred sign-ins at once open no more than the principal may have', async () => {
    const errors: ServerError[] = [];
    const signInOnce = async () => opened.push(await open({ ...limited(), connectionTimeoutMillis: 25_000 }));
    await Promise.all(Array.from({ length: 100 }, () => signInOnce().catch((error: ServerError) => errors.push(error))));
    expect(opened).toHaveLength(5);
    expect(new Set(errors.map((error) => `${error.code} ${error.message}`))).toEqual(
      new Set(['53300 too many sessions of principal "limited"']),
    );
    expect(errors[0]?.detail).toBe('Its limit is 5.');
  });

  test('a place is free again when a session ends', async () => {
    await opened.pop()?.end();
    await expect
      .poll(async () => {
        const session = await open(limited()).catch(() => null);
        if (session !== null) opened.push(session);
        return session !== null;
      })
      .toBe(true);
    expect(await failure(open(limited()))).toMatchObject({ code: '53300' });
  });
});
