import { writeFileSync } from 'node:fs';
import { withReason } from './counts.mjs';

/** A Playwright reporter that writes one suite's counts for bin/test.mjs. A flaky test counts as failed: it must be able to pass twice. */
export default class PlaywrightCounts {
  /** @type {import('@playwright/test/reporter').Suite | undefined} */
  #suite;
  /** @type {string[]} */
  #errors = [];

  /**
   * @param {import('@playwright/test/reporter').FullConfig} _config
   * @param {import('@playwright/test/reporter').Suite} suite
   */
  onBegin(_config, suite) {
    this.#suite = suite;
  }

  /** Errors outside tests: a config, a global set-up, a file that does not load. @param {import('@playwright/test/reporter').TestError} error */
  onError(error) {
    this.#errors.push(`browser: ${(error.message ?? 'unknown error').split('\n')[0]}`);
  }

  onEnd() {
    let passed = 0;
    const failures = [...this.#errors];
    const skips = [];
    for (const test of this.#suite?.allTests() ?? []) {
      const name = test.titlePath().filter(Boolean).join(' > ');
      const outcome = test.outcome();
      if (outcome === 'expected') passed++;
      // Serial tests after a failed one are reported as skipped without a reason: they did not pass.
      else if (outcome === 'skipped' && test.annotations.some((note) => note.type === 'skip')) {
        skips.push({ name, reason: test.annotations.find((note) => note.type === 'skip')?.description ?? 'no reason given' });
      } else failures.push(withReason(name, test.results.findLast(({ error }) => error !== undefined)?.error?.message));
    }
    const path = process.env.GATEHOUSE_TEST_COUNTS;
    if (path !== undefined) writeFileSync(path, JSON.stringify({ passed, failures, skips }));
  }

  printsToStdio() {
    return false;
  }
}
