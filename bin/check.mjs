#!/usr/bin/env node
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCheck } from './check/run.mjs';

// npm run check: format, lint, boundaries, names, types, dead code, licences and the unit tests, in under a minute.
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const startedAt = performance.now();
const results = await runCheck({ root, unit: !process.argv.includes('--no-unit') });
const failed = results.filter((step) => !step.ok).length;
console.log(`\n${results.length - failed} passed, ${failed} failed in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
process.exitCode = failed === 0 ? 0 : 1;
