/** Licences that ask for no more than a notice. */
const ALLOWED = new Set([
  'MIT',
  'MIT-0',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  '0BSD',
  'BlueOak-1.0.0',
  'Unlicense',
  'CC0-1.0',
  'Python-2.0',
  'PostgreSQL',
]);

/** Packages whose licence asks for more, each with why it is acceptable here. */
const ACCEPTED = [
  { name: /^@img\/sharp-/, licence: /LGPL-3\.0-or-later/, why: 'optional, loaded by Next as a separate shared library, unmodified' },
  {
    name: /^lightningcss(?:-|$)/,
    licence: /^MPL-2\.0$/,
    why: 'runs while the console is built, unmodified; the licence binds its own files',
  },
  { name: /^caniuse-lite$/, licence: /^CC-BY-4\.0$/, why: 'data used while the console is built' },
];

/**
 * @typedef {{ license?: string, dev?: boolean, resolved?: string, link?: boolean }} LockedPackage
 * @typedef {{ packages: Record<string, LockedPackage> }} LockFile
 */

/**
 * Production dependencies whose licence is on neither list. A package without a licence is a fault.
 * @param {LockFile} lock
 * @returns {string[]}
 */
export function licenceFaults(lock) {
  const faults = [];
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (path === '' || entry.dev === true || entry.link === true) continue;
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const licence = entry.license ?? 'none stated';
    if (isAllowed(licence)) continue;
    if (ACCEPTED.some((exception) => exception.name.test(name) && exception.licence.test(licence))) continue;
    faults.push(`${name}: licence "${licence}" is on no list in bin/check/packages.mjs`);
  }
  return faults;
}

/** SPDX: every part of an AND, any part of an OR; the operators may be written small (SPDX 3, annex on expressions). */
function isAllowed(/** @type {string} */ expression) {
  const bare = expression.replace(/[()]/g, '');
  return bare.split(/\s+OR\s+/i).some((choice) => choice.split(/\s+AND\s+/i).every((licence) => ALLOWED.has(licence.trim())));
}

/**
 * Where packages came from is the business of the machine that installs: a host in the lock file breaks every other one.
 * @param {string} lockText
 * @returns {string[]}
 */
export function registryFaults(lockText) {
  const faults = [];
  for (const [index, line] of lockText.split('\n').entries()) {
    if (/"resolved":\s*"(?:https?|git[^"]*):/.test(line))
      faults.push(`package-lock.json:${index + 1} names a registry host: ${line.trim().slice(0, 60)}…`);
  }
  return faults;
}
