import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { createServer } from 'node:net';
import { type Account, asAccount } from './account';
import { readPostmaster, stopServer } from './postmaster';
import { until } from './process';

export interface RunningServer {
  pid: number;
  /** Resolves when the server is gone, however it went. */
  exited: Promise<void>;
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
const LOG_LIMIT_BYTES = 5_000_000;

/**
 * Runs "$@" and stops it (SIGINT: fast shutdown) when stdin ends, which is when this Node process is gone, kill -9 included.
 * Its first line of output is the server's pid.
 */
const WRAPPER = `
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
echo "$server"
( cat <&3 >/dev/null; kill -INT "$server" ) 2>/dev/null &
watcher=$!
exec 3<&-
wait "$server"
code=$?
kill "$watcher" 2>/dev/null
exit "$code"
`;

/** Starts postgres on a port of 127.0.0.1 and waits until it accepts connections. Throws with the end of its log when it does not. */
export async function runServer(options: {
  postgres: string;
  cluster: string;
  port: number;
  account: Account | null;
  logFile: string;
  settings: Record<string, string>;
}): Promise<RunningServer> {
  const settings = {
    listen_addresses: HOST,
    port: String(options.port),
    unix_socket_directories: '',
    max_connections: '200',
    // Errors stay out of the log: their text and the statement's can hold what is masked for everyone else.
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_checkpoints: 'off',
    ...options.settings,
  };
  const args = ['-D', options.cluster, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  const startOffset = shorten(options.logFile);
  const log = openSync(options.logFile, 'a', 0o600);
  // Its own process group: Ctrl-C reaches us, and we stop the server when nothing needs it any more.
  const child = spawn('/bin/sh', ['-c', WRAPPER, 'gatehouse-postgresql', options.postgres, ...args], {
    ...asAccount(options.account),
    detached: true,
    stdio: ['pipe', 'pipe', log],
  });
  closeSync(log);
  child.stdin?.on('error', () => undefined);
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  let gone = false;
  void exited.then(() => {
    gone = true;
  });

  const pid = await firstLine(child, exited);
  const isReady = () => {
    const postmaster = readPostmaster(options.cluster);
    return postmaster?.pid === pid && postmaster.ready;
  };
  // Recovery after a crash replays the log first, and that may take its time.
  await until(() => gone || isReady(), 120_000, 10);
  if (gone || !isReady()) {
    child.stdin?.end();
    throw new Error(`PostgreSQL did not start:\n${readFileSync(options.logFile, 'utf8').slice(startOffset).slice(-3_000).trim()}`);
  }
  child.unref();
  for (const stream of [child.stdin, child.stdout]) (stream as { unref?: () => void } | null)?.unref?.();
  return {
    pid,
    exited,
    async stop() {
      if (!gone) await stopServer(pid);
      child.stdin?.end();
      await exited;
    },
  };
}

function firstLine(child: ChildProcess, exited: Promise<void>): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('\n')) resolve(Number(text.split('\n')[0]));
    });
    child.once('error', reject);
    void exited.then(() => reject(new Error('PostgreSQL could not be started: /bin/sh ended at once')));
  });
}

/** Empties a log that has grown large; returns where this start's lines begin. */
function shorten(logFile: string): number {
  const sizeBytes = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0;
  if (sizeBytes <= LOG_LIMIT_BYTES) return sizeBytes;
  truncateSync(logFile);
  return 0;
}

/** The wanted port if it is free on loopback, else one the system picks. */
export async function freePort(wanted: number | null): Promise<number> {
  return (wanted === null ? null : await tryPort(wanted)) ?? (await tryPort(0)) ?? Promise.reject(new Error('no free port on 127.0.0.1'));
}

function tryPort(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen({ port, host: HOST }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : null));
    });
  });
}
