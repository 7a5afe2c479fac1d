#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { whyNodeIsTooOld } from './build/node.mjs';

// npx gatehouse …: the command line, built when its sources changed. Standard output belongs to the command.
const root = dirname(dirname(fileURLToPath(import.meta.url)));
try {
  const tooOld = whyNodeIsTooOld();
  if (tooOld !== null) throw new Error(tooOld);
  if (existsSync(join(root, 'server', 'cli'))) {
    const { buildStale } = await import('./build.mjs');
    await buildStale({ names: ['cli', 'offline'], pages: false, say: () => undefined });
  }
  process.setSourceMapsEnabled(true);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
await import(pathToFileURL(join(root, 'dist', 'cli.js')).href);
