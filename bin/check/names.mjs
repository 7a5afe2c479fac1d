const NOWHERE = new Set(['utils', 'util', 'helpers', 'helper', 'common', 'misc', 'shared', 'lib']);

/**
 * Names that say nothing about what is inside, anywhere in a path; and barrels, which hide who imports what.
 * @param {string} path
 * @returns {string | undefined} the fault, or undefined
 */
export function nameFault(path) {
  const parts = path.split('/');
  const file = parts.at(-1) ?? '';
  const stem = file.replace(/(\.test|\.spec|\.integration)?\.[a-z]+$/i, '');
  const empty = [...parts.slice(0, -1), stem].find((part) => NOWHERE.has(part.toLowerCase()));
  if (empty !== undefined)
    return `${path}: "${empty}" names no noun and no verb; name the file after what it does and put it in the room that uses it`;
  if (/^index\.(?:ts|tsx|js|mjs)$/.test(file)) return `${path}: no barrels; import from the file that has it, so that a reader lands there`;
  return undefined;
}

/** TypeScript files over this many lines are reported, never failed: a long file is a question. */
const LONG_FILE_LINES = 400;

/**
 * @param {string} path
 * @param {string} source
 * @returns {string | undefined}
 */
export function lengthRemark(path, source) {
  if (!/\.(?:ts|tsx|mjs)$/.test(path)) return undefined;
  const lines = source.split('\n').length;
  return lines > LONG_FILE_LINES ? `${path} has ${lines} lines: does each of them know its room?` : undefined;
}
