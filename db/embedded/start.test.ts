import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { serverAccount } from './account';
import { readPostmaster } from './postmaster';
import { isAlive, until } from './process';
import { type EmbeddedPostgres, startEmbedded } from './start';

const isRoot = process.getuid?.() === 0;
const scratch = mkdtempSync(join(tmpdir(), 'gatehouse-embedded-'));
const running: EmbeddedPostgres[] = [];
const children: ChildProcess[] = [];
/** Started once and stopped. */
const MADE = join(scratch, 'made');
let counter = 0;
let script = '';

beforeAll(async () => {
  chmodSync(scratch, 0o755);
  // A process of its own to kill: beside the sources, so that its bare imports are found.
  script = join(process.cwd(), 'node_modules', '.cache', `gatehouse-embedded-test-${process.pid}.mjs`);
  buildSync({
    stdin: {
      contents: `import { startEmbedded } from './start';
        startEmbedded({ dataDir: process.argv[2], throwaway: true }).then(
          (s) => { console.log(JSON.stringify({ pid: s.pid, port: s.port, cluster: s.cluster })); setInterval(() => {}, 1000); },
          (e) => { console.log(JSON.stringify({ error: e.message })); process.exit(1); });`,
      resolveDir: import.meta.dirname,
      loader: 'ts',
    },
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
  });
  await (await startEmbedded({ dataDir: MADE, throwaway: true })).stop();
}, 60_000);

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const server of running.splice(0)) await server.stop();
});

afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
  rmSync(script, { force: true });
});

function newDataDir(): string {
  return join(scratch, `data${++counter}`);
}

/** One that was started before: what follows is not about making a cluster, which takes seconds. */
function usedDataDir(): string {
  const dataDir = newDataDir();
  execFileSync('cp', ['-a', MADE, dataDir]);
  return dataDir;
}

async function start(dataDir: string): Promise<EmbeddedPostgres> {
  const server = await startEmbedded({ dataDir, throwaway: true });
  running.push(server);
  return server;
}

async function stop(server: EmbeddedPostgres): Promise<void> {
  running.splice(running.indexOf(server), 1);
  await server.stop();
}

interface Said {
  pid: number;
  port: number;
  cluster: string;
  error?: string;
}

async function startElsewhere(dataDir: string): Promise<{ child: ChildProcess; said: Said }> {
  const child = spawn(process.execPath, [script, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  expect(await until(() => text.includes('\n'), 20_000)).toBe(true);
  return { child, said: JSON.parse(text) as Said };
}

async function ask(server: Pick<EmbeddedPostgres, 'adminUrl'>, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: server.adminUrl('postgres') });
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
}

test('a first start makes a cluster that asks for a password, on loopback only, and a second start keeps data and port', async () => {
  const dataDir = newDataDir();
  const first = await start(dataDir);
  expect(await ask(first, "SELECT current_setting('server_version_num')::int / 10000")).toEqual([18]);
  expect(await ask(first, "SELECT current_setting('listen_addresses') || current_setting('unix_socket_directories')")).toEqual([
    '127.0.0.1',
  ]);
  expect(await ask(first, 'SELECT datlocprovider FROM pg_database WHERE datname = current_database()')).toEqual(['b']);
  await ask(first, 'CREATE TABLE kept AS SELECT 7 AS n');
  const wrong = first.adminUrl('postgres').replace(/:[^:@]+@/, ':wrong@');
  await expect(ask({ adminUrl: () => wrong }, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
  expect(statSync(join(dataDir, 'postgres-password')).mode & 0o777).toBe(0o600);
  await stop(first);
  expect(isAlive(first.pid)).toBe(false);
  expect(existsSync(join(dataDir, 'embedded.lock'))).toBe(false);

  const second = await start(dataDir);
  expect(second.port).toBe(first.port);
  expect(await ask(second, 'SELECT n FROM kept')).toEqual([7]);
});

test('a data directory that was moved keeps its cluster', async () => {
  const dataDir = usedDataDir();
  const first = await start(dataDir);
  await ask(first, 'CREATE TABLE kept AS SELECT 7 AS n');
  await stop(first);
  const moved = newDataDir();
  renameSync(dataDir, moved);
  expect(await ask(await start(moved), 'SELECT n FROM kept')).toEqual([7]);
});

test('fsync is on unless the data is to be thrown away', async () => {
  const server = await startEmbedded({ dataDir: newDataDir() });
  running.push(server);
  expect(await ask(server, "SELECT current_setting('fsync')")).toEqual(['on']);
});

test('a second start on one directory is refused, in the same process and in another', async () => {
  const dataDir = usedDataDir();
  await start(dataDir);
  await expect(startEmbedded({ dataDir })).rejects.toThrow(`is in use by process ${process.pid}`);
  const { said } = await startElsewhere(dataDir);
  expect(said.error).toContain(`is in use by process ${process.pid}`);
});

test('kill -9 of the process that started it stops the server, and the next start works', async () => {
  const dataDir = usedDataDir();
  const { child, said } = await startElsewhere(dataDir);
  child.kill('SIGKILL');
  expect(await until(() => !isAlive(said.pid), 10_000)).toBe(true);
  expect(existsSync(join(dataDir, 'embedded.lock'))).toBe(true);
  const server = await start(dataDir);
  expect(await ask(server, 'SELECT 1')).toEqual([1]);
});

test('a server that outlived its start is stopped first', async () => {
  const dataDir = usedDataDir();
  const { child, said } = await startElsewhere(dataDir);
  // The wrapper dies too, as when a machine runs out of memory: nobody is left to stop the server.
  const wrapper = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${said.pid}/status`, 'utf8'))?.[1]);
  process.kill(-wrapper, 'SIGSTOP');
  for (const pid of watchersOf(wrapper, said.pid)) process.kill(pid, 'SIGKILL');
  process.kill(wrapper, 'SIGKILL');
  process.kill(said.pid, 'SIGCONT');
  child.kill('SIGKILL');
  expect(await until(() => !isAlive(child.pid ?? 0), 5_000)).toBe(true);
  expect(isAlive(said.pid)).toBe(true);
  const server = await start(dataDir);
  expect(isAlive(said.pid)).toBe(false);
  expect(await ask(server, 'SELECT 1')).toEqual([1]);
});

/** The wrapper's other children: the shell that waits for stdin to end, and its cat. */
function watchersOf(wrapper: number, server: number): number[] {
  return childrenOf(wrapper)
    .filter((pid) => pid !== server)
    .flatMap((pid) => [...childrenOf(pid), pid]);
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
}

test('a stale postmaster.pid whose pid another program now has does not keep the server from starting', async () => {
  const dataDir = usedDataDir();
  const first = await start(dataDir);
  await stop(first);
  const account = serverAccount();
  // A program of the same account: the case in which PostgreSQL itself would refuse to start.
  const bystander = spawn('sleep', ['60'], account === null ? {} : { uid: account.uid, gid: account.gid });
  children.push(bystander);
  writeFileSync(join(first.cluster, 'postmaster.pid'), `${bystander.pid}\n${first.cluster}\n1\n${first.port}\n\n127.0.0.1\n\nready   \n`);
  const second = await start(dataDir);
  expect(readPostmaster(second.cluster)?.pid).toBe(second.pid);
  expect(isAlive(bystander.pid ?? 0)).toBe(true);
});

test('an initdb that was cut short is made again', async () => {
  const dataDir = newDataDir();
  mkdirSync(join(dataDir, 'cluster.partial', 'base'), { recursive: true });
  chmodSync(dataDir, isRoot ? 0o711 : 0o700);
  writeFileSync(join(dataDir, 'cluster.partial', 'PG_VERSION'), '18\n');
  const server = await start(dataDir);
  expect(await ask(server, 'SELECT 1')).toEqual([1]);
  expect(existsSync(join(dataDir, 'cluster.partial'))).toBe(false);
});

test('a remembered port that someone took is replaced by a free one', async () => {
  const dataDir = usedDataDir();
  const first = await start(dataDir);
  await stop(first);
  const { createServer } = await import('node:net');
  const squatter = createServer().listen(first.port, '127.0.0.1');
  try {
    const second = await start(dataDir);
    expect(second.port).not.toBe(first.port);
    expect(await ask(second, 'SELECT 1')).toEqual([1]);
  } finally {
    squatter.close();
  }
});

test('a cluster of another major version is refused and left alone', async () => {
  const dataDir = usedDataDir();
  const first = await start(dataDir);
  await stop(first);
  writeFileSync(join(first.cluster, 'PG_VERSION'), '17\n');
  await expect(startEmbedded({ dataDir })).rejects.toThrow('was made by PostgreSQL 17');
  expect(existsSync(join(first.cluster, 'base'))).toBe(true);
});

test.runIf(isRoot)('under a folder that only root can enter, the cluster lives elsewhere, is kept, and is found again', async () => {
  const locked = join(scratch, 'locked');
  mkdirSync(locked, { mode: 0o700 });
  const dataDir = join(locked, 'data');
  const first = await start(dataDir);
  const home = join(first.cluster, '..');
  try {
    expect(first.cluster.startsWith(scratch)).toBe(false);
    expect(statSync(home).mode & 0o777).toBe(0o700);
    expect(statSync(home).uid).toBe(serverAccount()?.uid);
    await ask(first, 'CREATE TABLE kept AS SELECT 7 AS n');
    await stop(first);
    const second = await start(dataDir);
    expect(second.cluster).toBe(first.cluster);
    expect(await ask(second, 'SELECT n FROM kept')).toEqual([7]);
    await stop(second);

    // The data directory removed by hand: its cluster elsewhere has no password any more and is made anew.
    rmSync(dataDir, { recursive: true });
    const third = await start(dataDir);
    expect(await ask(third, "SELECT count(*)::int FROM pg_class WHERE relname = 'kept'")).toEqual([0]);
    await stop(third);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});
