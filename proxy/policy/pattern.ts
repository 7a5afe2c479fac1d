import { RE2JS } from 're2js';

/**
 * Compiles the `sql` pattern of a rule, case-insensitive, in RE2's syntax: no backreferences and no look-around, and in return the time
 * is linear in the text, whatever the pattern. JavaScript's own engine backtracks and could be kept busy by a hostile text.
 * @throws Error in words when the pattern is not RE2
 */
export function linearPattern(source: string): RE2JS {
  return RE2JS.compile(source, RE2JS.CASE_INSENSITIVE);
}
