import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { demoToken } from './api';
import { DEMO_AGENT, directSettings } from './clients';
import { sharedGateway } from './gateway';

const gateway = sharedGateway();
const folder = join(import.meta.dirname, 'debian');
const PGJDBC = '/usr/share/java/postgresql.jar';
// The system's own Python: Debian's packages are for it.
const PYTHON = '/usr/bin/python3';

interface Target {
  port: number;
  user: string;
  password: string;
}

const through: Target = { port: gateway.proxyPort, user: DEMO_AGENT, password: demoToken(gateway) };
/** The same database around the gateway, as the role the gateway uses. */
const direct: Target = {
  port: directSettings(gateway).port,
  user: 'shop_app',
  password: readFileSync(join(gateway.dataDir, 'shop-password'), 'utf8').trim(),
};

const hasModule = (name: string) => spawnSync(PYTHON, ['-c', `import ${name}`]).status === 0;
const hasJava = () => spawnSync('javac', ['-version']).status === 0 && existsSync(PGJDBC);

/** Everything a program prints; fails with it when the program does. */
function printed(command: string, args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC' } });
    let text = '';
    child.stdout.on('data', (chunk) => (text += chunk));
    child.stderr.on('data', (chunk) => (text += chunk));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(text) : reject(new Error(`${command} ended with ${code}:\n${text}`))));
  });
}

/** A driver's program says the same with and without the gateway, and went all the way. */
async function expectSame(run: (target: Target) => Promise<string>, steps: number): Promise<void> {
  const [mine, theirs] = await Promise.all([run(through), run(direct)]);
  expect(mine.split('\n')).toEqual(theirs.split('\n'));
  expect(mine.match(/^.*lives on .*1.*$/gm)).toHaveLength(steps);
}

const python = (program: string) => (target: Target) =>
  printed(PYTHON, [
    join(folder, program),
    `host=127.0.0.1 port=${target.port} dbname=shop user=${target.user} password=${target.password}`,
  ]);

async function pgjdbc(classes: string): Promise<(target: Target) => Promise<string>> {
  await printed('javac', ['-cp', PGJDBC, '-d', classes, join(folder, 'UsesPgjdbc.java')]);
  return (target) =>
    printed('java', [
      ...['-Xmx128m', '-XX:TieredStopAtLevel=1', '-Dfile.encoding=UTF-8', '-cp', `${PGJDBC}:${classes}`, 'UsesPgjdbc'],
      ...[`jdbc:postgresql://127.0.0.1:${target.port}/shop`, target.user, target.password],
    ]);
}

describe.skipIf(!hasModule('psycopg2'))('psycopg2 (needs the package python3-psycopg2)', () => {
  test('parameters, named cursor, COPY, savepoints, errors, cancel: as without the gateway', () =>
    expectSame(python('usesPsycopg2.py'), 1));
});

describe.skipIf(!hasModule('psycopg'))('psycopg 3 (needs the package python3-psycopg)', () => {
  test('types, prepared, server cursors, pipelines, binary COPY: as without the gateway', () => expectSame(python('usesPsycopg3.py'), 1));
});

describe.skipIf(!hasJava())('pgjdbc (needs the packages libpostgresql-jdbc-java and default-jdk-headless)', () => {
  test('query modes, text and binary, fetch size, batches, metadata: as without the gateway', async () => {
    const classes = mkdtempSync(join(tmpdir(), 'gatehouse-e2e-classes-'));
    try {
      await expectSame(await pgjdbc(classes), 3);
    } finally {
      rmSync(classes, { recursive: true, force: true });
    }
  }, 60_000);
});
