import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { hashInputs, isFresh, writeStamp } from './stale.mjs';

/** What runs in plain Node: packages stay outside, so native parts and their data files are found where npm put them. */
export const BUNDLES = {
  main: 'server/main.ts',
  worker: 'proxy/worker/main.ts',
  recorder: 'proxy/record/main.ts',
  shipper: 'proxy/ship/main.ts',
  cli: 'server/cli/main.ts',
};

const TOOLCHAIN = ['package-lock.json', 'tsconfig.json', 'bin/build/bundles.mjs'];

/** Builds those of `names` whose sources changed; returns the names that were built. */
export async function buildBundles(root, names, { force = false } = {}) {
  const stale = names.filter(
    (name) => force || !isFresh(root, stampOf(root, name), { mustBeListed: TOOLCHAIN, outputs: [`dist/${name}.js`] }),
  );
  if (stale.length === 0) return stale;
  const { build, stop } = await import('esbuild');
  for (const name of stale) {
    rmSync(stampOf(root, name), { force: true });
    const result = await build({
      entryPoints: [join(root, BUNDLES[name])],
      outfile: join(root, 'dist', `${name}.js`),
      absWorkingDir: root,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      packages: 'external',
      sourcemap: true,
      metafile: true,
      logLevel: 'warning',
    });
    writeStamp(stampOf(root, name), hashInputs(root, [...Object.keys(result.metafile.inputs), ...TOOLCHAIN]));
  }
  // esbuild's helper process would outlive the build and hold the terminal.
  await stop();
  return stale;
}

function stampOf(root, name) {
  return join(root, 'dist', `.${name}.stamp.json`);
}
