import { mkdirSync } from 'node:fs';
import { build } from 'esbuild';

// The benchmark is TypeScript like everything else; it is bundled, then run.
mkdirSync('dist', { recursive: true });
await build({
  entryPoints: ['bench/signIn.ts'],
  outfile: 'dist/bench-signIn.js',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
});
await import('../dist/bench-signIn.js');
