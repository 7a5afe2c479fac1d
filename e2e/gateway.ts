import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a person reads off the terminal of a started gateway, and where its files are. Plain data: it is handed to the test processes. */
export interface Gateway {
  consoleUrl: string;
  /** The one-time sign-in link. */
  link: string;
  /** The printed line that connects the demo agent. */
  psqlLine: string;
  proxyPort: number;
  dataDir: string;
  /** stdout and stderr of the whole process tree. */
  logFile: string;
  /** From the command to the printed lines. */
  readyMs: number;
  pid: number;
}

export interface RunningGateway extends Gateway {
  output(): string;
  /** Ctrl-C; resolves with the exit code when the process is gone. Removes the data directory if startGateway made it. */
  stop(signal?: 'SIGINT' | 'SIGTERM'): Promise<number | null>;
  /** kill -9 of the main process; what it started has to notice by itself. */
  killHard(): Promise<void>;
}

interface StartOptions {
  root?: string;
  /** Kept by the caller; made and removed here when absent. */
  dataDir?: string;
  log?: string;
  args?: string[];
  env?: Record<string, string>;
  proxyPort?: number;
  timeoutMs?: number;
}

const READY_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 20_000;

/** Starts a real gateway the way `npm start` does, on free ports, and waits until it has printed its sign-in link and psql line. */
export async function startGateway(options: StartOptions = {}): Promise<RunningGateway> {
  const root = options.root ?? process.cwd();
  const dataDir = options.dataDir ?? makeDataDir();
  const logFile = options.log ?? `${dataDir}.log`;
  const port = await freePort();
  const proxyPort = options.proxyPort ?? (await freePort());
  const startedAt = performance.now();
  // A file and not a pipe: what outlives the main process keeps writing, and is seen.
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, ['bin/start.mjs', ...(options.args ?? [])], {
    cwd: root,
    env: { ...inheritedEnv(), PORT: String(port), PROXY_PORT: String(proxyPort), GATEHOUSE_DATA_DIR: dataDir, ...options.env },
    stdio: ['ignore', log, log],
    // Its own process group: a Ctrl-C for the test runner must reach it through stop() alone.
    detached: true,
  });
  closeSync(log);
  stopWithUs(child);
  const output = () => readFileSync(logFile, 'utf8');
  const exited = new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null));
    child.once('exit', (code) => resolve(code));
  });
  const removeAfter = options.dataDir === undefined;
  const stop = async (signal: 'SIGINT' | 'SIGTERM' = 'SIGINT') => {
    const code = await end(child, exited, signal);
    if (removeAfter) removeDataDir(dataDir);
    if (options.log === undefined) rmSync(logFile, { force: true });
    return code;
  };
  try {
    const printed = await waitForLines(
      // A gateway on a store of others has no demo, and so no line for it.
      () => (options.env?.DATABASE_URL === undefined ? output() : `${output()}\npsql "no demo"\n`),
      logFile,
      exited,
      options.timeoutMs ?? READY_TIMEOUT_MS,
    );
    return {
      ...printed,
      proxyPort,
      dataDir,
      logFile,
      readyMs: performance.now() - startedAt,
      pid: child.pid ?? 0,
      output,
      stop,
      async killHard() {
        child.kill('SIGKILL');
        await exited;
      },
    };
  } catch (error) {
    const tail = output().split('\n').slice(-30).join('\n');
    await stop();
    throw new Error(`the gateway did not start: ${(error as Error).message}\n${tail}`);
  }
}

/**
 * Ends the gateway when this process is gone, however it went: a shell waits for its input to close, which the kernel sees to.
 * A gateway that does not stop by itself within the time is killed with its group.
 */
function stopWithUs(child: ChildProcess): void {
  if (child.pid === undefined) return;
  const script = `cat >/dev/null; kill -INT "$1" 2>/dev/null || exit; sleep ${STOP_TIMEOUT_MS / 1000}; kill -KILL "-$1" 2>/dev/null`;
  const watcher = spawn('/bin/sh', ['-c', script, 'gatehouse-test-watch', String(child.pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watcher.unref();
  (watcher.stdin as unknown as { unref(): void }).unref();
  child.once('exit', () => watcher.kill('SIGKILL'));
}

async function end(child: ChildProcess, exited: Promise<number | null>, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  child.kill(signal);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    killGroup(child.pid);
  }, STOP_TIMEOUT_MS);
  const code = await exited;
  clearTimeout(timer);
  if (late) throw new Error(`the gateway did not stop within ${STOP_TIMEOUT_MS / 1000} s of ${signal}`);
  return code;
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Already gone.
  }
}

async function waitForLines(
  output: () => string,
  logFile: string,
  exited: Promise<number | null>,
  timeoutMs: number,
): Promise<Pick<Gateway, 'consoleUrl' | 'link' | 'psqlLine'>> {
  let gone: string | undefined;
  void exited.then((code) => {
    gone = `it ended with exit code ${code}`;
  });
  for (const until = Date.now() + timeoutMs; Date.now() < until; ) {
    const printed = existsSync(logFile) ? readBanner(output()) : undefined;
    if (printed !== undefined && (await answers(`${printed.consoleUrl}/readyz`))) return printed;
    if (gone !== undefined) throw new Error(gone);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no sign-in link, psql line and ready answer within ${timeoutMs / 1000} s`);
}

/** The sign-in link and the psql line of the last start in this output; undefined until both are there. */
export function readBanner(output: string): Pick<Gateway, 'consoleUrl' | 'link' | 'psqlLine'> | undefined {
  const link = output.match(/https?:\/\/\S+\/sign-in\?link=gh_ln_[\w-]+/g)?.at(-1);
  const psqlLine = output
    .split('\n')
    .filter((line) => /\bpsql\s+['"]/.test(line))
    .at(-1)
    ?.replace(/^.*?((?:PGPASSWORD=\S+\s+)?psql\s)/, '$1')
    .trim();
  if (link === undefined || psqlLine === undefined) return undefined;
  return { consoleUrl: new URL(link).origin, link, psqlLine };
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}

/** A temporary data directory that the embedded PostgreSQL's own account can pass through when the tests run as root. */
export function makeDataDir(): string {
  const dataDir = mkdtempSync(join(tmpdir(), 'gatehouse-e2e-'));
  if (process.getuid?.() === 0) chmodSync(dataDir, 0o711);
  return dataDir;
}

export function removeDataDir(dataDir: string): void {
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
}

/** A developer's own settings must not reach the gateway under test. */
function inheritedEnv(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: 'production' };
  for (const name of Object.keys(env)) {
    if (/^(?:GATEHOUSE_|PROXY_|PG[A-Z]+$|DATABASE_URL$|NEXTAUTH_|VITEST|TEST$|CONSOLE_URL$|HOST$)/.test(name)) delete env[name];
  }
  return env;
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (address !== null && typeof address === 'object' ? resolve(address.port) : reject(new Error('no free port'))));
    });
  });
}

/** Writes what the test processes need to find the one gateway of this run. Returns the path, for GATEHOUSE_E2E. */
export function writeState(gateway: Gateway, path: string): string {
  const { consoleUrl, link, psqlLine, proxyPort, dataDir, logFile, readyMs, pid } = gateway;
  writeFileSync(path, JSON.stringify({ consoleUrl, link, psqlLine, proxyPort, dataDir, logFile, readyMs, pid }), { mode: 0o600 });
  return path;
}

/** The gateway that bin/test.mjs, or the runner's own set-up, started. */
export function sharedGateway(): Gateway {
  const path = process.env.GATEHOUSE_E2E;
  if (path === undefined) throw new Error('GATEHOUSE_E2E is unset: the set-up of e2e/ did not run');
  return JSON.parse(readFileSync(path, 'utf8')) as Gateway;
}
