import { defineConfig } from 'vitest/config';

const exclude = ['node_modules/**', 'dist/**', '.next/**', '.gatehouse/**', 'e2e/**'];
/** Tests that start a real PostgreSQL; everything else runs without processes or sockets of its own beyond loopback. */
const needsPostgres = ['**/*.integration.test.ts'];

export default defineConfig({
  test: {
    watch: false,
    passWithNoTests: false,
    restoreMocks: true,
    // Two cores are shared with the PostgreSQL under test.
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'unit',
          environment: 'node',
          include: ['**/*.test.ts'],
          exclude: [...exclude, ...needsPostgres],
          testTimeout: 10_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'integration',
          environment: 'node',
          include: needsPostgres,
          exclude,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
