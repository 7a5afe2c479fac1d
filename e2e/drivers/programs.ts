import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { linesOfPsql } from './compare';
import { runNodePostgres } from './programs/nodePostgres';
import { runPostgresJs } from './programs/postgresJs';
import type { Target } from './target';

/** A driver and the program that uses it. */
interface Program {
  driver: string;
  /** Debian packages it needs; none for what npm brings. */
  packages: string;
  installed(): boolean;
  /** Compiles it into a folder of this run. */
  compile?(folder: string): Promise<unknown>;
  /** Its lines; throws with what it wrote to its error output when it ends badly. */
  run(target: Target, folder: string): Promise<string[]>;
  /** Every step it has to say something in, in order. */
  steps: string[];
  /** Whether it is also run over TLS. */
  tls?: boolean;
}

const source = (name: string) => join(import.meta.dirname, 'programs', name);
const PGJDBC = '/usr/share/java/postgresql.jar';
// The system's own: Debian's packages are for them.
const [PYTHON, RUBY, PERL, PHP] = ['/usr/bin/python3', '/usr/bin/ruby', '/usr/bin/perl', '/usr/bin/php'];

const runs = (command: string, ...args: string[]) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;
const LARGE_OBJECTS = ['large object by SQL', 'large object by driver'];
const TEXT_AND_BINARY = ['types text', 'parameters text', 'types binary', 'parameters binary'];

export const PROGRAMS: Program[] = [
  {
    driver: 'psql',
    packages: 'postgresql-client',
    installed: () => runs('psql', '--version'),
    // What it writes to its error output stands between the lines of its output, where it belongs.
    run: async (target, folder) =>
      linesOfPsql(await printed('/bin/sh', ['-c', `exec psql -X -f '${source('psql.sql')}' 2>&1`], target, folder)),
    steps: [
      ...['parameter status', 'types text', 'describe', 'results', 'copy', 'notices', 'notify', ...LARGE_OBJECTS, 'errors', 'transactions'],
      ...['cursors', 'prepared', 'cancel', 'reconnect'],
    ],
    tls: true,
  },
  {
    driver: 'libpq',
    packages: 'libpq-dev gcc',
    installed: () => runs('gcc', '--version') && runs('pg_config', '--version') && existsSync(pgConfig('--includedir') ?? ''),
    compile: (folder) =>
      ended('gcc', ['-Wall', '-Werror', `-I${pgConfig('--includedir')}`, '-o', join(folder, 'usesLibpq'), source('libpq.c'), '-lpq']),
    run: (target, folder) => linesOf(join(folder, 'usesLibpq'), [], target, folder),
    steps: [
      ...['transport', 'parameter status', 'types text', 'types binary', 'parameters text', 'parameters binary', 'prepared', 'empty query'],
      ...[
        'several statements',
        'single rows',
        'copy text',
        'copy csv',
        'copy binary',
        'copy errors',
        'cancel',
        'cancel after DDL',
        'notices',
      ],
      ...[
        'notify',
        'pid of a notification',
        ...LARGE_OBJECTS,
        'errors',
        'transactions',
        'cursors',
        'pipeline',
        '65535 parameters',
        'sizes',
      ],
      ...['reset', 'backend pid'],
    ],
    tls: true,
  },
  {
    driver: 'node-postgres',
    packages: '',
    installed: () => true,
    run: (target) => runNodePostgres(target),
    steps: [
      ...[
        'transport',
        ...TEXT_AND_BINARY,
        'values of JavaScript',
        'prepared',
        'empty query',
        'several statements',
        'copy',
        'cancel',
        'notices',
      ],
      ...['notify', 'large object by SQL', 'errors', 'transactions', 'cursors', '65535 parameters', 'sizes', 'backend pid'],
    ],
    tls: true,
  },
  {
    driver: 'postgres.js',
    packages: '',
    installed: () => true,
    run: (target) => runPostgresJs(target),
    steps: [
      'transport',
      ...['prepare', 'no prepare'].flatMap((way) =>
        [
          ...['parameter status', 'types', 'parameters', 'prepared', 'pipeline', 'transactions', 'cursors', 'copy', 'cancel', 'notices'],
          ...['notify', ...LARGE_OBJECTS, 'errors', 'empty query', 'several connections', '65533 parameters'],
        ].map((step) => `${way}: ${step}`),
      ),
    ],
  },
  {
    driver: 'psycopg2',
    packages: 'python3-psycopg2',
    installed: () => runs(PYTHON, '-c', 'import psycopg2'),
    run: (target, folder) => linesOf(PYTHON, [source('usesPsycopg2.py')], target, folder),
    steps: [
      ...[
        'transport',
        'parameter status',
        'types text',
        'parameters text',
        'prepared',
        'empty query',
        'copy',
        'cancel',
        'notices',
        'notify',
      ],
      ...[...LARGE_OBJECTS, 'errors', 'transactions', 'cursors', 'batches', 'backend pid'],
    ],
  },
  {
    driver: 'psycopg 3',
    packages: 'python3-psycopg',
    installed: () => runs(PYTHON, '-c', 'import psycopg'),
    run: (target, folder) => linesOf(PYTHON, [source('usesPsycopg3.py')], target, folder),
    steps: [
      ...['transport', 'parameter status', 'types text', 'types binary', 'parameters text', 'parameters binary', 'prepared', 'empty query'],
      ...[
        'copy',
        'cancel',
        'cancel, asynchronous',
        'notices',
        'notify',
        'large object by SQL',
        'errors',
        'transactions',
        'cursors',
        'batches',
      ],
      ...['pipeline', '65535 parameters', 'backend pid'],
    ],
    tls: true,
  },
  {
    driver: 'pgjdbc',
    packages: 'libpostgresql-jdbc-java default-jdk-headless',
    installed: () => runs('javac', '-version') && existsSync(PGJDBC),
    compile: (folder) => ended('javac', ['-nowarn', '-encoding', 'UTF-8', '-cp', PGJDBC, '-d', folder, source('UsesPgjdbc.java')]),
    run: (target, folder) => {
      const options = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-Dfile.encoding=UTF-8', '-Duser.timezone=UTC'];
      return linesOf('java', [...options, '-cp', `${PGJDBC}:${folder}`, 'UsesPgjdbc'], target, folder);
    },
    steps: ['binary', 'text', 'threshold', 'extended for prepared', 'cache everything', 'simple'].flatMap((way, i) => [
      ...['types', 'parameters', 'prepared', 'fetch size', 'batches', 'errors', 'transactions', 'empty query', 'notices'].map(
        (step) => `${way}: ${step}`,
      ),
      ...(i === 0
        ? ['transport', 'parameter status', 'copy', 'cancel', 'notify', ...LARGE_OBJECTS, '65535 parameters', 'metadata', 'backend pid']
        : []),
    ]),
    tls: true,
  },
  {
    driver: 'DBD::Pg',
    packages: 'libdbd-pg-perl',
    installed: () => runs(PERL, '-MDBD::Pg', '-e', '1'),
    run: (target, folder) => linesOf(PERL, [source('dbdPg.pl')], target, folder),
    steps: [
      ...[
        'transport',
        'parameter status',
        'types text',
        'parameters text',
        'prepared',
        'empty query',
        'copy',
        'cancel',
        'asynchronous',
        'notices',
      ],
      ...['notify', ...LARGE_OBJECTS, 'errors', 'transactions', 'cursors', 'batches', 'metadata', '8000 parameters', 'backend pid'],
    ],
  },
  {
    driver: 'ruby-pg',
    packages: 'ruby-pg',
    installed: () => runs(RUBY, '-e', 'require "pg"'),
    run: (target, folder) => linesOf(RUBY, [source('rubyPg.rb')], target, folder),
    steps: [
      ...[
        'transport',
        'parameter status',
        ...TEXT_AND_BINARY,
        'values of Ruby',
        'prepared',
        'empty query',
        'several statements',
        'single rows',
      ],
      ...[
        'copy',
        'cancel',
        'notices',
        'notify',
        'pid of a notification',
        ...LARGE_OBJECTS,
        'errors',
        'transactions',
        'cursors',
        'pipeline',
      ],
      ...['65535 parameters', 'reset', 'backend pid'],
    ],
  },
  {
    driver: 'PHP, pgsql and PDO',
    packages: 'php-cli php-pgsql',
    installed: () => runs(PHP, '-r', 'exit(extension_loaded("pgsql") && extension_loaded("pdo_pgsql") ? 0 : 1);'),
    run: (target, folder) => linesOf(PHP, [source('php.php')], target, folder),
    steps: [
      ...[
        'transport',
        'parameter status',
        'types text',
        'parameters text',
        'prepared',
        'empty query',
        'several statements',
        'copy',
        'cancel',
      ],
      ...[
        'notices',
        'notify',
        'pid of a notification',
        ...LARGE_OBJECTS,
        'errors',
        'transactions',
        'cursors',
        'convenience',
        '65535 parameters',
      ],
      ...['reset', 'backend pid'],
      ...['prepared', 'emulated', 'not prepared'].flatMap((way) =>
        ['types', 'parameters', 'repeated', 'errors', 'transactions', 'copy', 'notify', 'large object by driver', 'backend pid'].map(
          (step) => `PDO ${way}: ${step}`,
        ),
      ),
    ],
  },
];

function pgConfig(what: string): string | undefined {
  return spawnSync('pg_config', [what], { encoding: 'utf8' }).stdout?.trim();
}

async function linesOf(command: string, args: string[], target: Target, folder: string): Promise<string[]> {
  return (await printed(command, args, target, folder)).trimEnd().split('\n');
}

/** What a program prints when it is told by the environment where to sign in. */
function printed(command: string, args: string[], target: Target, folder: string): Promise<string> {
  return ended(command, args, folder, {
    PGHOST: target.host,
    PGPORT: String(target.port),
    PGDATABASE: target.database,
    PGUSER: target.user,
    PGPASSWORD: target.password,
    PGSSLMODE: target.tls ? 'require' : 'disable',
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
  });
}

/** Runs to the end and gives the output; an exit code other than 0 is an error with what was written to the error output. */
function ended(command: string, args: string[], cwd?: string, env: Record<string, string> = {}): Promise<string> {
  const ours = Object.entries(process.env).filter(([name]) => !/^PG[A-Z]+$/.test(name));
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      ...(cwd === undefined ? {} : { cwd }),
      env: { ...Object.fromEntries(ours), NODE_ENV: process.env.NODE_ENV, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
    });
    const out: Buffer[] = [];
    let errors = '';
    child.stdout.on('data', (chunk) => out.push(chunk));
    child.stderr.on('data', (chunk) => (errors += chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(out).toString());
      else reject(new Error(`${command} ended with ${code}:\n${errors}\nafter:\n${Buffer.concat(out).toString().slice(-500)}`));
    });
  });
}
