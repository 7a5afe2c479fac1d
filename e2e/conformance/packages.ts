import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { command, must } from './command';

/** PostgreSQL of one version: its binaries, its headers and the source of its tests. */
export interface Installation {
  version: string;
  bindir: string;
  pkglibdir: string;
  libdir: string;
  includedir: string;
  includedirServer: string;
  pgRegress: string;
  /** The unpacked source tree. */
  source: string;
}

const RUN_TIMEOUT_MS = 600_000;
const APT_SOURCES = '/etc/apt';
/** What the unpacked binaries need around them, and what compiles the two test modules. */
const NEEDED = ['postgresql-15', 'gcc', 'libc6-dev', 'dpkg-dev'];
const UNPACKED = ['postgresql-15', 'postgresql-client-15', 'postgresql-server-dev-15', 'libpq5', 'libpq-dev'];

/**
 * Debian's PostgreSQL 15 in `folder`: source and binaries of one version, the newest of which the mirror has both. The machine's own
 * list of sources is only read (apt works with a copy in which deb-src is on) and packages it has are neither changed nor upgraded;
 * those that are missing are installed. Done once per folder.
 */
export async function fetchPostgres(folder: string, say: (line: string) => void): Promise<Installation> {
  const done = join(folder, 'version');
  if (!existsSync(done)) {
    mkdirSync(folder, { recursive: true });
    const version = await fetchInto(folder, say);
    writeFileSync(done, `${version}\n`);
  }
  return describe(folder, readFileSync(done, 'utf8').trim());
}

async function fetchInto(folder: string, say: (line: string) => void): Promise<string> {
  const options = aptOptions(join(folder, 'apt'));
  say('reading the package lists');
  const update = await command('apt-get', [...options, '-q', 'update'], { timeoutMs: RUN_TIMEOUT_MS });
  if (update.code !== 0) say(`apt-get update ended with ${update.code}; going on with what it read`);
  await installMissing(options, say);
  const described = await must('apt-cache', [...options, 'showsrc', '--only-source', 'postgresql-15'], { timeoutMs: RUN_TIMEOUT_MS });
  const versions = [...new Set([...described.matchAll(/^Version: (\S+)$/gm)].map((match) => match[1] ?? ''))].sort(newestFirst);
  for (const version of versions) {
    if (await fetchVersion(folder, options, version)) {
      say(`PostgreSQL ${version}`);
      return version;
    }
    say(`PostgreSQL ${version} is listed, but the mirror does not have all of it`);
  }
  throw new Error(
    'no version of postgresql-15 whose source and packages can be downloaded; do the apt sources of this machine offer Debian 12?',
  );
}

/** A copy of the machine's sources with deb-src on, and lists and cache beside it. */
function aptOptions(folder: string): string[] {
  const [parts, lists, cache] = [join(folder, 'sources'), join(folder, 'lists'), join(folder, 'cache')];
  for (const path of [parts, join(lists, 'partial'), join(cache, 'archives', 'partial')]) mkdirSync(path, { recursive: true });
  const found = [join(APT_SOURCES, 'sources.list'), ...inFolder(join(APT_SOURCES, 'sources.list.d'))].filter((path) => existsSync(path));
  for (const path of found) {
    if (path.endsWith('.sources'))
      writeFileSync(join(parts, basename(path)), readFileSync(path, 'utf8').replace(/^Types:.*$/gim, 'Types: deb deb-src'));
    if (path.endsWith('.list')) writeFileSync(join(parts, basename(path)), withSources(readFileSync(path, 'utf8')));
  }
  return [
    ...['-o', 'Dir::Etc::SourceList=/dev/null', '-o', `Dir::Etc::SourceParts=${parts}`],
    ...['-o', `Dir::State::Lists=${lists}`, '-o', `Dir::Cache=${cache}`, '-o', 'APT::Sandbox::User=root'],
  ];
}

function inFolder(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}

/** One-line style: every `deb` line again as `deb-src`. */
function withSources(list: string): string {
  const lines = list.split('\n').filter((line) => /^deb\s/.test(line));
  return [...lines, ...lines.map((line) => line.replace(/^deb/, 'deb-src')), ''].join('\n');
}

async function installMissing(options: readonly string[], say: (line: string) => void): Promise<void> {
  const missing: string[] = [];
  for (const name of NEEDED) {
    const status = await command('dpkg-query', ['-s', name], { timeoutMs: RUN_TIMEOUT_MS });
    if (!/^Status: install ok installed$/m.test(status.stdout)) missing.push(name);
  }
  if (missing.length === 0) return;
  say(`installing ${missing.join(', ')}`);
  await must('apt-get', [...options, 'install', '-y', '-q', '--no-install-recommends', '--no-upgrade', ...missing], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeoutMs: RUN_TIMEOUT_MS,
  });
}

async function fetchVersion(folder: string, options: readonly string[], version: string): Promise<boolean> {
  const [downloads, root, source] = [join(folder, 'downloads'), join(folder, 'root'), join(folder, 'source')];
  for (const path of [downloads, root, source]) rmSync(path, { recursive: true, force: true });
  for (const path of [downloads, root]) mkdirSync(path, { recursive: true });
  const here = { cwd: downloads, timeoutMs: RUN_TIMEOUT_MS };
  const tree = await command('apt-get', [...options, 'source', '-q', '--download-only', '--only-source', `postgresql-15=${version}`], here);
  if (tree.code !== 0) return false;
  const packages = await command('apt-get', [...options, 'download', '-q', ...UNPACKED.map((name) => `${name}=${version}`)], here);
  if (packages.code !== 0) return false;
  const files = readdirSync(downloads);
  for (const name of files.filter((file) => file.endsWith('.deb'))) await must('dpkg-deb', ['-x', name, root], here);
  const description = files.find((file) => file.endsWith('.dsc'));
  if (description === undefined) return false;
  await must('dpkg-source', ['--no-check', '-x', description, source], here);
  await must('chmod', ['-R', 'a+rX', root, source], here);
  rmSync(downloads, { recursive: true });
  return true;
}

/** PostgreSQL finds its own files from where its programs are. */
async function describe(folder: string, version: string): Promise<Installation> {
  const bindir = join(folder, 'root/usr/lib/postgresql/15/bin');
  const ask = async (what: string) => (await must(join(bindir, 'pg_config'), [`--${what}`], { timeoutMs: RUN_TIMEOUT_MS })).trim();
  const pkglibdir = await ask('pkglibdir');
  return {
    version,
    bindir,
    pkglibdir,
    libdir: await ask('libdir'),
    includedir: await ask('includedir'),
    includedirServer: await ask('includedir-server'),
    pgRegress: join(pkglibdir, 'pgxs/src/test/regress/pg_regress'),
    source: join(folder, 'source'),
  };
}

function newestFirst(a: string, b: string): number {
  return b.localeCompare(a, 'en', { numeric: true });
}
