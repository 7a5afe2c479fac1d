import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { PasswordFrom } from '../../db/schema/shapes';
import type { UpstreamError } from '../upstream/error';
import type { Environment } from './credential';
import { demandHost, mayGo, readHosts } from './hosts';

const LIST = `
env:GATEHOUSE_UPSTREAM_SHOP = db.example.com, 10.0.0.7:5433 [::1]:5432   # two of its own
file:shop/* = *.shop.internal ; vault:database/creds/read* = DB.example.com:5432
vault:secret/data/shop=fe80::1
`;

describe('what the list says', () => {
  const read = readHosts(LIST);
  if (!read.ok) throw new Error(read.message);

  test.each<[kind: 'env' | 'file' | 'vault', name: string, host: string, port: number, may: boolean]>([
    ['env', 'GATEHOUSE_UPSTREAM_SHOP', 'db.example.com', 5432, true],
    ['env', 'GATEHOUSE_UPSTREAM_SHOP', 'DB.Example.com.', 6000, true],
    ['env', 'GATEHOUSE_UPSTREAM_SHOP', '10.0.0.7', 5433, true],
    ['env', 'GATEHOUSE_UPSTREAM_SHOP', '::1', 5432, true],
    ['file', 'shop/password', 'a.b.shop.internal', 5432, true],
    ['vault', 'database/creds/readonly', 'db.example.com', 5432, true],
    ['vault', 'secret/data/shop', 'fe80::1', 5432, true],
    ['env', 'GATEHOUSE_UPSTREAM_SHOP', '10.0.0.7', 5432, false],
    ['env', 'GATEHOUSE_UPSTREAM_SHOP', 'evil.example.com', 5432, false],
    ['env', 'GATEHOUSE_UPSTREAM_SHOP', 'db.example.com.evil.example', 5432, false],
    ['env', 'GATEHOUSE_UPSTREAM_SHOP2', 'db.example.com', 5432, false],
    ['file', 'GATEHOUSE_UPSTREAM_SHOP', 'db.example.com', 5432, false],
    ['file', 'shop/password', 'shop.internal', 5432, false],
    ['file', 'shop/password', 'evilshop.internal', 5432, false],
    ['file', 'shop/password', 'evil.example\0.shop.internal', 5432, false],
    ['file', 'shop/password', 'evil.example#.shop.internal', 5432, false],
    ['file', 'shopper', 'a.shop.internal', 5432, false],
    ['vault', 'database/creds/write', 'db.example.com', 5432, false],
    ['vault', 'database/creds/readonly', 'db.example.com', 5433, false],
  ])('%s:%s to %s:%d: %s', (kind, name, host, port, may) => {
    expect(mayGo(read.entries, { kind, name }, { host, port })).toBe(may);
  });

  test.each([
    ['GATEHOUSE_UPSTREAM_SHOP = db', 'is no entry: write e.g. env:'],
    ['env:GATEHOUSE_UPSTREAM_SHOP', 'is no entry'],
    ['env:A =', 'is no entry'],
    ['rds:eu-central-1 = db', 'is no entry'],
    ['env:A = *', '“*” is no host'],
    ['env:A = db.example.com, *.', '“*.” is no host'],
    ['env:A = a.*.com', 'is no host'],
    ['env:A = db:x', 'is no host'],
    ['env:A = https://db', 'is no host'],
    ['file:*/password = db', 'a star may only stand at its end'],
  ])('%s is refused', (text, words) => {
    expect(readHosts(text)).toMatchObject({ ok: false, message: expect.stringContaining(words) });
  });
});

describe('a reference', () => {
  const shop = { host: 'db.example.com', port: 5432 };
  const words = (from: PasswordFrom, env: Environment, to = shop) =>
    demandHost(from, to, env).then(
      () => 'it may',
      (error: UpstreamError) => `${error.reason}; ${error.hint}`,
    );

  test('goes nowhere that nobody named, and the words say what to set', async () => {
    expect(await words({ env: 'GATEHOUSE_UPSTREAM_SHOP' }, {})).toBe(
      'the password of this connection: the environment variable GATEHOUSE_UPSTREAM_SHOP may not be sent to db.example.com:5432; add env:GATEHOUSE_UPSTREAM_SHOP = its host to GATEHOUSE_SECRETS_HOSTS where the gateway starts',
    );
    expect(await words({ vault: { path: 'secret/data/shop', field: 'x' } }, { GATEHOUSE_SECRETS_HOSTS: LIST })).toContain(
      'add vault:secret/data/shop = its host',
    );
    expect(await words({ env: 'GATEHOUSE_UPSTREAM_SHOP' }, { GATEHOUSE_SECRETS_HOSTS: LIST })).toBe('it may');
  });

  test('does not tell clients where a connection goes', async () => {
    const refused = await demandHost({ env: 'GATEHOUSE_UPSTREAM_SHOP' }, shop, {}).catch((error: UpstreamError) => error.message);
    expect(refused).toContain('may not be sent to this server');
    expect(refused).not.toContain(shop.host);
  });

  test('to a file is meant by its path below the directory, however it is written', async () => {
    const env = { GATEHOUSE_SECRETS_DIR: '/run/secrets', GATEHOUSE_SECRETS_HOSTS: 'file:shop/* = db.example.com; file:other = other' };
    expect(await words({ file: 'shop/password' }, env)).toBe('it may');
    expect(await words({ file: '/run/secrets/shop/password' }, env)).toBe('it may');
    expect(await words({ file: 'shop/../other' }, env)).toContain('add file:other = its host');
  });

  test('needs no entry where the token opens only the server it is signed for', async () => {
    expect(await words({ rds: { region: 'eu-central-1' } }, {})).toBe('it may');
  });

  test('a list in a file is read each time; one that cannot be read, or not understood, lets nothing go', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'gatehouse-hosts-')), 'hosts');
    const env = { GATEHOUSE_SECRETS_HOSTS_FILE: file, GATEHOUSE_SECRETS_HOSTS: '' };
    const from = { env: 'GATEHOUSE_UPSTREAM_SHOP' };
    expect(await words(from, env)).toContain(`${file} cannot be read; check GATEHOUSE_SECRETS_HOSTS_FILE`);
    writeFileSync(file, LIST);
    expect(await words(from, env)).toBe('it may');
    writeFileSync(file, `${LIST}\nnonsense`);
    expect(await words(from, env)).toMatch(/“nonsense” is no entry.*mend GATEHOUSE_SECRETS_HOSTS_FILE/);
  });
});
