import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Api, adminToken, apiAsAdmin } from './api';
import { gatehouse } from './cli';
import { directSettings, eventually, failure, open, proxySettings } from './clients';
import { sharedGateway } from './gateway';

const gateway = sharedGateway();
const scratch = mkdtempSync(join(tmpdir(), 'gatehouse-cli-'));
let admin: Api;
/** The policy before this file, put back after it. */
let before = '';

beforeAll(async () => {
  admin = apiAsAdmin(gateway);
  before = (await admin.policy.export.query()).yaml;
});
afterAll(async () => {
  await admin.policy.applyYaml.mutate({ yaml: before, dryRun: false });
  rmSync(scratch, { recursive: true, force: true });
});

function file(name: string, text: string): string {
  const path = join(scratch, name);
  writeFileSync(path, text);
  return path;
}

const version = async () => (await admin.overview.get.query()).policyVersion;

describe('policy as code', () => {
  test('export holds no secret, and applying it changes nothing', async () => {
    const exported = await gatehouse(gateway, ['export']);
    expect(exported.code).toBe(0);
    const document = parse(exported.stdout);
    expect(document.version).toBe(1);
    expect(document.connections[0].name).toBe('shop');
    expect(exported.stdout).not.toContain(adminToken(gateway));
    const path = file('same.yaml', exported.stdout);
    const was = await version();
    const applied = await gatehouse(gateway, ['apply', path]);
    expect({ code: applied.code, stderr: applied.stderr }).toEqual({ code: 0, stderr: '' });
    expect(await version()).toBe(was);
    expect((await gatehouse(gateway, ['export'])).stdout).toBe(exported.stdout);
    const session = await open(proxySettings(gateway));
    expect((await session.query('SELECT 1 AS upstream_password_kept')).rowCount).toBe(1);
    await session.end();
  });

  test('--dry-run and diff say what would change, and change nothing', async () => {
    const path = file('more.yaml', withRule('cli-no-sleep', 'deny'));
    const was = await version();
    for (const args of [
      ['apply', path, '--dry-run'],
      ['diff', path],
    ]) {
      const run = await gatehouse(gateway, args);
      expect(run.stdout, args.join(' ')).toContain('cli-no-sleep');
    }
    expect(await version()).toBe(was);
    expect((await admin.rules.list.query()).some((rule) => rule.name === 'cli-no-sleep')).toBe(false);
  });

  test('apply reaches running sessions, and is undone by applying what was before', async () => {
    const session = await open(proxySettings(gateway));
    expect((await session.query('SELECT pg_sleep(0)')).rowCount).toBe(1);
    const applied = await gatehouse(gateway, ['apply', file('more.yaml', withRule('cli-no-sleep', 'deny'))]);
    expect(applied.code, applied.stderr).toBe(0);
    const error = await eventually('the rule in force', async () => {
      try {
        await session.query('SELECT pg_sleep(0)');
        return undefined;
      } catch (thrown) {
        return thrown as { code: string; message: string };
      }
    });
    expect(error).toMatchObject({ code: '42501', message: expect.stringContaining('cli-no-sleep') });
    expect((await gatehouse(gateway, ['apply', file('before.yaml', before)])).code).toBe(0);
    await eventually('the rule gone', async () =>
      session.query('SELECT pg_sleep(0)').then(
        () => true,
        () => false,
      ),
    );
    await session.end();
  });

  test.each([
    ['an unknown action', '    action: explode', 'action'],
    ['an unknown field', '    acttion: deny', 'acttion'],
    ['an unknown statement field', '    match: { statments: [DROP] }', 'statments'],
  ])('%s is named by line and field, and nothing changes', async (_name, line, field) => {
    const lines = `version: 1\nrules:\n  - name: mistaken\n    match: { statements: [DROP] }\n    action: deny\n`.split('\n');
    const at = line.includes('match') ? 3 : 4;
    lines[at] = line;
    const was = await version();
    const run = await gatehouse(gateway, ['apply', file('mistake.yaml', lines.join('\n'))]);
    expect(run.code).not.toBe(0);
    expect(run.stderr).toMatch(new RegExp(`\\b${at + 1}\\b`));
    expect(run.stderr).toContain(field);
    expect(run.stderr).not.toMatch(/\bat .*\.(?:ts|js):\d+/);
    expect(await version()).toBe(was);
    expect((await gatehouse(gateway, ['export'])).stdout.trim()).toBe(before.trim());
  });

  test('broken YAML and an unset variable are named too', async () => {
    const broken = await gatehouse(gateway, ['apply', file('broken.yaml', 'version: 1\nrules: [\n')]);
    expect(broken.code).not.toBe(0);
    expect(broken.stderr).toMatch(/\b[23]\b/);
    const unset = await gatehouse(gateway, [
      'apply',
      file('unset.yaml', before.replace(/^( *)username: .*/m, `$&\n$1password: \${GATEHOUSE_E2E_UNSET}`)),
    ]);
    expect(unset.code).not.toBe(0);
    expect(unset.stderr).toContain('GATEHOUSE_E2E_UNSET');
    expect((await gatehouse(gateway, ['apply', join(scratch, 'absent.yaml')])).code).not.toBe(0);
  });
});

describe('tokens', () => {
  test('token create prints the token alone, and it signs in', async () => {
    const made = await gatehouse(gateway, ['token', 'create', '--principal', 'support-bot', '--ttl', '10m']);
    expect({ code: made.code, stderr: made.stderr }).toEqual({ code: 0, stderr: '' });
    expect(made.stdout).toMatch(/^gh_at_[\w-]{20,}\n$/);
    const session = await open(proxySettings(gateway, { password: made.stdout.trim() }));
    expect((await session.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await session.end();
  });

  test('a session ends with its token', async () => {
    const { stdout } = await gatehouse(gateway, ['token', 'create', '--principal', 'support-bot', '--ttl', '2s']);
    const session = await open(proxySettings(gateway, { password: stdout.trim() }));
    expect((await session.query('SELECT 1 AS one')).rowCount).toBe(1);
    await eventually(
      'the session ends',
      async () =>
        session.lost.length > 0 ||
        session.query('SELECT 1').then(
          () => false,
          () => true,
        ),
      10_000,
    );
    expect((await failure(open(proxySettings(gateway, { password: stdout.trim() })))).code).toBe('28P01');
  });

  test('an unknown principal is refused without a stack trace', async () => {
    const run = await gatehouse(gateway, ['token', 'create', '--principal', 'nobody-at-all']);
    expect(run.code).not.toBe(0);
    expect(run.stdout).toBe('');
    expect(run.stderr).toContain('nobody-at-all');
    expect(run.stderr).not.toMatch(/\bat .*:\d+:\d+/);
  });
});

describe('approvals, sessions, check', () => {
  test('list, show, approve', async () => {
    const session = await open(proxySettings(gateway));
    const answer = session.query('DELETE FROM orders WHERE id = 2147483001');
    const id = await eventually('the request in the list', async () => {
      const { stdout } = await gatehouse(gateway, ['approvals', 'list', '--json']);
      return (JSON.parse(stdout) as { items: { id: string; sql: string }[] }).items.find((item) => item.sql.includes('2147483001'))?.id;
    });
    expect((await gatehouse(gateway, ['approvals', 'list'])).stdout).toContain(id);
    expect((await gatehouse(gateway, ['approvals', 'show', id])).stdout).toContain('2147483001');
    expect((await gatehouse(gateway, ['approvals', 'approve', id, '--reason', 'fine'])).code).toBe(0);
    expect((await answer).rowCount).toBe(0);
    expect((await gatehouse(gateway, ['approvals', 'approve', id])).code).not.toBe(0);
    await session.end();
  });

  test('reject needs a reason and hands it on', async () => {
    const session = await open(proxySettings(gateway));
    const answer = failure(session.query('DELETE FROM orders WHERE id = 2147483002'));
    const request = await eventually('the request', async () =>
      (await admin.approvals.list.query({ status: 'open' })).items.find((item) => item.sql.includes('2147483002')),
    );
    expect((await gatehouse(gateway, ['approvals', 'reject', request.id])).code).not.toBe(0);
    expect((await gatehouse(gateway, ['approvals', 'reject', request.id, '--reason', 'No window today.'])).code).toBe(0);
    expect((await answer).detail).toContain('No window today.');
    await session.end();
  });

  test('sessions list and kill', async () => {
    const session = await open(proxySettings(gateway, { applicationName: 'e2e-to-kill' }));
    const id = await eventually('the session in the list', async () => {
      const { stdout } = await gatehouse(gateway, ['sessions', 'list', '--json']);
      return (JSON.parse(stdout) as { items: { id: string; applicationName: string }[] }).items.find(
        (item) => item.applicationName === 'e2e-to-kill',
      )?.id;
    });
    expect((await gatehouse(gateway, ['sessions', 'kill', id])).code).toBe(0);
    const lost = await eventually('57P01', async () => session.lost[0] as (Error & { code?: string }) | undefined);
    expect(lost.code).toBe('57P01');
  });

  test.each([
    ['SELECT ssn FROM customers', 'allow', 'public.customers.ssn'],
    ['DELETE FROM orders WHERE id = 1', 'hold', 'review-deletes'],
    ['DROP TABLE orders', 'deny', 'no-destruction'],
    ['SELECT reverse(ssn) FROM customers', 'allow', 'redacted'],
    ["SELECT id FROM customers WHERE ssn LIKE '1%'", 'deny', 'LIKE'],
  ])('check says what would become of %s', async (sql, verdict, word) => {
    const run = await gatehouse(gateway, ['check', '--connection', 'shop', '--as', 'support-bot', sql]);
    expect(run.stdout).toContain(verdict);
    expect(run.stdout).toContain(word);
    const json = JSON.parse((await gatehouse(gateway, ['check', '--connection', 'shop', '--as', 'support-bot', '--json', sql])).stdout) as {
      verdict: { action: string };
    };
    expect(json.verdict.action).toBe(verdict);
    const direct = await open(directSettings(gateway));
    expect((await direct.query('SELECT count(*)::int AS n FROM orders WHERE id = 1')).rows).toEqual([{ n: 1 }]);
    await direct.end();
  });

  test('exec connects a command through the gateway, as somebody else too, and ends with its exit code', async () => {
    const client = `const pg = require('pg'); const client = new pg.Client(); client.connect()
      .then(() => client.query('SELECT current_setting($1) AS name, (SELECT ssn FROM customers LIMIT 1)', ['application_name']))
      .then(({ rows }) => { console.log(JSON.stringify(rows)); return client.end(); })
      .then(() => process.exit(5), (error) => { console.log(error.message); process.exit(6); });`;
    const run = await gatehouse(gateway, ['exec', '--as', 'support-bot', '--', process.execPath, '-e', client]);
    expect(run).toMatchObject({ code: 5, stdout: expect.stringContaining('*'), stderr: '' });
    const api = apiAsAdmin(gateway);
    const { items } = await api.sessions.list.query({ state: 'all', limit: 20 });
    expect(items.map(({ principalName }) => principalName)).toContain('support-bot');
    const absent = await gatehouse(gateway, ['exec', '--as', 'support-bot', 'no-such-command-4711']);
    expect(absent).toMatchObject({ code: 1, stderr: expect.stringContaining('no-such-command-4711 is not installed') });
  });

  test.skipIf(spawnSync('psql', ['--version']).status !== 0)('psql connects through the gateway (needs psql on PATH)', async () => {
    const run = await gatehouse(gateway, ['psql', '--as', 'support-bot', 'shop', '-Atc', 'SELECT ssn FROM customers LIMIT 1']);
    expect(run).toMatchObject({ code: 0, stdout: expect.stringMatching(/\*/), stderr: '' });
    expect((await gatehouse(gateway, ['psql', 'shop', '-Atc', 'SELECT 1/0'])).code).toBe(1);
  });

  test('connections test shows its stages', async () => {
    const run = await gatehouse(gateway, ['connections', 'test', 'shop']);
    expect(run.code).toBe(0);
    for (const stage of ['TCP', 'sign-in', 'version', 'role', 'catalog']) expect(run.stdout).toContain(stage);
  });

  test('a wrong token, and a gateway that is not there, are told apart in words', async () => {
    const refused = await gatehouse(gateway, ['approvals', 'list'], { GATEHOUSE_TOKEN: 'gh_at_wrong' });
    expect(refused.code).not.toBe(0);
    const absent = await gatehouse(gateway, ['approvals', 'list'], { GATEHOUSE_URL: 'http://127.0.0.1:9' });
    expect(absent.code).not.toBe(0);
    expect(absent.stderr).toContain('127.0.0.1:9');
    expect(refused.stderr).not.toBe(absent.stderr);
    for (const { stderr } of [refused, absent]) expect(stderr).not.toMatch(/\bat .*:\d+:\d+/);
  });

  test('an unknown command fails and help works', async () => {
    expect((await gatehouse(gateway, ['frobnicate'])).code).not.toBe(0);
    const help = await gatehouse(gateway, ['--help']);
    expect(help.code).toBe(0);
    for (const word of ['apply', 'export', 'token', 'approvals', 'sessions', 'audit', 'check']) expect(help.stdout).toContain(word);
  });
});

function withRule(name: string, action: string): string {
  return before.replace(/^rules:\n/m, `rules:\n  - name: ${name}\n    match: { sql: "pg_sleep" }\n    action: ${action}\n`);
}
