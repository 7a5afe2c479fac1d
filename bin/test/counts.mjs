import { existsSync, readFileSync } from 'node:fs';

/**
 * What one suite did. A suite that could not start, crashed, or ran nothing is a failure by itself.
 * @typedef {{ name: string, reason: string }} Skip
 * @typedef {{ passed: number, failures: string[], skips: Skip[] }} Counts
 */

/**
 * Reads what a counting reporter wrote, and does not believe a runner whose exit code says otherwise.
 * @param {string} suite
 * @param {string} path
 * @param {number | null} exitCode
 * @returns {Counts}
 */
export function readCounts(suite, path, exitCode) {
  /** @type {Counts} */
  let counts = { passed: 0, failures: [], skips: [] };
  if (existsSync(path)) counts = JSON.parse(readFileSync(path, 'utf8'));
  return settle(suite, counts, exitCode);
}

/**
 * @param {string} suite
 * @param {Counts} counts
 * @param {number | null} exitCode  null when a signal ended it
 * @returns {Counts}
 */
export function settle(suite, counts, exitCode) {
  const failures = [...counts.failures];
  if (failures.length === 0 && exitCode !== 0)
    failures.push(`${suite}: the runner ended with ${exitCode ?? 'a signal'} although no test failed`);
  if (failures.length === 0 && counts.passed === 0) failures.push(`${suite}: no test ran`);
  return { ...counts, failures };
}

/**
 * @param {Counts[]} all
 * @returns {Counts}
 */
export function sum(all) {
  return {
    passed: all.reduce((total, counts) => total + counts.passed, 0),
    failures: all.flatMap((counts) => counts.failures),
    skips: all.flatMap((counts) => counts.skips),
  };
}

const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');
const REASON_LENGTH = 200;

/**
 * A failure as the closing lines name it: often they are all that is kept of a run.
 * @param {string} name
 * @param {string | undefined} message
 */
export function withReason(name, message = '') {
  const words = message
    .replaceAll(COLOURS, '')
    .trim()
    .split(/\s*\n\s*/)
    .join(' ');
  return words === '' ? name : `${name}: ${words.slice(0, REASON_LENGTH)}`;
}

/**
 * The plain closing line.
 * @param {Counts} total
 */
export function closingLine(total) {
  const skipped = total.skips.length > 0 ? `, ${total.skips.length} skipped` : '';
  return `${total.passed} passed, ${total.failures.length} failed${skipped}`;
}

/** Whether the whole run counts as good: something ran and nothing failed. @param {Counts} total */
export function isGood(total) {
  return total.passed > 0 && total.failures.length === 0;
}
