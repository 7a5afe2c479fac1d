import { writeFileSync } from 'node:fs';
import { withReason } from './counts.mjs';

/** A Vitest reporter that writes one suite's counts for bin/test.mjs, with the reason of every skip. */
export default class VitestCounts {
  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly unknown[]} unhandled
   */
  onTestRunEnd(modules, unhandled) {
    let passed = 0;
    const failures = [];
    const skips = [];
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const result = test.result();
        const name = `${module.relativeModuleId} > ${test.fullName}`;
        if (result.state === 'passed') passed++;
        else if (result.state === 'skipped') skips.push({ name, reason: result.note ?? reasonIn(test.fullName) });
        else failures.push(withReason(name, result.errors?.[0]?.message));
      }
      // A hook or import that failed leaves its tests skipped or absent.
      for (const suite of module.children.allSuites())
        for (const { message } of suite.errors().slice(0, 1))
          failures.push(withReason(`${module.relativeModuleId} > ${suite.fullName}`, message));
      for (const { message } of module.errors().slice(0, 1))
        failures.push(withReason(`${module.relativeModuleId} could not be loaded`, message));
    }
    for (const error of unhandled)
      failures.push(`unhandled: ${error instanceof Object && 'message' in error ? error.message : String(error)}`);
    const path = process.env.GATEHOUSE_TEST_COUNTS;
    if (path !== undefined) writeFileSync(path, JSON.stringify({ passed, failures, skips }));
  }
}

/** `describe.skipIf` takes no reason, so such a name ends in one: `psql (needs psql on PATH)`. */
function reasonIn(/** @type {string} */ name) {
  return /\((needs [^)]*)\)/.exec(name)?.[1] ?? 'no reason given';
}
