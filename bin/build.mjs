#!/usr/bin/env node
import { dirname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { BUNDLES, buildBundles } from './build/bundles.mjs';
import { whileBuilding } from './build/lock.mjs';
import { buildPages, pagesAreFresh } from './build/pages.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Builds what is missing or older than its sources: the server's bundles, and the console unless `pages` is false.
 * Says nothing when everything is fresh.
 */
export async function buildStale({ names = Object.keys(BUNDLES), pages = true, force = false, verbose = false, say = console.error } = {}) {
  await whileBuilding(root, say, async () => {
    const startedAt = performance.now();
    const built = await buildBundles(root, names, { force });
    if (built.length > 0) say(`built ${built.join(', ')} in ${seconds(startedAt)}`);
    if (!pages || (!force && pagesAreFresh(root))) return;
    say('building the console (this takes a while the first time)');
    const pagesStartedAt = performance.now();
    await buildPages(root, { verbose });
    say(`built the console in ${seconds(pagesStartedAt)}`);
  });
}

function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

// npm run build [-- --force] [-- --verbose]
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const flags = new Set(process.argv.slice(2));
  try {
    await buildStale({ force: flags.has('--force'), verbose: flags.has('--verbose') });
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
