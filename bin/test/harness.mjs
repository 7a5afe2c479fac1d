import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

/**
 * Loads e2e/gateway.ts into this process: Node 20 does not read TypeScript.
 * @param {string} root
 * @returns {Promise<typeof import('../../e2e/gateway')>}
 */
export async function loadHarness(root) {
  // Beside node_modules, so that packages resolve.
  const outfile = join(root, 'node_modules/.cache/gatehouse/gateway.mjs');
  await build({
    entryPoints: [join(root, 'e2e/gateway.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'error',
  });
  return import(pathToFileURL(outfile).href);
}
