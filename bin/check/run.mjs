import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { boundaryFaults } from './boundaries.mjs';
import { documentFaults } from './documents.mjs';
import { lengthRemark, nameFault } from './names.mjs';
import { licenceFaults, registryFaults } from './packages.mjs';

/**
 * @typedef {{ ok: boolean, output: string }} Outcome
 * @typedef {{ name: string, run: (root: string) => Promise<Outcome> }} Step
 * @typedef {{ name: string, ok: boolean, seconds: number, output: string }} StepResult
 */

/** @type {Step[]} */
const STEPS = [
  { name: 'format and lint', run: (root) => tool(root, '@biomejs/biome/bin/biome', ['check', '--error-on-warnings', '--colors=off', '.']) },
  { name: 'import boundaries', run: async (root) => verdict(overSources(root, boundaryFaults)) },
  { name: 'file names', run: async (root) => verdict(trackedFiles(root).flatMap((path) => nameFault(path) ?? [])) },
  { name: 'file names in documents', run: async (root) => verdict(documents(root)) },
  { name: 'types', run: types },
  { name: 'dead code', run: (root) => tool(root, 'knip/bin/knip.js', ['--no-progress', '--treat-config-hints-as-errors']) },
  {
    name: 'no registry host in the lock file',
    run: async (root) => verdict(registryFaults(readFileSync(join(root, 'package-lock.json'), 'utf8'))),
  },
  { name: 'licences', run: async (root) => verdict(licenceFaults(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')))) },
];

const UNIT = {
  name: 'unit tests',
  run: (/** @type {string} */ root) => tool(root, 'vitest/vitest.mjs', ['run', '--project', 'unit', '--reporter', 'dot']),
};

/**
 * Runs every step, each with its time, and prints the output of those that fail. One step's failure stops no other.
 * @param {{ root: string, unit: boolean }} options
 * @returns {Promise<StepResult[]>}
 */
export async function runCheck({ root, unit }) {
  const results = [];
  for (const step of unit ? [...STEPS, UNIT] : STEPS) {
    const startedAt = performance.now();
    /** @type {Outcome} */
    let outcome;
    try {
      outcome = await step.run(root);
    } catch (error) {
      outcome = { ok: false, output: `the step itself could not run: ${error instanceof Error ? error.message : String(error)}` };
    }
    const seconds = (performance.now() - startedAt) / 1000;
    results.push({ name: step.name, seconds, ...outcome });
    console.log(`${outcome.ok ? 'ok    ' : 'FAILED'} ${step.name} (${seconds.toFixed(1)} s)`);
    if (!outcome.ok) console.log(outcome.output.trim().replace(/^/gm, '       '));
  }
  for (const remark of overSources(root, (path, source) => lengthRemark(path, source) ?? [])) console.log(`note   ${remark}`);
  return results;
}

/** Files git knows or would add: what is ignored is not ours. */
export function trackedFiles(/** @type {string} */ root) {
  const output = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  return output.split('\0').filter((path) => path !== '' && existsSync(join(root, path)));
}

function overSources(/** @type {string} */ root, /** @type {(path: string, source: string) => string | string[]} */ inspect) {
  return trackedFiles(root)
    .filter((path) => /\.(?:ts|tsx|mjs|js)$/.test(path))
    .flatMap((path) => inspect(path, readFileSync(join(root, path), 'utf8')));
}

function documents(/** @type {string} */ root) {
  const required = ['ARCHITECTURE.md', 'README.md', 'CONTRIBUTING.md'];
  const files = new Set(trackedFiles(root));
  const names = [...required, ...[...files].filter((path) => /^(?:[A-Z]+\.md|docs\/.*\.md)$/.test(path) && !required.includes(path))];
  return names.flatMap((name) =>
    files.has(name)
      ? documentFaults(
          name,
          readFileSync(join(root, name), 'utf8'),
          (path) => files.has(path) || [...files].some((file) => file.startsWith(`${path}/`)),
        )
      : [`${name} is missing`],
  );
}

/** @returns {Promise<Outcome>} */
async function types(/** @type {string} */ root) {
  // Next writes this file when it builds and it is not committed; without it CSS and image imports have no types.
  const ambient = join(root, 'next-env.d.ts');
  if (!existsSync(ambient)) writeFileSync(ambient, '/// <reference types="next" />\n/// <reference types="next/image-types/global" />\n');
  return tool(root, 'typescript/bin/tsc', ['-p', '.', '--pretty', 'false']);
}

/** @returns {Outcome} */
function verdict(/** @type {string[]} */ faults) {
  return { ok: faults.length === 0, output: faults.join('\n') };
}

/** Runs a JavaScript program out of node_modules, so that nothing depends on PATH. @returns {Promise<Outcome>} */
function tool(/** @type {string} */ root, /** @type {string} */ program, /** @type {string[]} */ args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'node_modules', program), ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ ok: code === 0, output }));
  });
}
