import { mkdirSync } from 'node:fs';
import { build } from 'esbuild';

// The benchmark is TypeScript like everything else; it is bundled, then run, with the thread that ships beside it.
mkdirSync('dist', { recursive: true });
const [bench, shipper] = ['dist/bench-ingest.js', 'dist/bench-shipper.js'];
for (const [from, outfile] of [
  ['bench/ingest.ts', bench],
  ['proxy/ship/main.ts', shipper],
])
  await build({
    entryPoints: [from],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
  });
await import(`../${bench}`);
