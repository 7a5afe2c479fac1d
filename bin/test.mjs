#!/usr/bin/env node
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCheck } from './check/run.mjs';
import { closingLine, isGood, readCounts, settle, sum } from './test/counts.mjs';
import { loadHarness } from './test/harness.mjs';

// npm test: everything, in order, against real parts. The last line is `N passed, N failed`.
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const scratch = mkdtempSync(join(tmpdir(), 'gatehouse-npm-test-'));
// As root the embedded PostgreSQL runs under another account, which has to pass through.
if (process.getuid?.() === 0) chmodSync(scratch, 0o711);
// Whatever a suite leaves behind, it leaves here.
process.env.TMPDIR = scratch;
const startedAt = performance.now();
/** @type {import('./test/counts.mjs').Counts[]} */
const results = [];
/** @type {import("../e2e/gateway").RunningGateway | undefined} */
let gateway;
/** @type {import('node:child_process').ChildProcess | undefined} */
let running;
let interrupted = false;

for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => {
    if (interrupted) return;
    interrupted = true;
    console.log(`\n${signal}: stopping what was started`);
    void endRunning(signal === 'SIGHUP' ? 'SIGTERM' : signal)
      .then(cleanUp)
      .finally(() => process.exit(130));
  });
}

try {
  await suite('check', async () => {
    const steps = await runCheck({ root, unit: false });
    return settle(
      'check',
      {
        passed: steps.filter((step) => step.ok).length,
        failures: steps.filter((step) => !step.ok).map((step) => `check > ${step.name}`),
        skips: [],
      },
      0,
    );
  });
  await suite('unit and integration', () => runner('unit and integration', vitest([])));
  const built = await suite('build', async () => {
    const code = await run(process.execPath, ['bin/build.mjs'], {});
    return { passed: 0, failures: code === 0 ? [] : [`build: bin/build.mjs ended with ${code}`], skips: [] };
  });
  const started =
    built &&
    (await suite('gateway', async () => {
      const harness = await loadHarness(root);
      const open = await harness.startGateway({ root, log: join(scratch, 'gateway.log') });
      gateway = open;
      process.env.GATEHOUSE_E2E = harness.writeState(open, join(scratch, 'gateway.json'));
      console.log(`gateway ${open.consoleUrl}, proxy port ${open.proxyPort}, ready in ${(open.readyMs / 1000).toFixed(1)} s`);
      return { passed: 1, failures: [], skips: [] };
    }));
  if (started) {
    await suite('protocol', () => runner('protocol', vitest(['--config', 'e2e/vitest.config.ts'])));
    await suite('browser', () =>
      runner('browser', ['node_modules/@playwright/test/cli.js', 'test', '--config', 'e2e/playwright.config.ts']));
  } else {
    results.push({ passed: 0, failures: ['protocol: not run, there is no gateway', 'browser: not run, there is no gateway'], skips: [] });
  }
} finally {
  await cleanUp();
}

if (interrupted) results.push({ passed: 0, failures: ['interrupted before the end'], skips: [] });
const total = sum(results);
console.log(`\nall suites took ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
for (const skip of total.skips) console.log(`skipped: ${skip.name}: ${skip.reason}`);
for (const failure of total.failures) console.log(`failed: ${failure}`);
console.log(closingLine(total));
process.exitCode = isGood(total) ? 0 : 1;

/**
 * Runs one suite with its heading and time. A suite that throws has failed. Says whether it was good.
 * @param {string} name
 * @param {() => Promise<import('./test/counts.mjs').Counts>} body
 */
async function suite(name, body) {
  if (interrupted) return false;
  const from = performance.now();
  console.log(`\n=== ${name}`);
  /** @type {import('./test/counts.mjs').Counts} */
  let counts;
  try {
    counts = await body();
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    console.error(words);
    counts = { passed: 0, failures: [`${name}: could not start: ${words.split('\n')[0]}`], skips: [] };
  }
  if (interrupted) return false;
  results.push(counts);
  console.log(`--- ${name}: ${closingLine(counts)} in ${((performance.now() - from) / 1000).toFixed(1)} s`);
  return counts.failures.length === 0;
}

function vitest(/** @type {string[]} */ args) {
  return ['node_modules/vitest/vitest.mjs', 'run', ...args, '--reporter=default', `--reporter=${join(root, 'bin/test/vitestCounts.mjs')}`];
}

/** Runs a test runner whose counting reporter says what happened. */
async function runner(/** @type {string} */ name, /** @type {string[]} */ args) {
  const path = join(scratch, `${name.replaceAll(' ', '-')}.json`);
  const code = await run(process.execPath, args, { GATEHOUSE_TEST_COUNTS: path });
  return readCounts(name, path, code);
}

/** @returns {Promise<number | null>} */
function run(/** @type {string} */ command, /** @type {string[]} */ args, /** @type {Record<string, string>} */ env) {
  return new Promise((resolve, reject) => {
    // A process group of its own, so that what it started can be ended with it.
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1', ...env },
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
    });
    running = child;
    child.on('error', reject);
    child.on('exit', (code) => {
      running = undefined;
      resolve(code);
    });
  });
}

async function endRunning(/** @type {NodeJS.Signals} */ signal) {
  const child = running;
  if (child?.pid === undefined) return;
  const group = -child.pid;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  send(group, signal);
  const timer = setTimeout(() => send(group, 'SIGKILL'), 10_000);
  await gone;
  clearTimeout(timer);
  send(group, 'SIGKILL');
}

function send(/** @type {number} */ pid, /** @type {NodeJS.Signals} */ signal) {
  try {
    process.kill(pid, signal);
  } catch {
    // Already gone.
  }
}

async function cleanUp() {
  const open = gateway;
  gateway = undefined;
  await open?.stop();
  if (interrupted) await untilUnused(scratch);
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
}

/** Gateways of a suite that was cut short stop by themselves, a moment after it. */
async function untilUnused(/** @type {string} */ directory) {
  for (let tries = 0; tries < 40; tries++) {
    if (!spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).stdout?.includes(directory)) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
