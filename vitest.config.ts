import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const ROOMS = ['bench', 'bin', 'db', 'proxy', 'server', 'app'];

/** A test that starts or shares the embedded PostgreSQL is an integration test: told from what it imports, so that no name can lie. */
const usesPostgres = ROOMS.flatMap((room) => readdirSync(room, { recursive: true, encoding: 'utf8' }).map((path) => join(room, path)))
  .filter((path) => /\.test\.tsx?$/.test(path) && !path.includes('node_modules'))
  .filter(
    (path) =>
      path.endsWith('.integration.test.ts') || /['"][./]*(?:db\/)?(?:embedded\/)?(?:testing|start)['"]/.test(readFileSync(path, 'utf8')),
  );

const include = ROOMS.map((room) => `${room}/**/*.test.{ts,tsx}`);

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
          include,
          exclude: ['**/node_modules/**', ...usesPostgres],
          // What decides is pure, so files may share what they import: half of the time went into importing it for each anew.
          isolate: false,
          testTimeout: 10_000,
          hookTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'integration',
          environment: 'node',
          include: usesPostgres.length > 0 ? usesPostgres : ['**/*.integration.test.ts'],
          // One PostgreSQL for the run; every file makes its own database on it.
          globalSetup: ['db/embedded/testing.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
