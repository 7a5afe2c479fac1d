import { spawn } from 'node:child_process';

export interface CommandOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** The account it runs as; the caller's own when absent. */
  account?: Account;
  /** After this it is ended with everything it started. */
  timeoutMs: number;
  /** Each whole line of stdout as it comes. */
  onLine?: (line: string) => void;
}

export interface Account {
  uid: number;
  gid: number;
}

export interface Finished {
  /** Null when a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
  timedOut: boolean;
}

/** Groups that run now, for Ctrl-C. */
const running = new Set<number>();

/** Runs one command in a process group of its own, bounded in time. Rejects only when it cannot be started. */
export function command(program: string, args: readonly string[], options: CommandOptions): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: options.env ?? process.env,
      ...(options.account ?? {}),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const { pid } = child;
    if (pid !== undefined) running.add(pid);
    let [stdout, stderr, unfinished, timedOut] = ['', '', '', false];
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk;
      const lines = (unfinished + chunk).split('\n');
      unfinished = lines.pop() ?? '';
      for (const line of lines) options.onLine?.(line);
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    const timer = setTimeout(() => {
      timedOut = true;
      if (pid !== undefined) signalGroup(pid, 'SIGKILL');
    }, options.timeoutMs);
    child.on('error', (error) => {
      clearTimeout(timer);
      if (pid !== undefined) running.delete(pid);
      reject(error);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      if (pid !== undefined) running.delete(pid);
      resolve({ code, stdout, stderr, timedOut });
    });
  });
}

/** The same where anything but success means that there is nothing to go on with. */
export async function must(program: string, args: readonly string[], options: CommandOptions): Promise<string> {
  const { code, stdout, stderr, timedOut } = await command(program, args, options);
  if (code === 0) return stdout;
  const why = timedOut ? `did not end within ${options.timeoutMs / 1000} s` : `ended with ${code}`;
  const tail = (stderr || stdout).trim().split('\n').slice(-12).join('\n');
  throw new Error(`${[program, ...args].join(' ')} ${why}\n${tail}`);
}

/** Ends what runs now; what it started ends with it. */
export function endRunning(): void {
  for (const pid of running) signalGroup(pid, 'SIGKILL');
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // Already gone.
  }
}
