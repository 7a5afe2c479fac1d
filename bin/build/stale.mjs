import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/**
 * Whether what was built is older than what it was built from, told by contents: times lie after a clone, a checkout or a copy.
 * The stamp lists every input with its hash, so an edit to a file that a part does not use does not rebuild that part.
 */

/** Every source file under a folder, tests left out, relative to root. */
export function sourcesUnder(root, folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.test\.tsx?$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}

/** The hash of each file's contents; null for one that is gone. */
export function hashInputs(root, paths) {
  return Object.fromEntries([...new Set(paths)].sort().map((path) => [path, hashFile(join(root, path))]));
}

function hashFile(path) {
  return existsSync(path) ? createHash('sha256').update(readFileSync(path)).digest('hex') : null;
}

/** True when the stamp's inputs are unchanged, `mustBeListed` are all among them, and `outputs` exist. */
export function isFresh(root, stampPath, { mustBeListed, outputs }) {
  if (!existsSync(stampPath) || outputs.some((path) => !existsSync(join(root, path)))) return false;
  let stamp;
  try {
    stamp = JSON.parse(readFileSync(stampPath, 'utf8'));
  } catch {
    return false;
  }
  if (stamp.node !== nodeMajor() || mustBeListed.some((path) => !(path in stamp.inputs))) return false;
  return Object.entries(stamp.inputs).every(([path, hash]) => hashFile(join(root, path)) === hash);
}

/** Written last and in one step: a build that was cut short has no stamp. */
export function writeStamp(stampPath, inputs) {
  mkdirSync(dirname(stampPath), { recursive: true });
  writeFileSync(`${stampPath}.tmp`, JSON.stringify({ node: nodeMajor(), inputs }));
  renameSync(`${stampPath}.tmp`, stampPath);
}

function nodeMajor() {
  return process.versions.node.split('.')[0];
}
