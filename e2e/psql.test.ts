import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { adminToken, apiAsAdmin } from './api';
import { directSettings, eventually, open, proxySettings } from './clients';
import { sharedGateway } from './gateway';

const gateway = sharedGateway();
const hasPsql = spawnSync('psql', ['--version']).status === 0;

interface Run {
  stdout: string;
  stderr: string;
  code: number | null;
}

/** The printed line, pasted into a shell as a person would, with more arguments behind it. */
function psql(args: string, input = '', line = gateway.psqlLine): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', `${line} -X ${args}`], { env: { ...cleanEnv(), PAGER: 'cat' } });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ stdout, stderr, code }));
    child.stdin.end(input);
  });
}

/** The same database, signed in to as the role the gateway uses. */
function directLine(): string {
  const { host, port, database } = directSettings(gateway);
  const password = readFileSync(join(gateway.dataDir, 'shop-password'), 'utf8').trim();
  return `PGPASSWORD=${password} psql "host=${host} port=${port} dbname=${database} user=shop_app"`;
}

function cleanEnv() {
  const ours = Object.entries(process.env).filter(([name]) => !/^PG[A-Z]+$/.test(name));
  return { ...Object.fromEntries(ours), NODE_ENV: process.env.NODE_ENV };
}

describe.skipIf(!hasPsql)('psql (needs psql on PATH)', () => {
  let direct: Awaited<ReturnType<typeof open>>;
  const scratch = mkdtempSync(join(tmpdir(), 'gatehouse-psql-'));
  beforeAll(async () => {
    direct = await open(directSettings(gateway));
  });
  afterAll(async () => {
    rmSync(scratch, { recursive: true, force: true });
    await direct.end();
  });

  test('the printed line works when pasted, and holds no administrator secret', async () => {
    expect(gateway.psqlLine).not.toContain(adminToken(gateway));
    const { stdout, stderr, code } = await psql('-Atc "SELECT count(*) FROM products"');
    expect({ stdout: stdout.trim(), stderr, code }).toEqual({
      stdout: String((await direct.query('SELECT count(*) FROM products')).rows[0].count),
      stderr: '',
      code: 0,
    });
  });

  test.each([
    ...['\\d customers', '\\dt', '\\d orders', '\\dv', '\\df', '\\di', '\\dn', '\\du', '\\l', '\\d+ order_totals'],
    ...['\\sf customer_lifetime_value', '\\dt+', '\\dp'],
  ])('%s says what it says without the gateway', async (command) => {
    const [mine, theirs] = [await psql('', `${command}\n`), await psql('', `${command}\n`, directLine())];
    expect(mine).toEqual(theirs);
    expect(mine.stdout.length + mine.stderr.length).toBeGreaterThan(40);
  });

  test('\\d and \\dt show the demo', async () => {
    const { stdout } = await psql('', '\\d customers\n\\dt\n');
    for (const word of ['ssn', 'customers_pkey', 'customers_email_key', 'Referenced by', 'orders_2026', 'employees']) {
      expect(stdout).toContain(word);
    }
  });

  test('the masked column is masked', async () => {
    const { stdout } = await psql('-Atc "SELECT id, ssn FROM customers ORDER BY id LIMIT 2"');
    expect(stdout.trim().split('\n')).toEqual([
      expect.stringMatching(/^1\|\*{3}-\*{2}-\d{4}$/),
      expect.stringMatching(/^2\|\*{3}-\*{2}-\d{4}$/),
    ]);
  });

  test('several statements in one text', async () => {
    const { stdout, code } = await psql('-At', 'SELECT 1\\; SELECT 2\\; SELECT 3;\n');
    expect({ lines: stdout.trim().split('\n'), code }).toEqual({ lines: ['1', '2', '3'], code: 0 });
  });

  test('DROP is denied in words a person can act on, and the session goes on', async () => {
    const { stdout, stderr } = await psql('-At -v VERBOSITY=verbose', 'DROP TABLE products;\nSELECT 42;\n');
    expect(stderr).toMatch(/ERROR: {2}42501: statement denied by rule "[^"]+" \(stm_\w+\)/);
    expect(stderr).toContain('Nothing was executed.');
    expect(stdout.trim()).toBe('42');
  });

  test('\\copy goes in and out', async () => {
    const [input, output] = [join(scratch, 'in.csv'), join(scratch, 'out.csv')];
    await direct.query(
      'DROP TABLE IF EXISTS psql_copied; CREATE TABLE psql_copied (id int, name text); GRANT ALL ON psql_copied TO shop_app',
    );
    try {
      writeFileSync(input, '1,one\n2,"two, too"\n');
      const copied = await psql('', `\\copy psql_copied FROM '${input}' CSV\n\\copy psql_copied TO '${output}' CSV\n`);
      expect(copied).toEqual({ stdout: 'COPY 2\nCOPY 2\n', stderr: '', code: 0 });
      expect(readFileSync(output, 'utf8')).toBe('1,one\n2,"two, too"\n');
    } finally {
      await direct.query('DROP TABLE psql_copied');
    }
  });

  test('a held DELETE says so at once, and Ctrl-C withdraws it', async () => {
    const admin = apiAsAdmin(gateway);
    const child = spawn('/bin/sh', ['-c', `exec ${gateway.psqlLine.replace(/^(PGPASSWORD=\S+)\s/, 'env $1 ')} -X`], { env: cleanEnv() });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    const closed = new Promise((resolve) => child.once('close', resolve));
    try {
      child.stdin.write('DELETE FROM orders WHERE id = 2;\n');
      const request = await eventually('the request', async () =>
        (await admin.approvals.list.query({ status: 'open' })).items.find((item) => item.sql.includes('orders WHERE id = 2')),
      );
      await eventually('the NOTICE', async () => output.includes(`statement held for approval (${request.id})`));
      expect(output).toContain('Press Ctrl-C to withdraw.');
      child.kill('SIGINT');
      await eventually('the error', async () => output.includes('canceling statement due to user request'));
      expect((await admin.approvals.get.query({ id: request.id })).status).toBe('withdrawn');
      expect((await direct.query('SELECT count(*)::int AS n FROM orders WHERE id = 2')).rows).toEqual([{ n: 1 }]);
    } finally {
      child.stdin.end();
      await closed;
    }
  });

  test('a wrong password is refused with 28P01 words', async () => {
    const { host, port, database } = proxySettings(gateway);
    const run = spawnSync(
      'psql',
      [`host=${host} port=${port} dbname=${database} user=support-bot password=wrong`, '-X', '-c', 'SELECT 1'],
      { env: cleanEnv(), encoding: 'utf8' },
    );
    expect(run.status).toBe(2);
    expect(run.stderr).toContain('password authentication failed for user "support-bot"');
  });
});
