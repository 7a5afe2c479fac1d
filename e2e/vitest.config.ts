import { dirname } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: dirname(import.meta.dirname),
    watch: false,
    passWithNoTests: false,
    environment: 'node',
    include: ['e2e/**/*.test.ts'],
    globalSetup: ['e2e/start.ts'],
    // One gateway is under test: what one file does to its policy, another would see.
    fileParallelism: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
