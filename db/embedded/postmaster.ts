import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { commandOf, isAlive, until } from './process';

/** postmaster.pid (PostgreSQL's own lock file): line 1 is the pid, line 4 the port, line 8 the state. */
export function readPostmaster(cluster: string): { pid: number; ready: boolean } | null {
  const path = join(cluster, 'postmaster.pid');
  if (!existsSync(path)) return null;
  let lines: string[];
  try {
    lines = readFileSync(path, 'utf8').split('\n');
  } catch {
    return null;
  }
  const pid = Number(lines[0]);
  return Number.isInteger(pid) && pid > 0 ? { pid, ready: lines[7]?.trim() === 'ready' } : null;
}

/**
 * Leaves nothing that keeps a new server from starting: stops one that outlived a killed start, and removes the lock file of one that is
 * gone where its pid now belongs to another program (PostgreSQL would take that program for a running server).
 */
export async function stopLeftover(cluster: string, log: (line: string) => void): Promise<void> {
  const left = readPostmaster(cluster);
  if (left === null || !isAlive(left.pid)) return;
  if (!isServerOf(cluster, left.pid)) {
    rmSync(join(cluster, 'postmaster.pid'), { force: true });
    return;
  }
  log(`stopping a PostgreSQL (process ${left.pid}) that an earlier start left running`);
  await stopServer(left.pid);
}

function isServerOf(cluster: string, pid: number): boolean {
  const command = commandOf(pid);
  return command?.includes(cluster) === true && command.includes('postgres');
}

/** Fast shutdown (rolls back what is open, writes a checkpoint), then immediate, then kill: postgres(1), pg_ctl(1). */
export async function stopServer(pid: number): Promise<void> {
  for (const [signal, withinMs] of [
    ['SIGINT', 15_000],
    ['SIGQUIT', 5_000],
    ['SIGKILL', 2_000],
  ] as const) {
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    if (await until(() => !isAlive(pid), withinMs)) return;
  }
  throw new Error(`PostgreSQL (process ${pid}) does not stop`);
}
