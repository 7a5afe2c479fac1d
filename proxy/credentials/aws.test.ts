import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createAws } from './aws';
import { awsStandIn } from './awsStandIn';
import type { Environment } from './credential';
import { createCredentials } from './resolve';

let aws: Awaited<ReturnType<typeof awsStandIn>>;
let nowMs: number;
const now = () => nowMs;
const tokenFile = join(mkdtempSync(join(tmpdir(), 'gatehouse-aws-')), 'token');
beforeEach(async () => {
  aws = await awsStandIn();
  nowMs = Date.UTC(2026, 10, 26, 12, 0, 0);
  writeFileSync(tokenFile, 'the-web-identity\n');
});
afterEach(() => aws.close());

const web = (): Environment => ({
  AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile,
  AWS_ROLE_ARN: 'arn:aws:iam::1:role/gatehouse',
  AWS_ENDPOINT_URL_STS: `${aws.url}/sts`,
});
const container = (): Environment => ({
  AWS_CONTAINER_CREDENTIALS_FULL_URI: `${aws.url}/agent`,
  AWS_CONTAINER_AUTHORIZATION_TOKEN: 'agent-token',
});
const instance = (): Environment => ({ AWS_EC2_METADATA_SERVICE_ENDPOINT: aws.url });
const FIRST = { accessKeyId: 'ASIA1', secretAccessKey: 'secret-1', sessionToken: 'session-1', expiresAtMs: Date.UTC(2026, 10, 26, 13) };
const identity = (env: Environment) => createAws(env, now).identity('eu-central-1');
const words = (env: Environment) =>
  identity(env).then(
    () => 'it has them',
    (error: Error) => error.message,
  );

test('a web identity is exchanged at STS, unsigned', async () => {
  expect(await identity(web())).toEqual(FIRST);
  expect(Object.fromEntries(aws.heard[0]?.body ?? [])).toEqual({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: 'arn:aws:iam::1:role/gatehouse',
    RoleSessionName: 'gatehouse',
    WebIdentityToken: 'the-web-identity',
  });
  expect(aws.heard[0]).toMatchObject({ method: 'POST' });
  expect(aws.heard[0]?.headers.authorization).toBeUndefined();
});

test('a task or a pod asks its agent, with the agent’s token', async () => {
  expect(await identity(container())).toEqual(FIRST);
  writeFileSync(tokenFile, 'agent-token\n');
  const { AWS_CONTAINER_AUTHORIZATION_TOKEN: _token, ...rest } = container();
  expect(await identity({ ...rest, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: tokenFile })).toMatchObject({ accessKeyId: 'ASIA2' });
});

test('an instance is asked by version 2 of its metadata service', async () => {
  expect(await identity(instance())).toEqual(FIRST);
  expect(aws.heard.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'PUT /latest/api/token',
    'GET /latest/meta-data/iam/security-credentials/',
    'GET /latest/meta-data/iam/security-credentials/gatehouse-role',
  ]);
});

test('keys of the environment go before a web identity, and that before what runs it', async () => {
  const keys = { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 'x' };
  expect(await identity({ ...instance(), ...container(), ...web(), ...keys })).toMatchObject({ accessKeyId: 'AKIA', sessionToken: null });
  expect(aws.heard).toEqual([]);
  await identity({ ...instance(), ...container(), ...web() });
  await identity({ ...instance(), ...container() });
  expect(aws.heard.map(({ path }) => path)).toEqual(['/sts', '/agent']);
});

test('what ends is asked for once however many wait, anew before it ends, and used on while nobody answers', async () => {
  const credentials = createAws(web(), now);
  const ids = async () => (await credentials.identity('eu-central-1')).accessKeyId;
  expect(new Set(await Promise.all(Array.from({ length: 50 }, ids)))).toEqual(new Set(['ASIA1']));
  nowMs += 54 * 60_000;
  expect(await ids()).toBe('ASIA1');
  nowMs += 60_001;
  aws.state.refuse = 'IDPCommunicationError';
  expect(await ids()).toBe('ASIA1');
  expect(await ids()).toBe('ASIA1');
  expect(aws.heard).toHaveLength(2);
  nowMs += 10_001;
  aws.state.refuse = '';
  aws.state.expiresAt = '2026-11-26T14:00:00Z';
  expect(await ids()).toBe('ASIA2');
  aws.state.refuse = 'ExpiredTokenException';
  nowMs = Date.UTC(2026, 10, 26, 13, 59, 31);
  await expect(ids()).rejects.toThrow('AWS STS refused the web identity (ExpiredTokenException)');
});

test('a token of RDS is made with it, and lives no longer than what signed it', async () => {
  aws.state.expiresAt = '2026-11-26T12:06:00Z';
  const target = { host: 'db.example.com', port: 5432, username: 'app', passwordFrom: { rds: { region: 'eu-central-1' } } };
  const credentials = createCredentials(web(), now);
  const first = await credentials.get(target);
  expect(first.password).toContain('X-Amz-Credential=ASIA1%2F20261126%2Feu-central-1');
  expect(first.password).toContain('X-Amz-Security-Token=session-1');
  nowMs = Date.UTC(2026, 10, 26, 12, 5, 29);
  expect(await credentials.get(target)).toBe(first);
  nowMs += 1_001;
  aws.state.expiresAt = '2026-11-26T13:06:00Z';
  expect((await credentials.get(target)).password).toContain('ASIA2');
});

test('what fails is said with what to do, in time, and never a secret', async () => {
  aws.state.refuse = 'InvalidIdentityToken';
  expect(await words(web())).toBe(
    'sign-in: the password of this connection: AWS STS refused the web identity (InvalidIdentityToken): check AWS_ROLE_ARN, and that the role trusts this service account',
  );
  aws.state.refuse = '';
  expect(await words({ ...web(), AWS_ROLE_ARN: '' })).toContain('set AWS_ROLE_ARN');
  expect(await words({ ...web(), AWS_WEB_IDENTITY_TOKEN_FILE: '/nowhere' })).toContain(
    'AWS_WEB_IDENTITY_TOKEN_FILE cannot be read (ENOENT)',
  );
  expect(await words({ ...web(), AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:9' })).toContain('AWS STS cannot be reached');
  expect(await words({ ...container(), AWS_CONTAINER_AUTHORIZATION_TOKEN: 'canary-agent-token' })).toContain(
    'gives no credentials (status 401)',
  );
  expect(await words({ AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://evil.example/x' })).toContain('must be https or the container agent’s');
  aws.state.role = '';
  expect(await words(instance())).toContain('this EC2 instance has no role: give it an instance profile');
  expect(await words({ AWS_EC2_METADATA_DISABLED: 'true' })).toContain('AWS has no credentials here: set AWS_ACCESS_KEY_ID');
  expect(aws.heard.some(({ path }) => path.includes('canary'))).toBe(false);
  aws.state.silent = true;
  const began = performance.now();
  expect(await words(instance())).toContain('AWS has no credentials here');
  expect(performance.now() - began).toBeLessThan(2_500);
  expect(await words(web())).toContain('AWS STS did not answer within 4 s');
}, 15_000);
