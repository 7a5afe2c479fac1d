import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Account, asAccount } from './account';
import type { Binaries } from './binaries';

/** The superuser of the embedded cluster; no client of the gateway ever signs in as it. */
export const SUPERUSER = 'gatehouse';
const MAJOR_VERSION = '18';

/**
 * Makes the cluster if there is none. initdb works in a folder aside that is renamed when it is whole, so a cluster that exists is complete
 * and one that was cut short is simply made again. Refuses a cluster of another major version.
 */
export async function makeCluster(options: {
  cluster: string;
  password: string;
  account: Account | null;
  binaries: Binaries;
  /** Skips fsync: for clusters that are thrown away. */
  fast: boolean;
}): Promise<void> {
  const { cluster, account } = options;
  if (existsSync(cluster)) return refuseOtherVersion(cluster);
  const aside = `${cluster}.partial`;
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside, { mode: 0o700 });
  if (account !== null) chownSync(aside, account.uid, account.gid);
  // initdb reads the password from a file that its account owns, and only while it runs.
  const passwordFile = `${aside}.password`;
  rmSync(passwordFile, { force: true });
  writeFileSync(passwordFile, `${options.password}\n`, { mode: 0o600, flag: 'wx' });
  if (account !== null) chownSync(passwordFile, account.uid, account.gid);
  try {
    await runInitdb(aside, passwordFile, options);
  } finally {
    rmSync(passwordFile, { force: true });
  }
  renameSync(aside, cluster);
}

function refuseOtherVersion(cluster: string): void {
  const version = readFileSync(join(cluster, 'PG_VERSION'), 'utf8').trim();
  if (version === MAJOR_VERSION) return;
  throw new Error(
    `${cluster} was made by PostgreSQL ${version} and this is ${MAJOR_VERSION}; dump it with that version, or choose another GATEHOUSE_DATA_DIR`,
  );
}

function runInitdb(
  aside: string,
  passwordFile: string,
  options: { account: Account | null; binaries: Binaries; fast: boolean },
): Promise<void> {
  const args = [
    ...['-D', aside, '-U', SUPERUSER, '--auth=scram-sha-256', '-E', 'UTF8', '--locale=C'],
    ...['--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
    `--pwfile=${passwordFile}`,
    ...(options.fast ? ['--no-sync'] : []),
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(options.binaries.initdb, args, { ...asAccount(options.account), stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-4_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`initdb failed (exit code ${code}):\n${output.trim()}`))));
  });
}

/** Reads the superuser's password from its 0600 file, making it the first time. */
export function superuserPassword(dataDir: string): string {
  return keptSecret(join(dataDir, 'postgres-password'), () => randomBytes(24).toString('base64url'));
}

/** A secret kept in a 0600 file, made once; the file appears whole, so a crash cannot leave half a secret. */
export function keptSecret(path: string, make: () => string): string {
  if (existsSync(path)) return readFileSync(path, 'utf8').trim();
  const secret = make();
  writePrivately(path, secret);
  return secret;
}

/** Replaces a file of mode 0600 in one step. */
export function writePrivately(path: string, text: string): void {
  const aside = join(dirname(path), `.${process.pid}.tmp`);
  writeFileSync(aside, `${text}\n`, { mode: 0o600 });
  chmodSync(aside, 0o600);
  renameSync(aside, path);
}
