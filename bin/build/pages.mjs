import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { hashInputs, isFresh, sourcesUnder, writeStamp } from './stale.mjs';

const TOOLCHAIN = ['package-lock.json', 'next.config.js', 'postcss.config.mjs', 'tsconfig.json', 'bin/build/pages.mjs'];
const STAMP = '.next/gatehouse-stamp.json';

/** Whether the console's pages are built from these sources. */
export function pagesAreFresh(root) {
  return isFresh(root, join(root, STAMP), { mustBeListed: [...TOOLCHAIN, ...sourcesUnder(root, 'app')], outputs: ['.next/BUILD_ID'] });
}

/** Runs `next build`; its output is shown only when it fails (or when `verbose`). */
export async function buildPages(root, { verbose = false } = {}) {
  rmSync(join(root, STAMP), { force: true });
  // Hashed before the build: an edit during it makes the result stale, as it should.
  const inputs = hashInputs(root, [...TOOLCHAIN, ...(await inputsOfPages(root))]);
  const next = join(root, 'node_modules/next/dist/bin/next');
  const child = spawn(process.execPath, [next, 'build'], {
    cwd: root,
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: 'production' },
    stdio: ['ignore', verbose ? 'inherit' : 'pipe', verbose ? 'inherit' : 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output = (output + chunk).slice(-20_000);
    });
  }
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`next build failed (exit code ${code})\n${output}`);
  writeStamp(join(root, STAMP), inputs);
}

/** Everything in app/, and what it imports of server/, proxy/ and db/ (types are no input). */
async function inputsOfPages(root) {
  const { build, stop } = await import('esbuild');
  const own = sourcesUnder(root, 'app');
  const result = await build({
    entryPoints: own.filter((path) => /\.tsx?$/.test(path)).map((path) => join(root, path)),
    absWorkingDir: root,
    bundle: true,
    write: false,
    outdir: join(root, 'dist', 'unused'),
    platform: 'node',
    format: 'esm',
    packages: 'external',
    jsx: 'automatic',
    metafile: true,
    logLevel: 'silent',
    loader: { '.css': 'empty', '.svg': 'empty', '.png': 'empty', '.ico': 'empty', '.woff2': 'empty' },
  }).catch(() => null);
  await stop();
  const imported =
    result === null ? ['server', 'proxy', 'db'].flatMap((folder) => sourcesUnder(root, folder)) : Object.keys(result.metafile.inputs);
  return [...own, ...imported];
}
