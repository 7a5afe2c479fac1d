import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DATABASE } from './cluster';
import { command, must } from './command';
import { clientEnv, type Suite, type Target } from './regress';
import type { Results } from './results';

const TEST_TIMEOUT_MS = 60_000;
/** As its own test script passes it. */
const ROWS = '700';

/** Runs every test of libpq_pipeline, and compares the trace of those the source has one for: each is a result of its own. */
export async function runPipeline(suite: Suite, target: Target, folder: string): Promise<Results> {
  const { postgres, modules, say } = suite;
  mkdirSync(folder, { recursive: true });
  const env = clientEnv(postgres, target);
  const names = (await must(modules.libpqPipeline, ['tests'], { env, timeoutMs: TEST_TIMEOUT_MS })).trim().split(/\s+/);
  const connection = `host=127.0.0.1 port=${target.port} user=postgres dbname=${DATABASE}`;
  const results: Results = new Map();
  for (const name of names) {
    const expected = join(postgres.source, 'src/test/modules/libpq_pipeline/traces', `${name}.trace`);
    const trace = join(folder, `${name}.trace`);
    const traced = existsSync(expected);
    const args = ['-r', ROWS, ...(traced ? ['-t', trace] : []), name, connection];
    const run = await command(modules.libpqPipeline, args, { cwd: folder, env, timeoutMs: TEST_TIMEOUT_MS });
    writeFileSync(
      join(folder, `${name}.log`),
      run.stdout + run.stderr + (run.timedOut ? `\ndid not end within ${TEST_TIMEOUT_MS / 1000} s\n` : ''),
    );
    results.set(`libpq_pipeline ${name}`, run.code === 0 ? 'ok' : 'failed');
    if (traced) {
      const same = existsSync(trace) && readFileSync(trace, 'utf8') === readFileSync(expected, 'utf8');
      results.set(`libpq_pipeline ${name} trace`, same ? 'ok' : 'failed');
    }
    say(`${target.name} libpq_pipeline ${name} ${results.get(`libpq_pipeline ${name}`)}`);
  }
  return results;
}
