import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { type Authority, createAuthority, type Issued } from '../db/embedded/testCertificates';
import { PASSWORD, startTlsServer, type TlsServer } from '../db/embedded/testTlsServer';
import { apiAsAdmin } from './api';
import { gatehouse } from './cli';
import { failure, open, proxySettings } from './clients';
import { sharedGateway } from './gateway';

const gateway = sharedGateway();
const admin = apiAsAdmin(gateway);
let before: string;
let server: TlsServer;
let ca: Authority;
let localhost: Issued;
let client: Issued;

beforeAll(async () => {
  before = (await admin.policy.export.query()).yaml;
  server = await startTlsServer();
  ca = createAuthority('e2e root');
  localhost = ca.issue({ name: 'localhost', ips: ['127.0.0.1'] });
  client = ca.issue({ name: 'by_cert' });
  await server.present(localhost, ca.certificate);
  const policy = parse(before) as { connections: object[]; access: object[] };
  const connection = (name: string, more: object) => ({
    name,
    host: '127.0.0.1',
    port: server.port,
    database: 'postgres',
    opaque: 'allow',
    tls: 'verify-full',
    tlsCa: ca.certificate,
    ...more,
  });
  policy.connections.push(
    connection('tls-scram', { username: 'by_scram', password: PASSWORD }),
    connection('tls-direct', { username: 'by_scram', password: PASSWORD, tlsNegotiation: 'direct' }),
    connection('tls-cert', { username: 'by_cert', tlsCertificate: client.certificate, tlsKey: client.key }),
  );
  policy.access.push({ connections: ['tls-scram', 'tls-direct', 'tls-cert'], groups: ['*'] });
  await admin.policy.applyYaml.mutate({ yaml: stringify(policy), dryRun: false });
});
afterAll(async () => {
  await admin.policy.applyYaml.mutate({ yaml: before, dryRun: false });
  await server.stop();
});

const SECURED = `SELECT usename AS who, ssl, version, client_dn FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE pid = pg_backend_pid()`;

describe('trap-04-verify-full-connection-through: a verify-full connection, through the gateway', () => {
  test.each([
    ['tls-scram', { who: 'by_scram', ssl: true, version: 'TLSv1.3', client_dn: null }],
    ['tls-direct', { who: 'by_scram', ssl: true, version: 'TLSv1.3', client_dn: null }],
    ['tls-cert', { who: 'by_cert', ssl: true, version: 'TLSv1.3', client_dn: '/CN=by_cert' }],
  ])('%s', async (database, row) => {
    const session = await open(proxySettings(gateway, { database }));
    expect((await session.query(SECURED)).rows).toEqual([row]);
    await session.end();
  });

  test('the catalog’s own session is secured like it', async () => {
    const { rows } = await server.admin.query(
      "SELECT DISTINCT ssl, client_dn FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'gatehouse catalog' ORDER BY 2",
    );
    expect(rows).toEqual([
      { ssl: true, client_dn: '/CN=by_cert' },
      { ssl: true, client_dn: null },
    ]);
  });

  test('the test on the command line shows what TLS found', async () => {
    const run = await gatehouse(gateway, ['connections', 'test', 'tls-cert']);
    expect(run.stdout).toMatch(/TLS +ok .*authority and name are verified/);
    for (const fact of ['ALPN: postgresql', 'Issuer: CN=e2e root', 'Client certificate: CN=by_cert']) expect(run.stdout).toContain(fact);
    const shown = run.stdout + run.stderr + readFileSync(gateway.logFile, 'utf8');
    for (const secret of [PASSWORD, client.key.split('\n')[1] ?? PASSWORD]) expect(shown).not.toContain(secret);
    expect(run.code).toBe(0);
  });

  test('a certificate for another name: 08006, the stage, and what to do; the command line says the same', async () => {
    await server.present(ca.issue({ name: 'db.internal', dns: ['db.internal'] }), ca.certificate);
    try {
      const error = await failure(open(proxySettings(gateway, { database: 'tls-scram' })));
      expect(error).toMatchObject({
        severity: 'FATAL',
        code: '08006',
        message: 'could not connect to the upstream of "tls-scram"',
        detail: 'TLS: the certificate is for db.internal, not 127.0.0.1: use a name it is for as host, or set tls to verify-ca',
      });
      const run = await gatehouse(gateway, ['connections', 'test', 'tls-scram']);
      expect(run.code).toBe(1);
      expect(run.stdout).toMatch(/TLS +failed .*the certificate is for db\.internal, not 127\.0\.0\.1/);
    } finally {
      await server.present(localhost, ca.certificate);
    }
  });

  test('too many connections upstream: 08006 with the reason, and no role', async () => {
    await server.admin.query('ALTER ROLE by_scram CONNECTION LIMIT 0');
    try {
      const error = await failure(open(proxySettings(gateway, { database: 'tls-scram' })));
      expect(error).toMatchObject({
        severity: 'FATAL',
        code: '08006',
        detail: expect.stringContaining('the upstream has too many connections'),
      });
      expect(JSON.stringify(error)).not.toContain('by_scram');
    } finally {
      await server.admin.query('ALTER ROLE by_scram CONNECTION LIMIT -1');
    }
  });
});
