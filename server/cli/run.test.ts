import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { eq } from 'drizzle-orm';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../db/ids';
import { approvalRequests } from '../../db/schema/approvals';
import { sessions } from '../../db/schema/audit';
import { tokens } from '../../db/schema/identity';
import { connections } from '../../db/schema/policy';
import { hashSecret } from '../../db/secrets';
import { createApiHandler } from '../api/http';
import { listActions } from '../audit/actions';
import { recordStatements } from '../audit/testing';
import { redeemSignInLink } from '../auth/link';
import { getEnforcement } from '../connections/enforcement';
import { listConnections } from '../connections/list';
import { stopLive } from '../live/start';
import { setRuntime } from '../runtime';
import { type TestStore, withStore } from '../testing';
import { createToken } from '../tokens/create';
import { type Environment, gatewayUrl } from './client';
import { variablesOf } from './connect';
import { runCli } from './run';
import { tailStatements } from './tail';

const CANARY = 'canary-upstream-4182';
let db: TestStore;
let server: Server;
let folder: string;
let env: Environment & Record<string, string>;
let host: URL;

beforeAll(async () => {
  db = await withStore();
  host = new URL(db.url);
  const upstream = new pg.Client({ connectionString: db.url });
  await upstream.connect();
  await upstream.query(`
    create schema crm;
    create table crm.customers (id int primary key, email text, ssn text);
    create table crm.orders (id int primary key, customer_id int);
    create view crm.contacts as select id, email, ssn as tax_id from crm.customers;
    create role cli_app login password '${CANARY}';
    grant usage on schema crm to cli_app;
    grant select, delete on all tables in schema crm to cli_app;`);
  await upstream.end();
  server = createServer(createApiHandler());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const consoleUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  setRuntime({ store: db.store, storeUrl: db.url, secretKey: db.secretKey, dataDir: '/nowhere', gatewayId: 'gw_test', consoleUrl });
  const admin = await db.as('admin', { name: 'root' });
  const { secret } = await createToken(admin, { principal: 'root', ttlMs: 600_000 });
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-cli-'));
  writeFileSync(join(folder, 'admin-token'), `${secret}\n`);
  env = { GATEHOUSE_URL: consoleUrl, GATEHOUSE_DATA_DIR: folder, APP_PASSWORD: CANARY };
  writeFileSync(join(folder, 'policy.yaml'), policy());
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await stopLive();
  const upstream = new pg.Client({ connectionString: db.url });
  await upstream.connect();
  await upstream.query('drop owned by cli_app; drop role cli_app');
  await upstream.end();
  await db.close();
  rmSync(folder, { recursive: true });
});

const policy = () => `version: 1
connections:
  - { name: crm, host: ${host.hostname}, port: ${host.port}, database: ${host.pathname.slice(1)}, username: cli_app, password: "\${APP_PASSWORD}" }
groups: [agents, dba]
principals:
  - { name: bot, kind: agent, owner: ana, groups: [agents] }
  - { name: ana, kind: human }
  - { name: root, kind: human, role: admin, groups: [dba] }
access:
  - { connections: [crm], groups: [agents] }
masking:
  - { name: pii, columns: [crm.customers.ssn], mask: { type: partial, keepLast: 4 } }
  - { name: mail, columns: [crm.customers.email], mask: { type: email }, mode: observe }
rules:
  - { name: no-drop, match: { statements: [DROP] }, action: deny }
  - { name: review-deletes, groups: [agents], match: { statements: [DELETE] }, action: hold, approval: { groups: [dba] } }
`;

interface Run {
  code: number;
  out: string;
  err: string;
}

const ran: [program: string, args: readonly string[], env: Record<string, string>][] = [];
async function run(argv: string[], overrides: Record<string, string | undefined> = {}): Promise<Run> {
  let out = '';
  let err = '';
  const code = await runCli(argv, {
    env: { ...env, ...overrides },
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    run: (...command) => {
      ran.push(command);
      return Promise.resolve(7);
    },
  });
  expect(out + err).not.toContain(CANARY);
  return { code, out, err };
}
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

describe('policy', () => {
  test('a dry run, then apply, then nothing more to do', async () => {
    const path = join(folder, 'policy.yaml');
    expect(await run(['apply', path, '--dry-run'])).toMatchObject({ code: 0, out: expect.stringContaining('+ connection crm\n') });
    expect((await run(['apply', path])).out).toContain('applied as version');
    expect(await run(['apply', path])).toMatchObject({ code: 0, out: 'no change\n' });
    expect((await run(['diff', path])).out).toBe('no change\n');
  });

  test('what is exported applies without change and without the environment', async () => {
    const { out } = await run(['export']);
    expect((await run(['apply', file('exported.yaml', out)], { APP_PASSWORD: undefined })).out).toBe('no change\n');
  });

  test('errors name line and column, one a line, and end with 1', async () => {
    const result = await run([
      'apply',
      file('broken.yaml', 'version: 1\ngroups: [a, a]\nrules:\n  - { name: r, action: deny, match: { statements: [DELET] } }'),
    ]);
    expect(result.code).toBe(1);
    expect(result.err).toBe(
      'gatehouse: line 4, column 52: rules[0].match.statements[0]: not a command word of PostgreSQL, e.g. DELETE, DROP TABLE, COPY PROGRAM\n',
    );
  });

  test('an unset variable is named', async () => {
    expect((await run(['apply', join(folder, 'policy.yaml')], { APP_PASSWORD: undefined })).err).toContain(`\${APP_PASSWORD} is not set`);
  });
});

describe('tokens', () => {
  test('prints the token alone, and it works', async () => {
    const { code, out } = await run(['token', 'create', '--principal', 'root', '--ttl', '1h']);
    expect(code).toBe(0);
    expect(out).toMatch(/^gh_at_[A-Za-z0-9_-]{27}\n$/);
    expect((await run(['sessions', 'list'], { GATEHOUSE_TOKEN: out.trim(), GATEHOUSE_DATA_DIR: '/nowhere' })).code).toBe(0);
  });

  test('as JSON', async () => {
    const { out } = await run(['token', 'create', '--principal', 'bot', '--json']);
    expect(JSON.parse(out)).toMatchObject({ id: expect.stringMatching(/^tok_/), secret: expect.stringMatching(/^gh_at_/) });
  });
});

describe('API keys and scope', () => {
  test('an API key is listed, rotated and revoked', async () => {
    const { out } = await run(['token', 'create', '--principal', 'bot', '--api-key', '--ttl', 'never', '--label', 'nightly']);
    expect(out).toMatch(/^gh_ak_[A-Za-z0-9_-]{27}\n$/);
    expect((await run(['token', 'create', '--principal', 'bot', '--ttl', 'never'])).code).toBe(2);
    const listed = (await run(['token', 'list', '--principal', 'bot'])).out;
    const line = listed.split('\n').find((each) => each.includes('nightly')) ?? '';
    const [id = ''] = line.split(' ');
    const rotated = await run(['token', 'rotate', id, '--overlap', '5m', '--json']);
    const made = JSON.parse(rotated.out) as { id: string; secret: string };
    expect(made.secret).toMatch(/^gh_ak_/);
    expect((await run(['token', 'list', '--principal', 'bot'])).out).toMatch(new RegExp(`^${id} .* ${made.id}$`, 'm'));
    expect(await run(['token', 'revoke', id])).toMatchObject({ code: 0, out: `revoked ${id}\n` });
    expect(listed).not.toContain(out.trim());
  });

  test('a token for a connection opens that one and no command of the API', async () => {
    const { out } = await run(['token', 'create', '--principal', 'root', '--connections', 'crm']);
    const env = { GATEHOUSE_TOKEN: out.trim() };
    expect((await run(['psql', 'crm'], env)).code).toBe(7);
    expect(ran.pop()?.[2]).toMatchObject({ PGUSER: 'root', PGPASSWORD: out.trim() });
    expect(await run(['sessions', 'list'], env)).toMatchObject({
      code: 1,
      err: expect.stringContaining('for sessions on some connections'),
    });
    expect((await run(['token', 'create', '--principal', 'bot', '--connections', 'cmr'])).err).toContain('unknown connection cmr');
  });
});

describe('sign-in', () => {
  test('prints a link that signs in whoever asks, or somebody else by name, once', async () => {
    const mine = await run(['sign-in']);
    expect(mine).toMatchObject({ code: 0, out: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/sign-in\?link=gh_ln_[\w-]+\n$/) });
    const secret = new URL(mine.out.trim()).searchParams.get('link') ?? '';
    expect((await redeemSignInLink(db.store, secret))?.principal.name).toBe('root');
    expect(await redeemSignInLink(db.store, secret)).toBeNull();
    const hers = JSON.parse((await run(['sign-in', '--principal', 'ana', '--json'])).out) as { principal: string; address: string };
    expect(hers.principal).toBe('ana');
    expect((await redeemSignInLink(db.store, new URL(hers.address).searchParams.get('link') ?? ''))?.principal.name).toBe('ana');
    expect(await run(['sign-in', '--principal', 'bot'])).toMatchObject({ code: 2, err: expect.stringContaining('bot is not a person') });
    expect(await run(['sign-in', '--principal', 'nobody'])).toMatchObject({ code: 1, err: expect.stringContaining('nobody') });
  });
});

describe('psql and exec', () => {
  test('a command gets the way through the gateway and its own arguments; its exit code is ours', async () => {
    expect(await run(['psql', 'crm', '-c', 'SELECT 1', '--json'])).toMatchObject({ code: 7, out: '', err: '' });
    const [program, args, variables] = ran.pop() ?? [];
    expect([program, args]).toEqual(['psql', ['-c', 'SELECT 1', '--json']]);
    expect(variables).toMatchObject({ PGHOST: '127.0.0.1', PGPORT: '6432', PGDATABASE: 'crm', PGUSER: 'root' });
    expect(variables?.PGPASSWORD).toBe(readFileSync(join(folder, 'admin-token'), 'utf8').trim());
    expect(new URL(variables?.DATABASE_URL ?? '')).toMatchObject({
      username: 'root',
      password: variables?.PGPASSWORD,
      port: '6432',
      pathname: '/crm',
    });
    expect((await run(['exec', '--', 'npm', 'test', '--', '-x'])).code).toBe(7);
    expect(ran.pop()?.slice(0, 2)).toEqual(['npm', ['test', '--', '-x']]);
    expect(await run(['psql', 'none'])).toMatchObject({ code: 1, err: expect.stringContaining('none') });
    expect(ran).toEqual([]);
  });

  test('as somebody else: by a token that is theirs, and gone when the command has ended', async () => {
    expect((await run(['exec', '--as', 'bot', '--ttl', '5m', '--connection', 'crm', 'true'])).code).toBe(7);
    const [, , variables] = ran.pop() ?? [];
    expect(variables?.PGUSER).toBe('bot');
    const made = await db.store
      .select()
      .from(tokens)
      .where(eq(tokens.hash, hashSecret(variables?.PGPASSWORD ?? '')));
    expect(made).toMatchObject([{ label: 'gatehouse: true', revokedAt: expect.any(Date) }]);
    expect((await run(['exec', '--as', 'bot', '--ttl', 'soon', 'true'])).code).toBe(2);
    expect((await run(['exec', '--ttl', '5m', 'true'])).code).toBe(2);
    expect(ran).toEqual([]);
  });

  test.each([
    ['127.0.0.1', undefined, undefined],
    ['::1', undefined, undefined],
    ['db.example.com', undefined, 'require'],
    ['db.example.com', 'verify-full', 'verify-full'],
  ])('off this machine TLS is required unless more is asked: %s, %s', (host, given, sslmode) => {
    const variables = variablesOf({ host, port: 6432, database: 'crm', user: 'a@b' }, 'gh_at_x', { PGSSLMODE: given });
    expect(variables.PGSSLMODE).toBe(sslmode);
    expect(variables.DATABASE_URL).toContain(`//a%40b:gh_at_x@${host.includes(':') ? `[${host}]` : host}:6432/`);
  });
});

describe('check', () => {
  const check = (sql: string, ...more: string[]) => run(['check', '--connection', 'crm', '--as', 'bot', sql, ...more]);
  test('an allowed, a held and a denied statement each end with 0', async () => {
    expect(await check('SELECT id FROM crm.orders')).toMatchObject({ code: 0, out: expect.stringMatching(/^allow: /) });
    expect(await check('DELETE FROM crm.orders WHERE id = 1')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^hold: [\s\S]*\* rule review-deletes/),
    });
    expect(await check('DROP TABLE crm.orders')).toMatchObject({ code: 0, out: expect.stringMatching(/^deny: [\s\S]*no-drop/) });
  });

  test('the strictest of several speaks for the text', async () => {
    expect((await check('SELECT 1; DROP TABLE crm.orders')).out).toMatch(/^deny: /);
  });

  test('masked columns are named', async () => {
    const { out } = await check('SELECT ssn FROM crm.customers', '--json');
    expect(JSON.parse(out)).toMatchObject({ statements: [{ masking: { state: 'resolved', columns: ['crm.customers.ssn'] } }] });
    expect(JSON.parse((await check('SELECT ssn::int FROM crm.customers', '--json')).out)).toMatchObject({ verdict: { action: 'deny' } });
  });

  test('each output column is explained: what it leaves as, the way to the base column, the rule', async () => {
    const { out } = await check('SELECT id, tax_id, lower(tax_id) FROM crm.contacts');
    expect(out.slice(out.indexOf('  masking'), out.indexOf('  - rule'))).toBe(
      `  masking  resolved: crm.contacts.tax_id, crm.customers.ssn
  output
    #  column  leaves as        because
    1  id      as it is         –
    2  tax_id  partial, last 4  crm.contacts.tax_id → crm.customers.ssn, rule pii (copied)
    3  lower   redacted         computed from crm.contacts.tax_id → crm.customers.ssn, rule pii
`,
    );
    const { statements } = JSON.parse((await check('SELECT tax_id FROM crm.contacts', '--json')).out);
    expect(statements[0].masking.outputs).toEqual([
      {
        name: 'tax_id',
        state: 'copied',
        leaves: 'partial, last 4',
        paths: [
          [
            { column: 'crm.contacts.tax_id', by: null },
            { column: 'crm.customers.ssn', by: 'view' },
          ],
        ],
        rules: ['pii'],
        instead: null,
        because: 'crm.contacts.tax_id → crm.customers.ssn, rule pii (copied)',
      },
    ]);
  });

  test('a refusal names the column, the construct and what to write instead', async () => {
    const { out } = await check("SELECT id FROM crm.customers WHERE ssn LIKE '1%'");
    expect(out).toMatch(/^deny: /);
    expect(out).toContain(
      `  masking  unresolved: crm.customers.ssn
  refused  masked column crm.customers.ssn would decide the result through LIKE; inference is guarded
  instead  Compare with = instead of LIKE, or ask an administrator for inference: open on masking rule "pii".
`,
    );
  });

  test('what a rule that observes would mask or refuse is said apart from what is masked', async () => {
    const shown = (await check('SELECT email, ssn FROM crm.customers')).out;
    expect(shown).toContain('1  email   as it is         –\n');
    expect(shown).toContain('1  email   email, first letter  crm.customers.email, rule mail (copied)\n');
    const refused = (await check('SELECT id FROM crm.customers ORDER BY email')).out;
    expect(refused).toMatch(/^allow: /);
    expect(refused).toContain('would be refused: masked column crm.customers.email would decide the result through ORDER BY');
    expect((await check('SELECT id FROM crm.customers')).out).not.toContain('observed');
  });

  test('what does not parse is denied, with its place', async () => {
    expect((await check('SELEC 1')).out).toMatch(/^deny: [\s\S]*at character 1/);
  });

  test('without access nothing is allowed', async () => {
    expect((await run(['check', '--connection', 'crm', '--as', 'ana', 'SELECT 1'])).out).toContain('no access entry lets ana');
  });
});

describe('connections test', () => {
  test('every stage passes for a plain role', async () => {
    const { code, out } = await run(['connections', 'test', 'crm', '--json']);
    const { stages } = JSON.parse(out) as { stages: { name: string; status: string; detail: string }[] };
    expect(code).toBe(0);
    expect(stages.map((stage) => `${stage.name} ${stage.status}`)).toEqual([
      'DNS ok',
      'TCP ok',
      'TLS ok',
      'sign-in ok',
      'version ok',
      'role ok',
      'catalog ok',
    ]);
  });

  test('a wrong password fails at sign-in, the rest is skipped, and the exit code says so', async () => {
    const broken = policy().replace('name: crm', 'name: wrong').replaceAll('[crm]', '[wrong]');
    await run(['apply', file('wrong.yaml', broken)], { APP_PASSWORD: 'nope' });
    const { code, out } = await run(['connections', 'test', 'wrong']);
    expect(code).toBe(1);
    expect(out).toMatch(/sign-in +failed .*Check user name and password/);
    expect(out).toMatch(/catalog +skipped/);
    await run(['apply', join(folder, 'policy.yaml')]);
  });

  test('nobody there', async () => {
    const closed = policy().replace(/port: \d+/, 'port: 1');
    await run(['apply', file('closed.yaml', closed)]);
    expect((await run(['connections', 'test', 'crm'])).out).toMatch(/TCP +failed .*Nothing listens there/);
    await run(['apply', join(folder, 'policy.yaml')]);
  });
});

describe('connections harden and verify', () => {
  const least = 'least_of_cli';
  const asRoot = async (sql: string) => {
    const upstream = new pg.Client({ connectionString: db.url });
    await upstream.connect();
    try {
      await upstream.query(sql);
    } finally {
      await upstream.end();
    }
  };
  // With its owner's rights a view shows what the role may not read.
  beforeAll(() => asRoot('drop view crm.contacts'));
  const listed = async () => {
    const { enforcement } = (await listConnections(await db.as('auditor'))).find((row) => row.name === 'crm') ?? expect.fail('no crm');
    return enforcement;
  };

  test('harden prints SQL alone on standard output; verify says no before it is used and yes after', async () => {
    const harden = await run(['connections', 'harden', 'crm', '--role', least, '--schema', 'crm_masked']);
    expect(harden.code).toBe(0);
    expect(harden.out.startsWith('-- Gatehouse: least privilege for the connection crm')).toBe(true);
    expect(harden.out).toContain(`CREATE VIEW "crm_masked"."customers"`);
    expect(harden.err).toMatch(/SQL for least_of_cli, like cli_app without 1 masked columns/);

    const before = await run(['connections', 'verify', 'crm']);
    expect(before.code).toBe(1);
    expect(before.out).toContain('crm as cli_app: gateway-enforced');
    expect(before.out).toContain('the role has SELECT on crm.customers.ssn');
    expect(await listed()).toMatchObject({ state: 'gateway', outdated: false, role: 'cli_app', verifiedBy: 'root' });

    await asRoot(
      `${harden.out}; alter role ${least} password '${CANARY}'; revoke temporary on database ${host.pathname.slice(1)} from public`,
    );
    const hardened = policy().replace('username: cli_app', `username: ${least}`);
    await run(['apply', file('hardened.yaml', hardened)]);
    expect(await listed()).toMatchObject({ outdated: true });
    const after = await run(['connections', 'verify', 'crm', '--json']);
    expect(JSON.parse(after.out)).toMatchObject({ state: 'database', role: least, reasons: [], crossings: [], kept: true });
    expect(after.code).toBe(0);
    expect(await listed()).toMatchObject({ state: 'database', outdated: false, maskedColumns: 1, crossings: 0 });
    expect((await run(['connections', 'harden', 'crm', '--role', least])).err).toContain('--like ROLE');
  });

  test('what was proved lapses with the masking rules and with the catalog, and not with other changes', async () => {
    const [row] = await db.store.select().from(connections).where(eq(connections.name, 'crm'));
    const standing = async () => (await getEnforcement(await db.as('auditor'), { id: row?.id })).standing;
    const hardened = policy().replace('username: cli_app', `username: ${least}`);
    expect(await standing()).toBe('current');
    await run(['apply', file('more.yaml', hardened.replace('no-drop', 'never-drop'))]);
    expect([await standing(), (await listed())?.outdated]).toEqual(['current', false]);
    await run(['apply', file('stricter.yaml', hardened.replace('partial, keepLast: 4', 'redact'))]);
    expect([await standing(), (await listed())?.outdated]).toEqual(['outdated', true]);
    await run(['apply', file('hardened.yaml', hardened)]);
    expect(await standing()).toBe('current');
    await asRoot('alter table crm.orders add column note text');
    expect(await standing()).toBe('outdated');
    expect((await run(['connections', 'verify', 'crm'])).code).toBe(0);
    expect(await standing()).toBe('current');
  });

  test('what could cross makes the exit code 1, and is recorded with the verification', async () => {
    await asRoot(`create function crm.peek() returns text language sql security definer as 'select ssn from crm.customers'`);
    const { code, out } = await run(['connections', 'verify', 'crm']);
    expect(code).toBe(1);
    expect(out).toContain(`crm as ${least}: database-enforced except 1`);
    expect(out).toMatch(/function +crm.peek +SECURITY DEFINER, executable, and names customers/);
    const { items } = await listActions(await db.as('auditor'), {});
    expect(items[0]).toMatchObject({
      action: 'connection.verify',
      subject: 'crm',
      after: { state: 'except', crossings: ['function crm.peek'] },
    });
    await asRoot('drop function crm.peek()');
  });

  test('another role is asked about and not kept; one that does not exist is said so', async () => {
    await run(['apply', join(folder, 'policy.yaml')]);
    const { code, out } = await run(['connections', 'verify', 'crm', '--role', least, '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ kept: false, state: 'gateway', role: least });
    expect((await listed())?.role).toBe(least);
    expect((await run(['connections', 'verify', 'crm', '--role', 'nobody'])).err).toContain('the role nobody does not exist');
    await asRoot(`drop owned by ${least}, ${least}_masks; drop role ${least}, ${least}_masks`);
  });
});

describe('approvals, sessions, audit', () => {
  const sessionId = newId('ses');
  const statementId = newId('stm');
  const who = { principalName: 'bot', ownerName: 'ana', connectionName: 'crm' };

  test('a request is listed, shown, rejected only with a reason, and decided once', async () => {
    const id = newId('req');
    await db.store.insert(approvalRequests).values({
      ...who,
      id,
      statementId,
      sessionId,
      gatewayId: 'gw',
      workerId: 'w1',
      principalId: 'prn_bot',
      sql: 'DELETE FROM crm.orders -- \u202e\u001b[31m',
      parameters: [{ typeOid: 23, value: '7' }],
      digest: 'd',
      kind: 'DELETE',
      effects: ['delete'],
      relations: [{ name: 'crm.orders', access: 'write' }],
      // Not one of those that this person has applied: nobody decides under a rule of their own.
      rule: 'review-purges',
      why: 'DELETE matches',
      tried: [],
      transactionStatus: 'T',
      reviewerGroups: ['dba'],
      required: 1,
      expiresAt: new Date(Date.now() + 60_000),
    });
    expect((await run(['approvals', 'list'])).out).toContain(id);
    const shown = (await run(['approvals', 'show', id])).out;
    expect(shown).toContain('crm.orders (write)');
    expect(shown).toContain('\\u{202e}\\u{1b}[31m');
    expect(shown).not.toContain('\u001b');
    expect(await run(['approvals', 'reject', id])).toMatchObject({ code: 2, err: 'gatehouse: --reason is needed: the client sees it\n' });
    expect(await run(['approvals', 'approve', id, '--reason', 'fine'])).toMatchObject({ code: 0, out: `approved ${id}\n` });
    expect(await run(['approvals', 'reject', id, '--reason', 'late'])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^gatehouse: already approved by root (just now|\d s ago)\n$/),
    });
    expect((await run(['approvals', 'show', 'req_none'])).err).toBe('gatehouse: request req_none does not exist\n');
  });

  test('a session is listed and killed once', async () => {
    await db.store
      .insert(sessions)
      .values({ ...who, id: sessionId, gatewayId: 'gw', workerId: 'w1', principalId: 'prn_bot', clientAddress: '127.0.0.1:5' });
    expect((await run(['sessions', 'list'])).out).toContain(sessionId);
    expect(await run(['sessions', 'kill', sessionId])).toMatchObject({ code: 0 });
    expect((await run(['sessions', 'kill', 'ses_none'])).code).toBe(1);
  });

  test('the record is searched; an unknown word is an error and not a wider search', async () => {
    await recordStatements(db, [
      {
        ...who,
        id: statementId,
        sessionId,
        clientAddress: '127.0.0.1:5',
        kind: 'DELETE',
        sql: 'DELETE FROM crm.orders',
        relations: [{ name: 'crm.orders', access: 'write' }],
        effects: ['delete'],
        verdict: 'hold',
        rows: 3,
        durationMs: 12.5,
      },
    ]);
    const found = async (query: string) =>
      (JSON.parse((await run(['audit', 'search', query, '--json'])).out) as { items: unknown[] }).items.length;
    expect(await found('who:bot verdict:held table:orders rows:>2 duration:>10ms from')).toBe(1);
    expect(await found('table:crm.orders')).toBe(1);
    for (const none of ['table:rders', 'rows:>3', 'verdict:denied', 'who:ana', 'duration:>1s', 'kind:DROP', '"not there"'])
      expect([none, await found(none)]).toEqual([none, 0]);
    const wrong = await run(['audit', 'search', 'whom:bot']);
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining('unknown word whom:') });
  });
});

describe('audit tail', () => {
  test('shows what is recorded while it runs, without a restart when the stream ends', async () => {
    const id = newId('stm');
    const rows = tailStatements(env);
    const first = rows.next();
    const record = () => recordStatements(db, [{ id, sessionId: newId('ses'), connectionName: 'crm' }]);
    // The tail begins when its stream is open, so the statement is recorded after that; a later notification is harmless.
    await new Promise((resolve) => setTimeout(resolve, 500));
    await record();
    expect((await first).value).toMatchObject({ id, sql: 'SELECT 1', at: expect.any(Date) });
    await rows.return();
  });
});

describe('usage and reach', () => {
  test.each([
    [['nonsense'], 2],
    [['apply'], 2],
    [['token', 'create'], 2],
    [['token', 'create', '--principal', 'root', '--ttl', 'soon'], 2],
    [['apply', '/nowhere.yaml'], 2],
    [['--help'], 0],
    [['check', '--help'], 0],
  ])('%j ends with %i', async (argv, code) => {
    expect((await run(argv)).code).toBe(code);
  });

  test('no token, a bad token, no gateway: each says what to do', async () => {
    expect((await run(['sessions', 'list'], { GATEHOUSE_DATA_DIR: '/nowhere' })).err).toContain('set GATEHOUSE_TOKEN');
    expect((await run(['sessions', 'list'], { GATEHOUSE_TOKEN: 'gh_at_no' })).err).toContain('does not accept this token');
    expect((await run(['sessions', 'list'], { GATEHOUSE_URL: 'http://127.0.0.1:9' })).err).toContain(
      'start it with npm start, or set GATEHOUSE_URL',
    );
  });

  test('the gateway of this machine is found in its data directory, and GATEHOUSE_URL goes before it', async () => {
    writeFileSync(join(folder, 'console-url'), `${env.GATEHOUSE_URL}\n`);
    expect((await run(['sessions', 'list'], { GATEHOUSE_URL: '' })).code).toBe(0);
    expect((await run(['sessions', 'list'], { GATEHOUSE_URL: 'http://127.0.0.1:1' })).err).toContain(
      'no gateway answers at http://127.0.0.1:1',
    );
    for (const elsewhere of ['http://192.0.2.1:80', 'http://127.0.0.1:1@192.0.2.1:80', 'http://127.0.0.1.example.com:80'])
      expect(gatewayUrl({ GATEHOUSE_DATA_DIR: dirname(file('console-url', elsewhere)) })).toBe('http://127.0.0.1:3000');
    rmSync(join(folder, 'console-url'));
  });

  test('a text with U+0000 is refused by the field it is in', async () => {
    const { code, err } = await run(['token', 'create', '--principal', 'bo\0t']);
    expect(code).not.toBe(0);
    expect(err).toContain('principal: the character U+0000 is in it');
  });

  test('errors are JSON under --json', async () => {
    const { code, err } = await run(['approvals', 'show', 'req_none', '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(err)).toEqual({ error: { code: 'NOT_FOUND', message: 'request req_none does not exist', policy: [] } });
  });
});
