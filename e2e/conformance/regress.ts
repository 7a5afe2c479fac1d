import { chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DATABASE } from './cluster';
import { type Account, command } from './command';
import type { TestModules } from './modules';
import type { Installation } from './packages';
import { type Results, readResultLine, splitDiffs } from './results';

/** Where one of the two runs connects: the server itself, or the gateway in front of it. */
export interface Target {
  name: 'direct' | 'through';
  port: number;
  /** The role's password, or the principal's access token. */
  password: string;
}

const TIMEOUT_MS: Readonly<Record<Target['name'], number>> = { direct: 900_000, through: 2_400_000 };

export interface RegressRun {
  results: Results;
  seconds: number;
  timedOut: boolean;
}

export interface Suite {
  postgres: Installation;
  modules: TestModules;
  account: Account;
  /** Files to run behind test_setup; every one of the schedule when empty. */
  only: readonly string[];
  say(line: string): void;
}

/** Runs pg_regress against a target; what it wrote is left in `folder`, one `NAME.diff` for each file that differs. */
export async function runRegress(suite: Suite, target: Target, folder: string): Promise<RegressRun> {
  const { postgres, modules, account, only } = suite;
  mkdirSync(folder, { recursive: true });
  chownSync(folder, account.uid, account.gid);
  const tests = join(postgres.source, 'src/test/regress');
  const schedule = join(tests, 'parallel_schedule');
  const files =
    only.length > 0 ? ['test_setup', ...only.filter((name) => name !== 'test_setup')] : scheduled(readFileSync(schedule, 'utf8'));
  const results: Results = new Map();
  const startedMs = performance.now();
  const finished = await command(
    postgres.pgRegress,
    [
      ...['--use-existing', '--max-connections=4', `--bindir=${postgres.bindir}`, `--dlpath=${modules.dlpath}`],
      ...[`--inputdir=${tests}`, `--outputdir=${folder}`, '--host=127.0.0.1', `--port=${target.port}`, '--user=postgres'],
      ...[`--dbname=${DATABASE}`, ...(only.length > 0 ? files : [`--schedule=${schedule}`])],
    ],
    {
      cwd: folder,
      env: clientEnv(postgres, target),
      account,
      timeoutMs: TIMEOUT_MS[target.name],
      onLine(line) {
        const result = readResultLine(line);
        if (result === null) return;
        results.set(result.name, result.outcome);
        suite.say(`${target.name} ${results.size}/${files.length} ${result.name} ${result.outcome} ${result.ms} ms`);
      },
    },
  );
  writeFileSync(join(folder, 'pg_regress.log'), finished.stdout + finished.stderr);
  // What was not reached has not passed.
  for (const name of files) if (!results.has(name)) results.set(name, 'not run');
  const diffs = join(folder, 'regression.diffs');
  if (existsSync(diffs)) {
    for (const [name, diff] of splitDiffs(readFileSync(diffs, 'utf8'))) writeFileSync(join(folder, `${name}.diff`), diff);
  }
  if (results.size > 0 && [...results.values()].every((outcome) => outcome === 'not run')) {
    throw new Error(`pg_regress ran no file ${target.name}: ${(finished.stderr || finished.stdout).trim().slice(-500)}`);
  }
  return { results, seconds: (performance.now() - startedMs) / 1000, timedOut: finished.timedOut };
}

/** The files of a schedule, in its order. */
export function scheduled(schedule: string): string[] {
  return [...schedule.matchAll(/^test:\s*(.+)$/gm)].flatMap((match) => (match[1] ?? '').trim().split(/\s+/));
}

/** libpq takes settings from the environment: a developer's own must not reach the suite. */
export function clientEnv(postgres: Installation, target: Target): NodeJS.ProcessEnv {
  const ours = Object.entries(process.env).filter(([name]) => !/^(PG[A-Z]+|LC_[A-Z]+|LANG|LANGUAGE)$/.test(name));
  return {
    ...(Object.fromEntries(ours) as NodeJS.ProcessEnv),
    LD_LIBRARY_PATH: postgres.libdir,
    PGPASSWORD: target.password,
    // Both runs in plain text on loopback: TLS is tested elsewhere.
    PGSSLMODE: 'disable',
  };
}
