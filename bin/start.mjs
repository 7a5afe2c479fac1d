#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { whyNodeIsTooOld } from './build/node.mjs';

// npm start: build what is stale, then run the server in this very process, so that a signal to npm's child is a signal to the server.
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dev = process.argv.includes('--dev');

function fail(message) {
  console.error(message);
  process.exit(1);
}

const tooOld = whyNodeIsTooOld();
if (tooOld !== null) fail(tooOld);
if (!existsSync(join(root, 'node_modules', 'next'))) fail('the packages are not installed: run npm install first');

process.env.NODE_ENV = dev ? 'development' : 'production';
process.env.NEXT_TELEMETRY_DISABLED = '1';
process.setSourceMapsEnabled(true);

try {
  const { buildStale } = await import('./build.mjs');
  await buildStale({ pages: !dev, say: (line) => console.log(`  ${line}`) });
} catch (error) {
  fail(error.message);
}
await import(pathToFileURL(join(root, 'dist', 'main.js')).href);
