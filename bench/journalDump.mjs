import { mkdirSync } from 'node:fs';
import { build } from 'esbuild';

// A program of its own, so that what is tested is not what reads it.
mkdirSync('dist', { recursive: true });
await build({
  entryPoints: ['bench/journalDump.ts'],
  outfile: 'dist/journal-dump.js',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
});
await import('../dist/journal-dump.js');
