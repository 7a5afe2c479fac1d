import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tokens } from '../../db/schema/identity';
import { hashSecret } from '../../db/secrets';
import { variablesOf } from './connect';
import { type CliGateway, withCli } from './testing';

let gateway: CliGateway;
beforeAll(async () => {
  gateway = await withCli();
});
afterAll(() => gateway.close());

describe('psql and exec', () => {
  test('a command gets the way through the gateway and its own arguments; its exit code is ours', async () => {
    expect(await gateway.run(['psql', 'crm', '-c', 'SELECT 1', '--json'])).toMatchObject({ code: 7, out: '', err: '' });
    const [program, args, variables] = gateway.ran.pop() ?? [];
    expect([program, args]).toEqual(['psql', ['-c', 'SELECT 1', '--json']]);
    expect(variables).toMatchObject({ PGHOST: '127.0.0.1', PGPORT: '6432', PGDATABASE: 'crm', PGUSER: 'root' });
    expect(variables?.PGPASSWORD).toBe(readFileSync(join(gateway.folder, 'admin-token'), 'utf8').trim());
    expect(new URL(variables?.DATABASE_URL ?? '')).toMatchObject({
      username: 'root',
      password: variables?.PGPASSWORD,
      port: '6432',
      pathname: '/crm',
    });
    expect((await gateway.run(['exec', '--', 'npm', 'test', '--', '-x'])).code).toBe(7);
    expect(gateway.ran.pop()?.slice(0, 2)).toEqual(['npm', ['test', '--', '-x']]);
    expect(await gateway.run(['psql', 'none'])).toMatchObject({ code: 1, err: expect.stringContaining('none') });
    expect(gateway.ran).toEqual([]);
  });

  test('as somebody else: by a token that is theirs, and gone when the command has ended', async () => {
    expect((await gateway.run(['exec', '--as', 'bot', '--ttl', '5m', '--connection', 'crm', 'true'])).code).toBe(7);
    const [, , variables] = gateway.ran.pop() ?? [];
    expect(variables?.PGUSER).toBe('bot');
    const made = await gateway.db.store
      .select()
      .from(tokens)
      .where(eq(tokens.hash, hashSecret(variables?.PGPASSWORD ?? '')));
    expect(made).toMatchObject([{ label: 'gatehouse: true', revokedAt: expect.any(Date) }]);
    expect((await gateway.run(['exec', '--as', 'bot', '--ttl', 'soon', 'true'])).code).toBe(2);
    expect((await gateway.run(['exec', '--ttl', '5m', 'true'])).code).toBe(2);
    expect(gateway.ran).toEqual([]);
  });

  test.each([
    ['127.0.0.1', undefined, undefined],
    ['::1', undefined, undefined],
    ['gateway.db.example.com', undefined, 'require'],
    ['gateway.db.example.com', 'verify-full', 'verify-full'],
  ])('off this machine TLS is required unless more is asked: %s, %s', (host, given, sslmode) => {
    const variables = variablesOf({ host, port: 6432, database: 'crm', user: 'a@b' }, 'gh_at_x', { PGSSLMODE: given });
    expect(variables.PGSSLMODE).toBe(sslmode);
    expect(variables.DATABASE_URL).toContain(`//a%40b:gh_at_x@${host.includes(':') ? `[${host}]` : host}:6432/`);
  });
});
