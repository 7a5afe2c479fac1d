import { mkdirSync } from 'node:fs';
import { build } from 'esbuild';

// Like the benchmark: TypeScript, bundled and then run. dist/ is as far from the root as e2e/ is, so paths from there hold.
mkdirSync('dist', { recursive: true });
await build({
  entryPoints: ['e2e/lineage/lineage.ts'],
  outfile: 'dist/lineage.js',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
});
await import('../../dist/lineage.js');
