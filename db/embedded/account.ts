import { execFileSync, spawnSync } from 'node:child_process';

/** The operating system account that runs the server; PostgreSQL refuses to run as root. */
export interface Account {
  name: string;
  uid: number;
  gid: number;
}

/** Null when this process may run the server itself; as root, `postgres` if that account exists, else `nobody`. */
export function serverAccount(): Account | null {
  if (process.getuid?.() !== 0) return null;
  for (const name of ['postgres', 'nobody']) {
    const uid = numericId('-u', name);
    const gid = numericId('-g', name);
    if (uid !== null && gid !== null && uid !== 0) return { name, uid, gid };
  }
  throw new Error(
    'PostgreSQL does not run as root, and there is no account "postgres" or "nobody" to run it as; start as an ordinary user or set DATABASE_URL',
  );
}

function numericId(flag: '-u' | '-g', name: string): number | null {
  try {
    return Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch {
    return null;
  }
}

/** spawn's options for a command of the server: its account, and nothing of our environment but where programs are. */
export function asAccount(account: Account | null): { uid?: number; gid?: number; env: NodeJS.ProcessEnv; cwd: string } {
  const env = { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC', NODE_ENV: process.env.NODE_ENV };
  return account === null ? { env, cwd: '/' } : { uid: account.uid, gid: account.gid, env, cwd: '/' };
}

/** Whether the account can enter a directory: tried, because ancestors, ACLs and mounts all have a say. */
export function canEnter(account: Account | null, directory: string): boolean {
  return spawnSync('/bin/sh', ['-c', 'cd -- "$1"', 'sh', directory], { ...asAccount(account), stdio: 'ignore' }).status === 0;
}

/** Null when the account can run the program (found, readable libraries, no `noexec`), else what the system said. */
export function whyNotRunnable(account: Account | null, program: string): string | null {
  const tried = spawnSync(program, ['--version'], { ...asAccount(account), encoding: 'utf8' });
  if (tried.status === 0) return null;
  return (tried.error?.message ?? tried.stderr.trim()) || `exit code ${tried.status}`;
}
