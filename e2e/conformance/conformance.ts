import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { makeDataDir, removeDataDir, startGateway } from '../gateway';
import { startCluster } from './cluster';
import { type Account, endRunning, must } from './command';
import { compileModules } from './modules';
import { fetchPostgres } from './packages';
import { runPipeline } from './pipeline';
import { allowAll } from './policy';
import { type RegressRun, runRegress, type Suite, type Target } from './regress';
import { compare, passes, type Results, readKnown, table } from './results';

/**
 * PostgreSQL's own regression suite and libpq_pipeline, direct and through the gateway with everything allowed.
 *
 *   npm run test:conformance -- [--packages FOLDER] [--results FOLDER] [--no-direct] [FILE …]
 *
 * docs/conformance.md says what it needs and what its results mean. The last line is `N passed, N failed`.
 */
const MUST_PASS_THROUGH = 203;

const { values, positionals } = parseArgs({
  options: {
    /** Where PostgreSQL is kept for the next run; taken anew when absent. */
    packages: { type: 'string' },
    results: { type: 'string' },
    /** Only through the gateway, while one cause is looked into. */
    'no-direct': { type: 'boolean', default: false },
  },
  allowPositionals: true,
});

if (process.getuid?.() !== 0) {
  console.error('Run this as root: it installs what is missing of Debian packages and runs PostgreSQL as user postgres.');
  process.exit(2);
}
const work = mkdtempSync(join(tmpdir(), 'gatehouse-conformance-'));
// Users postgres and nobody else's secrets: the passwords below are readable by their account alone.
chmodSync(work, 0o711);
const results = resolve(values.results ?? `${work}-results`);
mkdirSync(results, { recursive: true });
const startedMs = performance.now();
const say = (line: string) => console.log(`[${((performance.now() - startedMs) / 1000).toFixed(0).padStart(4)} s] ${line}`);

/** What has to be stopped, the newest first. */
const stops: (() => Promise<unknown> | unknown)[] = [() => rmSync(work, { recursive: true, force: true, maxRetries: 5 })];
let stopping: Promise<void> | undefined;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (stopping !== undefined) return;
    console.log(`\n${signal}: stopping what was started`);
    endRunning();
    void stopAll().finally(() => process.exit(130));
  });
}

try {
  await main();
} catch (error) {
  if (stopping === undefined) {
    console.error(error instanceof Error ? error.message : error);
    console.log('0 passed, 1 failed');
    process.exitCode = 1;
  }
} finally {
  await stopAll();
}

async function main(): Promise<void> {
  const postgres = await fetchPostgres(resolve(values.packages ?? join(work, 'packages')), say);
  const modules = await compileModules(postgres, join(work, 'modules'));
  const suite: Suite = { postgres, modules, account: await postgresAccount(), only: positionals, say };

  const direct = values['no-direct'] ? null : await oneRun(suite, 'direct');
  const through = await oneRun(suite, 'through');
  report(direct, through);
}

interface Run {
  regress: RegressRun;
  pipeline: Results;
}

/** One of the two runs, on a cluster of its own. */
async function oneRun(suite: Suite, name: Target['name']): Promise<Run> {
  const mark = stops.length;
  const cluster = await startCluster(suite.postgres, join(work, `cluster-${name}`), suite.account);
  stops.push(cluster.stop);
  const target: Target = name === 'direct' ? { name, port: cluster.port, password: cluster.password } : await gatewayTo(cluster);
  say(`${name}: running the regression suite`);
  const regress = await runRegress(suite, target, join(results, name));
  const pipeline = suite.only.length > 0 ? new Map() : await runPipeline(suite, target, join(results, `${name}-libpq_pipeline`));
  const good = [...regress.results.values()].filter(passes).length;
  say(`${name}: ${good} of ${regress.results.size} files pass in ${regress.seconds.toFixed(0)} s${regress.timedOut ? ' (cut short)' : ''}`);
  for (const stop of stops.splice(mark).reverse()) await stop();
  return { regress, pipeline };
}

async function gatewayTo(cluster: Parameters<typeof allowAll>[1]): Promise<Target> {
  say('starting the gateway');
  const dataDir = makeDataDir();
  stops.push(() => removeDataDir(dataDir));
  const gateway = await startGateway({ dataDir, log: join(results, 'gateway.log'), timeoutMs: 300_000 });
  stops.push(() => gateway.stop());
  const password = await allowAll(gateway, cluster, join(work, 'policy.yaml'));
  return { name: 'through', port: gateway.proxyPort, password };
}

function report(direct: Run | null, through: Run): void {
  const known = readKnown(readFileSync('docs/conformance.md', 'utf8'));
  const all = (run: Run): Results => new Map([...run.regress.results, ...run.pipeline]);
  const seen = all(through);
  // Without a direct run every file is expected to pass.
  const reference: Results = direct === null ? new Map([...seen.keys()].map((name) => [name, 'ok'])) : all(direct);
  const verdict = compare(reference, seen, known);
  const rows = table(reference, seen, known);
  writeFileSync(join(results, 'table.txt'), `${rows.join('\n')}\n`);
  console.log(`\n${rows.slice(0, 1 + reference.size - bothPass(reference, seen)).join('\n')}`);
  console.log(`${bothPass(reference, seen)} of ${reference.size} pass direct and through; the whole table: ${join(results, 'table.txt')}`);
  for (const name of verdict.outdated) console.log(`docs/conformance.md lists ${name}, which passes: take it out`);
  if (direct !== null) {
    const factor = through.regress.seconds / direct.regress.seconds;
    console.log(
      `direct ${direct.regress.seconds.toFixed(0)} s, through ${through.regress.seconds.toFixed(0)} s (${factor.toFixed(1)} times)`,
    );
  }
  const failed = [...verdict.failed];
  const good = [...through.regress.results.values()].filter(passes).length;
  if (positionals.length === 0 && good < MUST_PASS_THROUGH) {
    failed.push(`${good} files pass through the gateway, fewer than ${MUST_PASS_THROUGH}`);
  }
  console.log(`differences and logs: ${results}`);
  for (const name of failed) console.log(`failed: ${name}`);
  console.log(`${verdict.passed.length + verdict.known.length} passed, ${failed.length} failed`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}

function bothPass(direct: Results, through: Results): number {
  return [...direct].filter(([name, outcome]) => passes(outcome) && passes(through.get(name))).length;
}

async function postgresAccount(): Promise<Account> {
  const id = async (flag: string) => Number((await must('id', [flag, 'postgres'], { timeoutMs: 10_000 })).trim());
  return { uid: await id('-u'), gid: await id('-g') };
}

function stopAll(): Promise<void> {
  stopping ??= (async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  })();
  return stopping;
}
