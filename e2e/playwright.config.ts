import { defineConfig } from '@playwright/test';
import { findChromium } from './browser';

const launchOptions = await findChromium(process.env);

export default defineConfig({
  testDir: 'console',
  outputDir: '../test-results/browser',
  globalSetup: './start.ts',
  // One gateway and one approval queue: tests that watch them must not see each other's requests.
  workers: 1,
  fullyParallel: false,
  forbidOnly: true,
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [['list'], ['../bin/test/playwrightCounts.mjs']],
  use: {
    launchOptions,
    viewport: { width: 1280, height: 800 },
    screenshot: 'only-on-failure',
    trace: 'retain-on-failure',
    locale: 'en-GB',
    timezoneId: 'UTC',
    actionTimeout: 10_000,
    navigationTimeout: 30_000,
  },
  projects: [
    // The link works once: the other tests stand on the session it gave.
    { name: 'sign-in', testMatch: 'signIn.spec.ts' },
    {
      name: 'console',
      testIgnore: 'signIn.spec.ts',
      dependencies: ['sign-in'],
      use: { storageState: 'test-results/console-session.json' },
    },
  ],
});
