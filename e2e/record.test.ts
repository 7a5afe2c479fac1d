import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiAs, apiAsAdmin, makePrincipal, signEverySecond } from './api';
import { gatehouse } from './cli';
import { directSettings, eventually, failure, open, proxySettings } from './clients';
import { freePort, makeDataDir, type RunningGateway, removeDataDir, startGateway } from './gateway';
import { treeOf } from './processes';

/** The record of a gateway of its own: what is done to it here, others should not see. */

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-record-e2e-'));
let dataDir: string;
let gateway: RunningGateway;
beforeAll(async () => {
  dataDir = makeDataDir();
  gateway = await startGateway({ dataDir, log: join(folder, 'gateway.log') });
  await signEverySecond(apiAsAdmin(gateway));
}, 180_000);
afterAll(async () => {
  await gateway?.stop().catch(() => undefined);
  removeDataDir(dataDir);
  rmSync(folder, { recursive: true, force: true });
});

const recorderPid = () => treeOf(gateway.pid).find(({ command }) => command.includes('dist/recorder.js'))?.pid;

/** Everything that is signed, as a file, and what `audit verify` says of it. */
async function exported(name: string): Promise<{ path: string; report: { ok: boolean; findings: unknown[] }; text: string }> {
  const path = join(folder, name);
  const run = await gatehouse(gateway, ['audit', 'export', '--out', path, '--with-values']);
  expect(run.code, run.stderr).toBe(0);
  return { path, report: verified(path), text: readFileSync(path, 'utf8') };
}
function verified(path: string): { ok: boolean; findings: unknown[] } {
  const run = spawnSync(process.execPath, [join(root, 'dist/cli.js'), 'audit', 'verify', path, '--json'], {
    env: { PATH: '', NODE_ENV: 'production' },
    encoding: 'utf8',
  });
  return JSON.parse(run.stdout);
}
/** An export once what is signed has all these words. */
const exportedWith = (name: string, ...words: string[]) =>
  eventually(
    `${words.join(', ')} in what is signed`,
    async () => {
      const made = await exported(name);
      return words.every((word) => made.text.includes(word)) && made;
    },
    60_000,
  );

test('a recorder that is killed over and over loses and doubles nothing', async () => {
  const session = await open(proxySettings(gateway, { applicationName: 'killed-recorder' }));
  const journals: string[] = [];
  let sent = 0;
  for (let round = 0; round < 5; round++) {
    const pid = await eventually('a recorder', async () => recorderPid(), 40_000);
    for (let n = 0; n < 60; n++) await session.query(`SELECT ${++sent} AS recorder_test`);
    process.kill(pid, 'SIGKILL');
    for (let n = 0; n < 20; n++) await session.query(`SELECT ${++sent} AS recorder_test`);
    journals.push(...readdirSync(join(dataDir, 'journal')));
    await eventually('it is gone', async () => recorderPid() !== pid, 20_000);
  }
  await session.end();
  await eventually(
    'all are recorded',
    async () =>
      (await apiAsAdmin(gateway)
        .audit.search.query({ q: 'app:killed-recorder', limit: 1 })
        .catch(() => null)) !== null && recorderPid() !== undefined,
    60_000,
  );
  const store = await open(directSettings(gateway, 'gatehouse'));
  const { rows: count } = await eventually(
    'all are in the store',
    async () => {
      const found = await store.query<{ n: number; distinct: number }>(
        "SELECT count(*)::int AS n, count(DISTINCT s.id)::int AS distinct FROM statements s JOIN statement_sources o ON o.id = s.source_id WHERE o.application_name = 'killed-recorder' AND status = 'done'",
      );
      return (found.rows[0]?.n ?? 0) >= sent && found;
    },
    60_000,
  );
  expect(count).toEqual([{ n: sent, distinct: sent }]);
  await store.end();
  const { report, text } = await exportedWith('killed.jsonl', `SELECT ${sent} AS recorder_test`);
  expect(report.findings).toEqual([]);
  const ids = text
    .split('\n')
    .flatMap((line) => (line.includes('killed-recorder') && line.includes('"statement"') ? (/stm_[0-9a-z]+/.exec(line) ?? []) : []));
  expect(new Set(ids).size).toBe(sent);
  expect(journals.length).toBeGreaterThan(0);
}, 240_000);

test('what a person sent is erased, everywhere, and the proof of before and after holds', async () => {
  const admin = apiAsAdmin(gateway);
  const token = await makePrincipal(admin, { name: 'forgotten', kind: 'agent', groups: ['agents'] });
  const session = await open(proxySettings(gateway, { user: 'forgotten', password: token }));
  const canary = 'canary-person-4711';
  await session.query(`SELECT '${canary}' AS said`);
  await session.query('SELECT $1::text AS said', [`${canary}-parameter`]);
  await session.end();
  const found = await eventually('in the store', async () => {
    const { items } = await admin.audit.search.query({ q: 'who:forgotten' });
    return items.length >= 2 && items.every(({ status }) => status === 'done') && items;
  });
  const before = await exportedWith('before.jsonl', `${canary}-parameter`);
  expect(before.report.findings).toEqual([]);
  const kept = join(folder, 'kept.txt');
  expect((await gatehouse(gateway, ['audit', 'checkpoint', '--out', kept])).code).toBe(0);

  const auditor = await makePrincipal(admin, { name: 'eve', kind: 'human', role: 'auditor', groups: [] });
  await expect(apiAs(gateway, auditor).audit.erase.mutate({ principal: 'forgotten', reason: 'x' })).rejects.toThrow(/role admin/);
  expect((await gatehouse(gateway, ['audit', 'erase', '--principal', 'forgotten'])).code).toBe(2);
  const run = await gatehouse(gateway, ['audit', 'erase', '--principal', 'forgotten', '--reason', 'asked to', '--json']);
  expect(run.code, run.stderr).toBe(0);
  expect((await admin.audit.get.query({ id: found[0]?.id ?? '' })).sql).toBe('(erased)');
  const store = await open(directSettings(gateway, 'gatehouse'));
  await eventually(
    'the files follow',
    async () => (await store.query('SELECT 1 FROM erasure_nodes WHERE erasure_id = $1', [JSON.parse(run.stdout).id])).rowCount === 1,
    60_000,
  );
  await store.end();
  const after = await exportedWith('after.jsonl', 'audit.erase');
  expect(after.report.findings).toEqual([]);
  expect(after.text.includes(canary)).toBe(false);
  const again = spawnSync(process.execPath, [join(root, 'dist/cli.js'), 'audit', 'verify', after.path, '--checkpoint', kept, '--json'], {
    env: { PATH: '', NODE_ENV: 'production' },
    encoding: 'utf8',
  });
  expect(JSON.parse(again.stdout)).toMatchObject({ ok: true });
  // What was exported before keeps its proof, as far as it was exported.
  expect(verified(before.path).ok).toBe(true);
}, 180_000);

test('signing in, failing to, and exporting are entries of the record', async () => {
  const admin = apiAsAdmin(gateway);
  await failure(apiAs(gateway, 'gh_at_nobody').me.get.query());
  await fetch(`${gateway.consoleUrl}/api/auth/csrf`);
  await eventually('the actions have their place in the log', async () => {
    const store = await open(directSettings(gateway, 'gatehouse'));
    const { rows } = await store.query<{ action: string; untaken: number }>(
      'SELECT action, count(*) FILTER (WHERE log_index IS NULL)::int AS untaken FROM actions GROUP BY action',
    );
    await store.end();
    const names = rows.map(({ action }) => action);
    return (
      names.includes('api.signInFailed') &&
      names.includes('record.export') &&
      names.includes('audit.erase') &&
      rows.every(({ untaken }) => untaken === 0)
    );
  });
  expect((await exportedWith('actions.jsonl', 'api.signInFailed', 'record.export', 'audit.erase')).report.findings).toEqual([]);
  expect((await admin.audit.status.query()).nodes).toMatchObject([{ broken: null, trouble: null }]);
}, 120_000);

describe('two gateways on one store', () => {
  const others: { child: ChildProcess; dir: string }[] = [];
  afterAll(async () => {
    for (const { child, dir } of others) {
      if (child.exitCode === null) {
        const gone = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGINT');
        await gone;
      }
      removeDataDir(dir);
    }
  });

  async function second(
    env: Record<string, string>,
    dir = makeDataDir(),
  ): Promise<{ child: ChildProcess; consoleUrl: string; output(): string; dir: string; exited: Promise<number | null> }> {
    const port = await freePort();
    const { user, password, port: storePort } = directSettings(gateway);
    const logFile = join(folder, `second-${port}.log`);
    const log = openSync(logFile, 'a');
    const child = spawn(process.execPath, ['bin/start.mjs'], {
      cwd: root,
      env: {
        PATH: process.env.PATH ?? '',
        NODE_ENV: 'production',
        PORT: String(port),
        PROXY_PORT: String(await freePort()),
        PROXY_WORKERS: '1',
        GATEHOUSE_DATA_DIR: dir,
        DATABASE_URL: `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${storePort}/gatehouse`,
        GATEHOUSE_SECRET_KEY: readFileSync(join(dataDir, 'secret-key'), 'utf8').trim(),
        ...env,
      },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    others.push({ child, dir });
    const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
    return { child, dir, exited, consoleUrl: `http://127.0.0.1:${port}`, output: () => readFileSync(logFile, 'utf8') };
  }
  const answers = (url: string) =>
    fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );

  test('the second of one name is refused in words, and the first goes on', async () => {
    const name = readFileSync(join(dataDir, 'record', 'node'), 'utf8').trim();
    const other = await second({ GATEHOUSE_NODE: name });
    expect(await other.exited).toBe(1);
    expect(other.output()).toMatch(/another gateway on this store is called .*GATEHOUSE_NODE/s);
    expect(recorderPid()).toBeDefined();
    const session = await open(proxySettings(gateway));
    expect((await session.query('SELECT 1')).rowCount).toBe(1);
    await session.end();
  }, 60_000);

  test('of two names each quotes the other’s checkpoints; a name comes back only with its own record', async () => {
    const other = await second({ GATEHOUSE_NODE: 'second' });
    await eventually('it is ready', () => answers(`${other.consoleUrl}/readyz`), 90_000);
    const store = await open(directSettings(gateway, 'gatehouse'));
    await eventually('both sign', async () => (await store.query('SELECT DISTINCT node FROM checkpoints')).rowCount === 2, 60_000);
    await store.end();
    const session = await open(proxySettings(gateway));
    await session.query('SELECT 2');
    await session.end();
    expect((await exportedWith('chained.jsonl', 'gatehouse/second')).report.findings).toEqual([]);
    expect((await apiAsAdmin(gateway).audit.status.query()).nodes.map(({ node }) => node)).toContain('second');
    other.child.kill('SIGINT');
    expect(await other.exited).toBe(0);
    const stranger = await second({ GATEHOUSE_NODE: 'second' });
    expect(await stranger.exited).toBe(1);
    expect(stranger.output()).toMatch(/knows the record second by another key/);
    const renamed = await second({ GATEHOUSE_NODE: 'third' }, other.dir);
    expect(await renamed.exited).toBe(1);
    expect(renamed.output()).toMatch(/is that of node second.*GATEHOUSE_NODE=second/s);
  }, 240_000);
});

test('an entry changed on disk is said by readyz and by the command line', async () => {
  await gateway.stop();
  const logs = join(dataDir, 'record', 'log');
  const [file = ''] = readdirSync(logs).sort();
  const bytes = readFileSync(join(logs, file));
  bytes.write('"rows":7', bytes.indexOf('"rows":1'));
  writeFileSync(join(logs, file), bytes);
  gateway = await startGateway({ dataDir, log: join(folder, 'gateway.log') });
  const readiness = (await (await fetch(`${gateway.consoleUrl}/readyz`)).json()) as { ready: boolean; warnings: { record?: string } };
  expect(readiness.ready).toBe(true);
  await eventually('readyz warns', async () =>
    /broken at entry \d+/.test(JSON.stringify(await (await fetch(`${gateway.consoleUrl}/readyz`)).json())),
  );
  expect(await (await fetch(`${gateway.consoleUrl}/metrics`)).text()).toMatch(/^gatehouse_record_broken 1$/m);
  await eventually('the command line says it', async () => {
    const { code, stdout } = await gatehouse(gateway, ['audit', 'status']);
    return code === 1 && stdout.includes('BROKEN');
  });
  expect(existsSync(join(dataDir, 'record', 'checkpoint-key'))).toBe(true);
}, 180_000);
