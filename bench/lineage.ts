import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { DATABASE, startCluster } from '../e2e/conformance/cluster';
import { type Account, endRunning, must } from '../e2e/conformance/command';
import { compileModules } from '../e2e/conformance/modules';
import { fetchPostgres } from '../e2e/conformance/packages';
import { runRegress } from '../e2e/conformance/regress';
import { loadCatalog } from '../proxy/catalog/load';
import { loadParser } from '../proxy/sql/parse';
import { replay } from './lineage/replay';
import { checkStatements } from './lineage/statements';
import { checkViews } from './lineage/views';

/**
 * The lineage of every view of PostgreSQL's regression database, against a brute-force oracle and against pg_depend.
 *
 *   npm run test:lineage -- [--packages FOLDER]
 *
 * docs/lineage.md says what it needs and what the figures mean. The last line is `N passed, N failed`.
 */
const { values } = parseArgs({
  options: {
    /** Where PostgreSQL is kept for the next run; taken anew when absent. */
    packages: { type: 'string' },
    /** Of each view, what the engine says. */
    verbose: { type: 'boolean', default: false },
  },
});

if (process.getuid?.() !== 0) {
  console.error('Run this as root: it installs what is missing of Debian packages and runs PostgreSQL as user postgres.');
  process.exit(2);
}
const work = mkdtempSync(join(tmpdir(), 'gatehouse-lineage-'));
chmodSync(work, 0o711);
const startedMs = performance.now();
const say = (line: string) => console.log(`[${((performance.now() - startedMs) / 1000).toFixed(0).padStart(4)} s] ${line}`);

/** What has to be stopped, the newest first. */
const stops: (() => Promise<unknown> | unknown)[] = [() => rmSync(work, { recursive: true, force: true, maxRetries: 5 })];
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    endRunning();
    void stopAll().finally(() => process.exit(130));
  });
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.log('0 passed, 1 failed');
  process.exitCode = 1;
} finally {
  await stopAll();
}

async function main(): Promise<void> {
  await loadParser();
  const postgres = await fetchPostgres(resolve(values.packages ?? join(work, 'packages')), say);
  const modules = await compileModules(postgres, join(work, 'modules'));
  const account = await postgresAccount();
  const cluster = await startCluster(postgres, join(work, 'cluster'), account);
  stops.push(cluster.stop);
  say('running the regression suite, which makes the database');
  const run = await runRegress(
    { postgres, modules, account, only: [], say: () => undefined },
    { name: 'direct', port: cluster.port, password: cluster.password },
    join(work, 'results'),
  );
  say(`made in ${run.seconds.toFixed(0)} s`);
  const client = new pg.Client({ host: '127.0.0.1', port: cluster.port, user: 'postgres', password: cluster.password, database: DATABASE });
  await client.connect();
  stops.push(() => client.end());
  const files = join(postgres.source, 'src/test/regress/sql');
  const statements = await checkStatements(client, await loadCatalog(client), files);
  say('queries compared with what the server describes');
  say(`${await replay(client, files)} views more from replaying the files without what they drop`);
  const catalog = await loadCatalog(client);
  const views = await checkViews(client, catalog, { say, verbose: values.verbose });
  for (const line of [...statements.lines, ...views.lines]) console.log(line);
  const failed = statements.failed + views.failed;
  console.log(`${statements.passed + views.passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

async function postgresAccount(): Promise<Account> {
  const id = async (flag: string) => Number((await must('id', [flag, 'postgres'], { timeoutMs: 10_000 })).trim());
  return { uid: await id('-u'), gid: await id('-g') };
}

async function stopAll(): Promise<void> {
  for (const stop of stops.splice(0).reverse()) await stop();
}
