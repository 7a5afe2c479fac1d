import { createHash, createHmac } from 'node:crypto';
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { withPostgres } from '../../db/embedded/testing';
import type { PasswordFrom } from '../../db/schema/shapes';
import { connectUpstream } from '../upstream/connect';
import { targetOn } from '../upstream/testing';
import type { Environment } from './credential';
import { createCredentials } from './resolve';
import { vaultStandIn } from './vaultStandIn';

let vault: Awaited<ReturnType<typeof vaultStandIn>>;
beforeEach(async () => {
  vault = await vaultStandIn();
});
afterEach(() => vault.close());

const at = (passwordFrom: PasswordFrom) => ({ host: 'db.example.com', port: 5432, username: 'app', passwordFrom });
const kv = (path = 'secret/data/shop', field = 'password') => at({ vault: { path, field } });
const ANYTHING_TO_SHOP = 'env:* = db.example.com; file:* = db.example.com; vault:* = db.example.com 127.0.0.1 localhost';
const tokenEnv = (): Environment => ({ VAULT_ADDR: vault.url, VAULT_TOKEN: 'root-token', GATEHOUSE_SECRETS_HOSTS: ANYTHING_TO_SHOP });

describe('environment and files', () => {
  const dir = mkdtempSync(join(tmpdir(), 'gatehouse-secrets-'));
  const outside = mkdtempSync(join(tmpdir(), 'gatehouse-outside-'));
  mkdirSync(join(dir, '..data'));
  writeFileSync(join(dir, '..data', 'shop'), 'from a file\n');
  symlinkSync(join('..data', 'shop'), join(dir, 'shop'));
  writeFileSync(join(outside, 'key'), 'not yours');
  symlinkSync(join(outside, 'key'), join(dir, 'sly'));
  writeFileSync(join(dir, 'empty'), '\n');
  const env = {
    GATEHOUSE_UPSTREAM_SHOP: 'from the environment',
    GATEHOUSE_SECRET_KEY: 'never',
    GATEHOUSE_SECRETS_DIR: dir,
    GATEHOUSE_SECRETS_HOSTS: ANYTHING_TO_SHOP,
  };

  test('are read, through links as Kubernetes makes them', async () => {
    const credentials = createCredentials(env, Date.now);
    expect(await credentials.get(at({ env: 'GATEHOUSE_UPSTREAM_SHOP' }))).toMatchObject({
      password: 'from the environment',
      username: null,
    });
    expect(await credentials.get(at({ file: 'shop' }))).toMatchObject({ password: 'from a file' });
    expect(await credentials.get(at({ file: join(dir, 'shop') }))).toMatchObject({ password: 'from a file' });
  });

  test.each([
    [{ env: 'GATEHOUSE_SECRET_KEY' }, 'the environment variable GATEHOUSE_SECRET_KEY may not be read'],
    [{ env: 'GATEHOUSE_UPSTREAM_OTHER' }, 'GATEHOUSE_UPSTREAM_OTHER is not set: set it where the gateway starts'],
    [{ file: join(outside, 'key') }, 'may not be read: only files below GATEHOUSE_SECRETS_DIR may'],
    [{ file: '../../../etc/passwd' }, 'may not be read: only files below GATEHOUSE_SECRETS_DIR may'],
    [{ file: 'sly' }, 'may not be read: only files below GATEHOUSE_SECRETS_DIR may'],
    [{ file: '.' }, 'may not be read: only files below GATEHOUSE_SECRETS_DIR may'],
    [{ file: 'absent' }, 'the file absent cannot be read (ENOENT)'],
    [{ file: 'empty' }, 'the file empty is empty'],
  ])('%j is refused in words', async (from, words) => {
    await expect(createCredentials(env, Date.now).get(at(from))).rejects.toThrow(words);
  });

  test('no file at all without a directory that the operator named', async () => {
    await expect(createCredentials({}, Date.now).get(at({ file: '/etc/passwd' }))).rejects.toThrow('set GATEHOUSE_SECRETS_DIR');
  });
});

describe('Vault', () => {
  test('a KV secret is asked for once by any number of sessions, and again when it is stale or was refused', async () => {
    vault.state.kv.set('secret/data/shop', { password: 'one', other: 'two' });
    let nowMs = 1_000;
    const credentials = createCredentials(tokenEnv(), () => nowMs);
    const all = await Promise.all(Array.from({ length: 50 }, () => credentials.get(kv())));
    expect(new Set(all.map(({ password }) => password))).toEqual(new Set(['one']));
    expect(vault.heard).toMatchObject([{ method: 'GET', path: 'secret/data/shop', token: 'root-token' }]);
    expect((await credentials.get(kv('secret/data/shop', 'other'))).password).toBe('two');

    vault.state.kv.set('secret/data/shop', { password: 'changed' });
    expect((await credentials.get(kv())).password).toBe('one');
    nowMs += 60_001;
    const fresh = await credentials.get(kv());
    expect(fresh.password).toBe('changed');
    vault.state.kv.set('secret/data/shop', { password: 'changed again' });
    credentials.forget(kv(), fresh);
    expect((await credentials.get(kv())).password).toBe('changed again');
  });

  test('the database engine’s role is used for its lease, which is renewed while Vault lets it', async () => {
    vault.state.creds.set('readonly', { username: 'v-token-1', password: 'p1', seconds: 2, maxRenewals: 2 });
    const target = at({ vault: { path: 'database/creds/readonly', field: 'password' } });
    const credentials = createCredentials(tokenEnv(), Date.now);
    expect(await credentials.get(target)).toMatchObject({ username: 'v-token-1', password: 'p1' });
    vault.state.creds.set('readonly', { username: 'v-token-2', password: 'p2', seconds: 2, maxRenewals: 0 });
    expect((await credentials.get(target)).username).toBe('v-token-1');
    await new Promise((resolve) => setTimeout(resolve, 2_600));
    const renewals = vault.heard.filter(({ path }) => path === 'sys/leases/renew');
    expect(renewals).toHaveLength(2);
    expect(renewals[0]).toMatchObject({ method: 'PUT', body: { lease_id: 'database/creds/readonly/1', increment: 2 } });
    expect((await credentials.get(target)).username).toBe('v-token-2');
  });

  test.each([
    ['AppRole', { VAULT_ROLE_ID: 'gatehouse', VAULT_SECRET_ID: 'the-secret-id' }, 'auth/approle/login', { role_id: 'gatehouse' }],
    ['Kubernetes', { VAULT_KUBERNETES_ROLE: 'gatehouse' }, 'auth/kubernetes/login', { role: 'gatehouse', jwt: 'the-jwt' }],
  ])('signs in by %s, once, and again when its token ended', async (_name, given, path, body) => {
    const jwt = join(mkdtempSync(join(tmpdir(), 'gatehouse-jwt-')), 'token');
    writeFileSync(jwt, 'the-jwt\n');
    vault.state.kv.set('secret/data/a', { password: 'a' });
    vault.state.kv.set('secret/data/b', { password: 'b' });
    const credentials = createCredentials({ ...tokenEnv(), VAULT_TOKEN: '', VAULT_KUBERNETES_TOKEN_FILE: jwt, ...given }, Date.now);
    expect((await credentials.get(kv('secret/data/a'))).password).toBe('a');
    vault.state.tokens.delete('login-1');
    expect((await credentials.get(kv('secret/data/b'))).password).toBe('b');
    expect(vault.state.logins).toBe(2);
    expect(vault.heard[0]).toMatchObject({ method: 'POST', path, body });
  });

  test('what Vault refuses is said with what to do, and never the token', async () => {
    const words = (env: Environment, path?: string) =>
      createCredentials(env, Date.now)
        .get(kv(path))
        .then(
          () => 'it was read',
          (error: Error) => error.message,
        );
    expect(await words(tokenEnv())).toBe(
      'sign-in: the password of this connection: Vault’s secret/data/shop is not there: check the path: KV version 2 has /data/ in it, e.g. secret/data/shop',
    );
    const heard = vault.heard.length;
    expect(await words({ ...tokenEnv(), GATEHOUSE_SECRETS_HOSTS: 'vault:secret/data/shop = other.example.com' })).toContain(
      'Vault’s secret/data/shop may not be sent to this server',
    );
    expect(vault.heard).toHaveLength(heard);
    expect(await words({ ...tokenEnv(), VAULT_TOKEN: 'canary-vault-token' })).toContain('Vault’s secret/data/shop may not be read');
    vault.state.kv.set('secret/data/odd', { password: 7 });
    expect(await words(tokenEnv(), 'secret/data/odd')).toContain('has no field password');
    expect(await words({ ...tokenEnv(), VAULT_TOKEN: '' })).toContain('Vault is not told who asks: set VAULT_TOKEN');
    expect(await words({ ...tokenEnv(), VAULT_ADDR: '' })).toContain('set VAULT_ADDR');
    expect(await words({ ...tokenEnv(), VAULT_ADDR: 'http://127.0.0.1:9' })).toContain('Vault cannot be reached: check VAULT_ADDR');
    vault.state.sealed = true;
    expect(await words(tokenEnv())).toContain('Vault is sealed: unseal it');
    vault.state.sealed = false;
    vault.state.silent = true;
    const began = performance.now();
    expect(await words(tokenEnv())).toContain('did not answer within 4 s');
    expect(performance.now() - began).toBeLessThan(5_000);
  }, 10_000);
});

describe('AWS RDS', () => {
  const env = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };

  test('a token is a connect request signed by Signature Version 4 in its query', async () => {
    const nowMs = Date.UTC(2026, 10, 26, 12, 0, 0);
    const { password } = await createCredentials(env, () => nowMs).get(at({ rds: { region: 'eu-central-1' } }));
    const url = new URL(`https://${password}`);
    expect(url.host).toBe('db.example.com:5432');
    expect(url.searchParams.get('Action')).toBe('connect');
    expect(url.searchParams.get('DBUser')).toBe('app');
    expect(url.searchParams.get('X-Amz-Expires')).toBe('900');
    expect(url.searchParams.get('X-Amz-Date')).toBe('20261126T120000Z');
    expect(url.searchParams.get('X-Amz-Credential')).toBe('AKIDEXAMPLE/20261126/eu-central-1/rds-db/aws4_request');
    // The algorithm once more, as it is published.
    const signature = url.searchParams.get('X-Amz-Signature');
    url.searchParams.delete('X-Amz-Signature');
    const strict = (text: string) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
    const query = [...url.searchParams]
      .map(([name, value]) => `${strict(name)}=${strict(value)}`)
      .sort()
      .join('&');
    const sha = (text: string) => createHash('sha256').update(text).digest('hex');
    const canonical = ['GET', '/', query, 'host:db.example.com:5432\n', 'host', sha('')].join('\n');
    const toSign = ['AWS4-HMAC-SHA256', '20261126T120000Z', '20261126/eu-central-1/rds-db/aws4_request', sha(canonical)].join('\n');
    let key: Buffer | string = `AWS4${env.AWS_SECRET_ACCESS_KEY}`;
    for (const part of ['20261126', 'eu-central-1', 'rds-db', 'aws4_request']) key = createHmac('sha256', key).update(part).digest();
    expect(signature).toBe(createHmac('sha256', key).update(toSign).digest('hex'));
  });

  test('is for the host that it goes to: no other name is read out of it', async () => {
    for (const host of ['db.example.com:5432#.evil.example', 'db.example.com?evil.example', 'evil.example#'])
      await expect(createCredentials(env, Date.now).get({ ...at({ rds: { region: 'eu-central-1' } }), host })).rejects.toThrow(
        'give the host as RDS names',
      );
  });

  test('is made anew before it ends, and not without credentials', async () => {
    let nowMs = Date.UTC(2026, 10, 26);
    const credentials = createCredentials({ ...env, AWS_SESSION_TOKEN: 'a/b+c' }, () => nowMs);
    const first = await credentials.get(at({ rds: { region: 'eu-central-1' } }));
    expect(first.password).toContain('X-Amz-Security-Token=a%2Fb%2Bc');
    expect(await credentials.get(at({ rds: { region: 'eu-central-1' } }))).toBe(first);
    nowMs += 600_001;
    expect((await credentials.get(at({ rds: { region: 'eu-central-1' } }))).password).not.toBe(first.password);
    await expect(
      createCredentials({ AWS_EC2_METADATA_DISABLED: 'true' }, Date.now).get(at({ rds: { region: 'eu-central-1' } })),
    ).rejects.toThrow('set AWS_ACCESS_KEY_ID');
  });
});

describe('a session of a real server', () => {
  let server: Awaited<ReturnType<typeof withPostgres>>;
  let admin: pg.Client;
  beforeAll(async () => {
    server = await withPostgres();
    admin = new pg.Client({ connectionString: server.url });
    await admin.connect();
    await admin.query("CREATE ROLE referenced LOGIN PASSWORD 'first'; CREATE ROLE leased LOGIN PASSWORD 'by vault'");
  });
  afterAll(async () => {
    await admin.query('DROP ROLE referenced; DROP ROLE leased');
    await admin.end();
    await server.drop();
    for (const name of ['VAULT_ADDR', 'VAULT_TOKEN', 'GATEHOUSE_SECRETS_HOSTS']) delete process.env[name];
  });

  test('signs in with what Vault has; a password changed there and at the server is read anew at once', async () => {
    Object.assign(process.env, tokenEnv());
    const { hostname, port, pathname } = new URL(server.url);
    const target = targetOn(
      { host: hostname, port: Number(port) },
      {
        username: 'referenced',
        password: null,
        database: pathname.slice(1),
        passwordFrom: { vault: { path: 'secret/data/pg', field: 'password' } },
      },
    );
    vault.state.kv.set('secret/data/pg', { password: 'first' });
    (await connectUpstream(target)).socket.destroy();
    await admin.query("ALTER ROLE referenced PASSWORD 'second'");
    vault.state.kv.set('secret/data/pg', { password: 'second' });
    (await connectUpstream(target)).socket.destroy();
    expect(vault.heard.filter(({ path }) => path === 'secret/data/pg')).toHaveLength(2);
    // Once, not for ever.
    vault.state.kv.set('secret/data/pg', { password: 'wrong' });
    await admin.query("ALTER ROLE referenced PASSWORD 'third'");
    await expect(connectUpstream(target)).rejects.toMatchObject({ sqlstate: '28P01' });
    vault.state.creds.set('pg', { username: 'leased', password: 'by vault', seconds: 3_600, maxRenewals: 0 });
    const leased = await connectUpstream({ ...target, passwordFrom: { vault: { path: 'database/creds/pg', field: 'password' } } });
    leased.socket.destroy();
  });
});
