import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Authority, createAuthority, type Issued } from '../../db/embedded/testCertificates';
import { PASSWORD, startTlsServer, type TlsServer } from '../../db/embedded/testTlsServer';
import type { UpstreamTls } from '../../proxy/upstream/endpoint';
import { targetOn } from '../../proxy/upstream/testing';
import { runStages } from './stages';

let server: TlsServer;
let ca: Authority;
let localhost: Issued;
beforeAll(async () => {
  server = await startTlsServer();
  ca = createAuthority('test root');
  localhost = ca.issue({ name: 'localhost', dns: ['localhost'], ips: ['127.0.0.1'] });
}, 60_000);
afterAll(() => server.stop());

async function stages(tls: Partial<UpstreamTls>, change: Parameters<typeof targetOn>[1] = {}) {
  const found = await runStages({ ...targetOn(server, { ...change, tls }), superuser: 'refuse', passwordMissing: null });
  expect(JSON.stringify(found)).not.toContain(PASSWORD);
  return found;
}
const tlsOf = async (...of: Parameters<typeof stages>) => (await stages(...of)).find((stage) => stage.name === 'TLS');
const factsOf = (stage: Awaited<ReturnType<typeof tlsOf>>) =>
  Object.fromEntries((stage?.facts ?? []).map(({ label, value }) => [label, value]));

test('what TLS found: version, cipher, ALPN, subject, issuer, expiry in days, whether verified', async () => {
  await server.present(localhost);
  const found = await tlsOf({ mode: 'verify-full', ca: ca.certificate });
  expect(found).toMatchObject({ status: 'ok', detail: 'TLSv1.3, authority and name are verified' });
  expect(factsOf(found)).toEqual({
    Version: 'TLSv1.3',
    Cipher: expect.stringMatching(/^TLS_/),
    ALPN: 'postgresql',
    Subject: 'CN=localhost',
    Issuer: 'CN=test root',
    Expires: expect.stringMatching(/^\d{4}-\d\d-\d\d, in (89|90) days$/),
    Verified: 'its authority and its name',
  });
});

test('every stage passes, over one connection', async () => {
  await server.present(localhost);
  const found = await stages({ mode: 'verify-full', ca: ca.certificate, negotiation: 'direct' });
  expect(found.map((stage) => `${stage.name} ${stage.status}`)).toEqual([
    'DNS ok',
    'TCP ok',
    'TLS ok',
    'sign-in ok',
    'version ok',
    'role ok',
    'catalog warn',
  ]);
});

test('not verified says so, and why it would not pass', async () => {
  await server.present(localhost);
  expect(factsOf(await tlsOf({ mode: 'require' }))).toMatchObject({ Verified: 'no (UNABLE_TO_VERIFY_LEAF_SIGNATURE)' });
  expect(await tlsOf({ mode: 'require' })).toMatchObject({ detail: 'TLSv1.3, encrypted, the server’s certificate is not verified' });
});

test('what runs out soon, and an authority in tlsCa that has expired, are warnings', async () => {
  await server.present(ca.issue({ name: 'soon', ips: ['127.0.0.1'], untilDays: 5.5 }));
  expect(await tlsOf({ mode: 'verify-full', ca: ca.certificate })).toMatchObject({
    status: 'warn',
    hint: 'The certificate expires in 5 days.',
  });
  await server.present(localhost);
  const old = createAuthority('old root', { untilDays: -3 });
  expect(await tlsOf({ mode: 'verify-full', ca: ca.certificate + old.certificate })).toMatchObject({
    status: 'warn',
    hint: 'tlsCa: CN=old root has expired.',
  });
});

test('a failure names what is wrong and what to do; the rest is skipped', async () => {
  await server.present(ca.issue({ name: 'db.internal', dns: ['db.internal'] }));
  const found = await stages({ mode: 'verify-full', ca: ca.certificate });
  expect(found.find((stage) => stage.name === 'TLS')).toMatchObject({
    status: 'failed',
    detail: 'the certificate is for db.internal, not 127.0.0.1',
    hint: 'Use a name it is for as host, or set tls to verify-ca.',
  });
  expect(found.find((stage) => stage.name === 'sign-in')?.status).toBe('skipped');
});

test('no TLS on loopback is fine under prefer and a failure under require', async () => {
  await server.present(null);
  expect(await tlsOf({ mode: 'prefer' })).toMatchObject({ status: 'ok', detail: expect.stringContaining('in clear') });
  expect(await tlsOf({ mode: 'require' })).toMatchObject({ status: 'failed', hint: 'Turn on ssl at the server (tls is require).' });
  expect(await tlsOf({ mode: 'disable' })).toMatchObject({ status: 'skipped' });
});

test('a refused sign-in tells the operator the server’s own words', async () => {
  await server.present(null);
  const found = await stages({}, { password: 'wrong' });
  expect(found.find((stage) => stage.name === 'sign-in')).toMatchObject({
    status: 'failed',
    detail: 'password authentication failed for user "by_scram"',
    hint: 'Check user name and password.',
  });
});
