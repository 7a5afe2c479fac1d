import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: import.meta.dirname,
    watch: false,
    passWithNoTests: false,
    environment: 'node',
    include: ['**/*.test.ts'],
    globalSetup: ['./start.ts'],
    // One gateway is under test: what one file does to its policy, another would see.
    fileParallelism: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
