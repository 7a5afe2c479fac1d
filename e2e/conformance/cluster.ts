import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, chownSync, closeSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from '../gateway';
import { type Account, must } from './command';
import type { Installation } from './packages';

/** A PostgreSQL of its own: one superuser, `postgres`, and the database the suite runs in. */
export interface Cluster {
  port: number;
  password: string;
  stop(): Promise<void>;
}

export const DATABASE = 'regression';

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;

/** What pg_regress gives a database it makes itself, and the zone and dates its expected output is written in. */
const DATABASE_SETTINGS: Readonly<Record<string, string>> = {
  lc_messages: 'C',
  lc_monetary: 'C',
  lc_numeric: 'C',
  lc_time: 'C',
  bytea_output: 'hex',
  timezone_abbreviations: 'Default',
  timezone: 'PST8PDT',
  datestyle: 'Postgres, MDY',
};

/** Starts a fresh cluster below `folder` on a free loopback port, without a Unix socket. It ends with this process, however that goes. */
export async function startCluster(postgres: Installation, folder: string, account: Account): Promise<Cluster> {
  const [data, passwordFile, log] = [join(folder, 'data'), join(folder, 'password'), join(folder, 'log')];
  mkdirSync(folder, { recursive: true });
  chownSync(folder, account.uid, account.gid);
  const password = randomBytes(18).toString('base64url');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  chownSync(passwordFile, account.uid, account.gid);
  const env = { ...process.env, LD_LIBRARY_PATH: postgres.libdir };
  const init = ['-D', data, '-U', 'postgres', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8', '--locale=C.UTF-8'];
  await must(join(postgres.bindir, 'initdb'), init, { cwd: folder, env, account, timeoutMs: START_TIMEOUT_MS });
  const port = await freePort();
  const settings = [`port = ${port}`, "listen_addresses = '127.0.0.1'", "unix_socket_directories = ''", 'fsync = off', ...SERVER_SETTINGS];
  appendFileSync(join(data, 'postgresql.conf'), `${settings.join('\n')}\n`);
  const output = openSync(log, 'a');
  // A shell waits for its input to close, which the kernel sees to when this process is gone.
  const script = '"$@" </dev/null 3<&- & server=$!; (cat <&3 >/dev/null; kill -INT $server) 3<&0 2>/dev/null & wait $server';
  const child = spawn('/bin/sh', ['-c', `exec 3<&0; ${script}`, 'conformance', join(postgres.bindir, 'postgres'), '-D', data], {
    cwd: folder,
    env,
    ...account,
    stdio: ['pipe', output, output],
    detached: true,
  });
  closeSync(output);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    child.stdin?.end();
    const timer = setTimeout(() => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(timer);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await makeDatabase({ port, password });
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, password, stop };
}

/** As the suite's own temporary installation has them. */
const SERVER_SETTINGS = ['max_prepared_transactions = 2', 'max_wal_size = 1GB', 'log_min_messages = fatal'];

async function makeDatabase(server: { port: number; password: string }): Promise<void> {
  const client = await connected(server);
  try {
    await client.query(`CREATE DATABASE ${DATABASE} TEMPLATE template0`);
    for (const [name, value] of Object.entries(DATABASE_SETTINGS))
      await client.query(`ALTER DATABASE ${DATABASE} SET ${name} TO ${pg.escapeLiteral(value)}`);
  } finally {
    await client.end();
  }
}

async function connected({ port, password }: { port: number; password: string }): Promise<pg.Client> {
  for (const until = Date.now() + START_TIMEOUT_MS; ; ) {
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', password, database: 'postgres' });
    try {
      await client.connect();
      return client;
    } catch (error) {
      if (Date.now() > until) throw new Error(`PostgreSQL did not start: ${error instanceof Error ? error.message : String(error)}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
