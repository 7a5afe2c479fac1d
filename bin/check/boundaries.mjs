import { posix } from 'node:path';

/**
 * The order of the house: a room may import itself and the rooms right of it. `app → server → proxy → db`.
 * @type {Record<string, { values: string[], types: string[], why: string }>}
 */
const ROOMS = {
  app: {
    values: ['app', 'server'],
    types: ['app', 'server', 'proxy', 'db'],
    why: 'a page decides nothing: ask the domain verbs in server/ (through tRPC), so that permission and audit are not skipped',
  },
  server: {
    values: ['server', 'proxy', 'db'],
    types: ['server', 'proxy', 'db'],
    why: 'the domain verbs also serve the CLI and run where there are no pages, so they must not know the console',
  },
  proxy: {
    values: ['proxy', 'db'],
    types: ['proxy', 'db'],
    why: 'the data path runs in its own worker process: what it imports is loaded beside every statement, and must not be able to reach pages or the console API',
  },
  db: {
    values: ['db'],
    types: ['db'],
    why: 'everything stands on db, so db stands on nothing of ours: otherwise a schema cannot be read or migrated alone',
  },
  e2e: {
    values: ['e2e', 'db'],
    types: ['e2e', 'app', 'server', 'proxy', 'db'],
    why: 'the end-to-end suites drive the running system from outside; a value imported from inside would test a second copy of it',
  },
  bench: {
    values: ['bench', 'e2e', 'server', 'proxy', 'db'],
    types: ['bench', 'e2e', 'server', 'proxy', 'db'],
    why: 'a benchmark measures the data path, through a gateway started as e2e starts it; pages are no part of it',
  },
};

/**
 * Every module specifier of a source text with whether it is erased at build time. Comments do not count.
 * @param {string} source
 * @returns {{ specifier: string, typeOnly: boolean, line: number }[]}
 */
export function importsOf(source) {
  const code = blankComments(source);
  const found = [];
  const statement = /^[ \t]*(import|export)\b(?:\s+(type)\b(?!\s*(?:from\b|,)))?([^;'"`]*?)\bfrom\s*(['"])([^'"\n]+)\4/gm;
  const sideEffect = /^[ \t]*import\s*(['"])([^'"\n]+)\1/gm;
  const dynamic = /\b(?:import|require)\s*\(\s*(['"`])([^'"`\n]+)\1/g;
  for (const m of code.matchAll(statement)) {
    found.push({ specifier: m[5], typeOnly: m[2] === 'type' || onlyTypes(m[3]), line: lineAt(code, m.index) });
  }
  for (const m of code.matchAll(sideEffect)) found.push({ specifier: m[2], typeOnly: false, line: lineAt(code, m.index) });
  for (const m of code.matchAll(dynamic)) {
    // `typeof import('x')` and `import('x').Type` in a type position still name a module, but are erased.
    const before = code.slice(Math.max(0, m.index - 20), m.index);
    found.push({
      specifier: m[2],
      typeOnly: /(?:typeof|[:<|&]|\bas)\s*$/.test(before) && m[0].startsWith('import'),
      line: lineAt(code, m.index),
    });
  }
  return found;
}

/** `{ type A, type B }` is erased under verbatimModuleSyntax only as far as its bindings: treat it as types, as bundlers do. */
function onlyTypes(/** @type {string} */ clause) {
  const inner = /^\s*\{([^}]*)\}\s*$/.exec(clause)?.[1];
  if (inner === undefined) return false;
  const names = inner
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return names.length > 0 && names.every((name) => name.startsWith('type '));
}

function lineAt(/** @type {string} */ text, /** @type {number} */ index) {
  const lead = /^\s*/.exec(text.slice(index))?.[0].length ?? 0;
  return text.slice(0, index + lead).split('\n').length;
}

/** Comments become spaces, so that positions stay; strings are stepped over, so that `'//'` is no comment. */
function blankComments(/** @type {string} */ source) {
  return source.replace(/'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, (text) =>
    text.startsWith('/') ? text.replace(/[^\n]/g, ' ') : text,
  );
}

/**
 * What breaks the order of the house in one file.
 * @param {string} path  repository path with forward slashes
 * @param {string} source
 * @returns {string[]}
 */
export function boundaryFaults(path, source) {
  const room = ROOMS[path.split('/')[0] ?? ''];
  if (room === undefined) return [];
  const own = path.split('/')[0];
  const runsInBrowser = own === 'app' && /^\s*(?:\/\/[^\n]*\n|\/\*[\s\S]*?\*\/|\s)*(['"])use client\1/.test(source);
  const faults = [];
  for (const { specifier, typeOnly, line } of importsOf(source)) {
    const target = roomOf(path, specifier);
    if (target === undefined || !(target in ROOMS)) continue;
    if (runsInBrowser && target !== 'app' && !typeOnly) {
      faults.push(`${path}:${line} imports ${specifier}: this file says 'use client', so it is sent to browsers; import types only`);
    } else if (!(typeOnly ? room.types : room.values).includes(target)) {
      const hint = !typeOnly && room.types.includes(target) ? ' (types may be imported with `import type`)' : '';
      faults.push(`${path}:${line} imports ${specifier}: ${own} may not import ${target}${hint}. ${capital(room.why)}.`);
    }
  }
  return faults;
}

/** The room a specifier leads to; undefined for packages. */
function roomOf(/** @type {string} */ path, /** @type {string} */ specifier) {
  if (specifier.startsWith('@/')) return specifier.slice(2).split('/')[0];
  if (!specifier.startsWith('.')) return undefined;
  return posix.join(posix.dirname(path), specifier).split('/')[0];
}

function capital(/** @type {string} */ text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
