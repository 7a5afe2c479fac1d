import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Secret } from 'otpauth';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { createAuthority } from '../db/embedded/testCertificates';
import { open as openEnvelope } from '../db/secrets';
import { adminToken, apiAsAdmin, apiAsBrowser, demoToken } from './api';
import { codeAt } from './authenticator';
import { gatehouse } from './cli';
import { directSettings, open } from './clients';
import { sharedGateway } from './gateway';
import { softPasskey } from './passkey';
import { dumpDatabase } from './pgDump';
import { startSamlIdp } from './samlIdp';
import { storeText } from './storeText';

const gateway = sharedGateway();
const admin = apiAsAdmin(gateway);
const GIVEN = {
  upstreamPassword: 'canary-dump-upstream-password',
  clientSecret: 'canary-dump-client-secret',
  sinkSecret: 'canary-dump-sink-secret',
  s3Key: 'canary-dump-s3-secret-access-key',
  archiveKey: 'canary-dump-archive-secret-key',
  witnessToken: 'canary-dump-witness-token',
  sinkHeader: 'canary-dump-sink-authorization',
  slackToken: 'xoxb-canary-dump-slack-bot-token',
  slackSigning: 'canarydumpslacksigning0123456789',
  mailPassword: 'canary-dump-mail-password',
};
const channels: string[] = [];
let before = '';
beforeAll(async () => {
  before = (await admin.policy.export.query()).yaml;
});
afterAll(async () => {
  for (const id of channels) await admin.notifications.remove.mutate({ id });
  // The sign-in page asks for a password as long as somebody has one.
  await admin.localAccounts.remove.mutate({ principal: 'dump-person' });
  await admin.policy.applyYaml.mutate({ yaml: before, dryRun: false });
});

/** As it is, and as a column of bytes or somebody's base64 would hold it. */
const forms = (secret: string | Buffer): string[] => [
  ...(typeof secret === 'string' ? [secret] : []),
  Buffer.from(secret).toString('hex'),
  Buffer.from(secret).toString('base64').replace(/=+$/, '').slice(0, -2),
  Buffer.from(secret).toString('base64url').slice(0, -2),
];

/** Signs in at the console as a browser does; the session cookie. */
async function signedInBy(link: string): Promise<string> {
  const cookies = new Map<string, string>();
  const ask = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${gateway.consoleUrl}${path}`, {
      redirect: 'manual',
      ...init,
      headers: { ...init.headers, cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    return answer;
  };
  const { csrfToken } = (await (await ask('/api/auth/csrf')).json()) as { csrfToken: string };
  const body = new URLSearchParams({ csrfToken, link, json: 'true' });
  await ask('/api/auth/callback/_link', { method: 'POST', body });
  return cookies.get('gatehouse.session') ?? '';
}

/** A person with password, authenticator, recovery codes and a passkey; ceremonies that were begun and not ended. */
async function ownSecrets() {
  const { id: principal } = await admin.principals.save.mutate({ name: 'dump-person', kind: 'human', role: 'reviewer', groups: [] });
  const link = /gh_ln_[\w-]+/.exec((await gatehouse(gateway, ['sign-in', '--principal', 'dump-person'])).stdout)?.[0] ?? '';
  const personCookie = await signedInBy(link);
  const person = apiAsBrowser(gateway, `gatehouse.session=${personCookie}`);
  const password = 'canary dump herons on one leg';
  const { secret, pending } = await person.localAccounts.begin.mutate();
  const { recoveryCodes } = await person.localAccounts.enrol.mutate({ password, pending, code: codeAt(secret, new Date()) });
  const shown = await person.localAccounts.begin.mutate();
  const { origin } = await person.passkeys.own.query();
  const key = softPasskey({ rpId: 'localhost', origin: origin ?? '' });
  const registering = await person.passkeys.begin.mutate({});
  await person.passkeys.register.mutate({ name: 'dump-passkey', response: key.create(registering) });
  const confirmation = key.get(await person.passkeys.confirmAdding.mutate());
  const adding = await person.passkeys.begin.mutate({ confirmation });
  const store = await open(directSettings(gateway, 'gatehouse'));
  const { rows } = await store.query('SELECT id FROM local_accounts WHERE principal_id = $1', [principal]);
  await store.end();
  // The key itself, as a column of bytes would show it.
  const totpBytes = Buffer.from(Secret.fromBase32(secret).buffer);
  const codes = recoveryCodes.flatMap((code) => [code, code.replaceAll('-', '')]);
  return {
    accountId: String(rows[0].id),
    credentialId: key.credentialId,
    secrets: {
      ...{ personCookie, password, totpSecret: secret, totpShown: shown.secret, totpPending: shown.pending },
      ...{ totpHex: totpBytes.toString('hex'), totpBase64: totpBytes.toString('base64') },
      ...Object.fromEntries(codes.map((code, index) => [`recoveryCode${index}`, code])),
      ...{ challengeAnswered: registering.challenge, signature: confirmation.response.signature, challengeOpen: adding.challenge },
    },
  };
}

const samlMetadata = async () => (await fetch(`${gateway.consoleUrl}/api/saml/dump-corp/metadata`)).text();

/** The private key that the metadata is about, from behind what is public of it: as PEM has it, and its bytes. */
async function samlKey(secretKey: string): Promise<{ samlKeyPem: string; samlKeyBytes: Buffer }> {
  const client = new Client(directSettings(gateway, 'gatehouse'));
  await client.connect();
  const { rows } = await client.query<{ id: string; key_sealed: string }>('SELECT id, key_sealed FROM saml_keys');
  await client.end();
  const [row] = rows;
  const pem = openEnvelope(Buffer.from(secretKey, 'base64'), row?.key_sealed ?? '', row?.id ?? '');
  const der = createPrivateKey(pem).export({ type: 'pkcs1', format: 'der' });
  return { samlKeyPem: pem.trimEnd().split('\n').at(-4) ?? '', samlKeyBytes: der.subarray(-90, -30) };
}

test('a dump of the store holds no credential that works, nor do log, export and audit', async () => {
  const client = createAuthority('dump').issue({ name: 'dump' });
  const idp = await startSamlIdp(await samlMetadata(), 'dump');
  idp.stop();
  const policy = parse(before);
  policy.connections.push({
    name: 'dump',
    host: '127.0.0.1',
    port: 9,
    database: 'dump',
    username: 'dump',
    password: GIVEN.upstreamPassword,
    tls: 'require',
    tlsCertificate: client.certificate,
    tlsKey: client.key,
  });
  policy.identity = {
    providers: [
      {
        type: 'oidc',
        name: 'dump-okta',
        issuer: 'https://dump.invalid',
        audiences: ['x'],
        principal: { claim: 'sub' },
        console: { clientId: 'x', clientSecret: GIVEN.clientSecret },
      },
      {
        ...{ type: 'saml', name: 'dump-corp', signRequests: true, encryptedAssertions: 'required', principal: { claim: 'uid' } },
        metadata: idp.metadata,
      },
    ],
  };
  policy.audit = {
    witnesses: [{ type: 's3', bucket: 'dump', region: 'eu-central-1', lockDays: 400, accessKeyId: 'AKIA', secretAccessKey: GIVEN.s3Key }],
    sinks: [
      { type: 'webhook', url: 'http://127.0.0.1:9/in', secret: GIVEN.sinkSecret },
      { type: 'otlp', url: 'http://127.0.0.1:9/v1/logs', headers: { authorization: GIVEN.sinkHeader } },
    ],
    retention: {
      days: 400,
      archive: { type: 's3', bucket: 'dump', region: 'eu-central-1', accessKeyId: 'AKIB', secretAccessKey: GIVEN.archiveKey },
    },
  };
  policy.audit.witnesses.push({ type: 'http', url: 'http://127.0.0.1:9/add-checkpoint', token: GIVEN.witnessToken });
  policy.principals.push({ name: 'dump-directory', kind: 'service', role: 'admin' });
  await admin.policy.applyYaml.mutate({ yaml: stringify(policy), dryRun: false });
  const link = /gh_ln_[\w-]+/.exec((await gatehouse(gateway, ['sign-in'])).stdout)?.[0] ?? '';
  const cookie = await signedInBy(link);
  expect(cookie.length).toBeGreaterThan(100);
  const made = async (draft: { principal: string; kind?: 'access' | 'api_key' }) =>
    (await admin.tokens.create.mutate({ label: `dump ${draft.kind}`, ttlMs: 600_000, ...draft })).secret;
  const token = await made({ principal: 'support-bot', kind: 'access' });
  const apiKey = await made({ principal: 'support-bot', kind: 'api_key' });
  const scimToken = await made({ principal: 'dump-directory', kind: 'api_key' });
  expect((await fetch(`${gateway.consoleUrl}/scim/v2/Users`, { headers: { authorization: `Bearer ${scimToken}` } })).status).toBe(200);
  const device = await fetch(`${gateway.consoleUrl}/api/device`, {
    method: 'POST',
    body: new URLSearchParams({ client_name: 'dump-device' }),
  });
  const { device_code: deviceCode, user_code: userCode } = (await device.json()) as { device_code: string; user_code: string };
  const channel = async (name: string, target: Parameters<typeof admin.notifications.save.mutate>[0]['target']) => {
    const saved = await admin.notifications.save.mutate({ name, target, events: ['request.filed'], connections: ['dump'] });
    channels.push(saved.id);
    return saved.secret ?? '';
  };
  const hookSecret = await channel('dump-hook', { kind: 'webhook', url: 'http://127.0.0.1:9/hook' });
  await channel('dump-slack', { kind: 'slack', channel: 'C0APPROVALS', botToken: GIVEN.slackToken, signingSecret: GIVEN.slackSigning });
  const mail = { host: '127.0.0.1', port: 9, username: 'dump', from: 'a@example.com' };
  await channel('dump-mail', { kind: 'email', ...mail, security: 'none', to: ['b@example.com'], password: GIVEN.mailPassword });
  const unusedLink = /gh_ln_[\w-]+/.exec((await gatehouse(gateway, ['sign-in'])).stdout)?.[0] ?? '';
  const own = await ownSecrets();
  const secretKey = readFileSync(join(gateway.dataDir, 'secret-key'), 'utf8').trim();
  const recordFile = (name: string) => readFileSync(join(gateway.dataDir, 'record', name), 'utf8').trim();
  const checkpointKey = openEnvelope(
    Buffer.from(secretKey, 'base64'),
    recordFile('checkpoint-key'),
    `checkpoint key of ${recordFile('node')}`,
  );
  // A request that is signed with it.
  const begun = await fetch(`${gateway.consoleUrl}/api/saml/dump-corp/login`, { redirect: 'manual' });
  expect(begun.headers.get('location')).toContain('&Signature=');
  const metadata = await samlMetadata();
  const secrets = {
    ...GIVEN,
    ...own.secrets,
    ...(await samlKey(secretKey)),
    tlsKey: client.key.split('\n')[1] ?? '',
    token,
    apiKey,
    scimToken,
    deviceCode,
    hookSecret,
    link,
    unusedLink,
    cookie,
    adminToken: adminToken(gateway),
    demoToken: demoToken(gateway),
    secretKey,
    checkpointKey,
  };
  // Short enough to be guessed, so it is looked for as it is typed, too.
  expect(userCode).toMatch(/^[A-Z]{4}-[A-Z]{4}$/);
  const audit = JSON.stringify([(await admin.audit.search.query({ q: '' })).items, (await admin.audit.actions.query({})).items]);
  const dump = await dumpDatabase(directSettings(gateway, 'gatehouse'));
  const places = {
    'a pg_dump of the store': dump,
    'the store': await storeText(gateway),
    'the export of the policy': (await admin.policy.export.query()).yaml,
    'the audit': audit,
    'the SAML metadata': metadata,
    // The demo token is in its psql line, and the first link is printed, by contract.
    'the log': readFileSync(gateway.logFile, 'utf8').replaceAll(demoToken(gateway), ''),
  };
  const ownCertificate = /<ds:X509Certificate>(.{64})/.exec(metadata)?.[1] ?? 'no certificate';
  expect(dump).toContain(ownCertificate);
  expect(dump).toMatch(/^-- Dumped by pg_dump version 18/m);
  for (const place of ['the store', 'a pg_dump of the store'] as const)
    for (const row of [
      'dump-okta',
      'dump-corp',
      'dump api_key',
      'dump-device',
      'dump-hook',
      'dump-slack',
      'dump-mail',
      own.accountId,
      own.credentialId,
    ])
      expect(places[place], place).toContain(row);
  for (const place of [places['the store'], dump])
    for (const form of [userCode, userCode.replace('-', '')]) expect(place.includes(form), 'the code a person types').toBe(false);
  for (const [place, text] of Object.entries(places))
    for (const [name, secret] of Object.entries(secrets)) {
      expect(secret.length, name).toBeGreaterThanOrEqual(16);
      for (const form of forms(secret)) expect(text.includes(form), `${name} is in ${place}`).toBe(false);
    }
}, 60_000);
