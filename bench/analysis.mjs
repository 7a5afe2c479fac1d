import { mkdirSync } from 'node:fs';
import { build } from 'esbuild';

// Like the other measurements: TypeScript, bundled and then run.
mkdirSync('dist', { recursive: true });
await build({
  entryPoints: ['bench/analysis.ts'],
  outfile: 'dist/bench-analysis.js',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
});
await import('../dist/bench-analysis.js');
