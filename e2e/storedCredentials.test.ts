import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { createAuthority } from '../db/embedded/testCertificates';
import { adminToken, apiAsAdmin, demoToken } from './api';
import { gatehouse } from './cli';
import { sharedGateway } from './gateway';
import { storeText } from './storeText';

const gateway = sharedGateway();
const admin = apiAsAdmin(gateway);
const GIVEN = {
  upstreamPassword: 'canary-dump-upstream-password',
  clientSecret: 'canary-dump-client-secret',
  sinkSecret: 'canary-dump-sink-secret',
  s3Key: 'canary-dump-s3-secret-access-key',
};
let before = '';
beforeAll(async () => {
  before = (await admin.policy.export.query()).yaml;
});
afterAll(() => admin.policy.applyYaml.mutate({ yaml: before, dryRun: false }));

/** As it is, and as a column of bytes or somebody's base64 would hold it. */
const forms = (secret: string): string[] => [
  secret,
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

test('a dump of the store holds no credential that works, nor do log, export and audit', async () => {
  const client = createAuthority('dump').issue({ name: 'dump' });
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
    ],
  };
  policy.audit = {
    witnesses: [{ type: 's3', bucket: 'dump', region: 'eu-central-1', lockDays: 400, accessKeyId: 'AKIA', secretAccessKey: GIVEN.s3Key }],
    sinks: [{ type: 'webhook', url: 'http://127.0.0.1:9/in', secret: GIVEN.sinkSecret }],
  };
  await admin.policy.applyYaml.mutate({ yaml: stringify(policy), dryRun: false });
  const link = /gh_ln_[\w-]+/.exec((await gatehouse(gateway, ['sign-in'])).stdout)?.[0] ?? '';
  const cookie = await signedInBy(link);
  expect(cookie.length).toBeGreaterThan(100);
  const token = (await admin.tokens.create.mutate({ principal: 'support-bot', label: 'dump', ttlMs: 600_000 })).secret;
  const unusedLink = /gh_ln_[\w-]+/.exec((await gatehouse(gateway, ['sign-in'])).stdout)?.[0] ?? '';
  const secrets = {
    ...GIVEN,
    tlsKey: client.key.split('\n')[1] ?? '',
    token,
    link,
    unusedLink,
    cookie,
    adminToken: adminToken(gateway),
    demoToken: demoToken(gateway),
    secretKey: readFileSync(join(gateway.dataDir, 'secret-key'), 'utf8').trim(),
  };
  const audit = JSON.stringify([(await admin.audit.search.query({ q: '' })).items, (await admin.audit.actions.query({})).items]);
  const places = {
    'the store': await storeText(gateway),
    'the export of the policy': (await admin.policy.export.query()).yaml,
    'the audit': audit,
    // The demo token is in its psql line, and the first link is printed, by contract.
    'the log': readFileSync(gateway.logFile, 'utf8').replaceAll(demoToken(gateway), ''),
  };
  expect(places['the store']).toContain('dump-okta');
  for (const [place, text] of Object.entries(places))
    for (const [name, secret] of Object.entries(secrets)) {
      expect(secret.length, name).toBeGreaterThan(16);
      for (const form of forms(secret)) expect(text.includes(form), `${name} is in ${place}`).toBe(false);
    }
}, 60_000);
